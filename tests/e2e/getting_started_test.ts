/**
 * docs/getting-started.md as a reader follows it: in an empty folder, with a home of its own, every file is written and
 * every command is typed in the order of the page, and the output has the shape that the page shows.
 */
import assert from "node:assert/strict";
import { findOwnProgram } from "../../src/base/self_exec.ts";
import { readDocument } from "../support/documents.ts";
import { long } from "../support/long_form.ts";
import { dirname, join } from "../support/paths.ts";
import { repository } from "../support/source_files.ts";
import { inTempDir } from "../support/temp_workspace.ts";

class Reader {
  readonly #home: string;
  readonly #env: Record<string, string>;
  /** The folder in which the last command left the shell. */
  folder: string;

  constructor(home: string) {
    const { PATH = "", DENO_DIR, XDG_CACHE_HOME, HOME = "" } = Deno.env.toObject();
    this.#home = this.folder = home;
    const cache = DENO_DIR ?? join(XDG_CACHE_HOME ?? join(HOME, ".cache"), "deno");
    this.#env = { HOME: home, PATH: `${home}/bin:${PATH}`, NO_COLOR: "1", DENO_DIR: cache };
    const main = join(repository, "src/main.ts"), options = "run -A -q --no-prompt --cached-only";
    this.write(
      "bin/nerve",
      `#!/bin/sh\nexec '${findOwnProgram()}' ${options} -c '${join(repository, "deno.json")}' '${main}' "$@"\n`,
    );
    Deno.chmodSync(`${home}/bin/nerve`, 0o755);
  }

  write(path: string, text: string): void {
    const full = join(this.folder, path);
    Deno.mkdirSync(dirname(full), { recursive: true });
    Deno.writeTextFileSync(full, text);
  }

  /** Types the lines of a block into a shell, and returns the output. Each command must succeed. */
  async type(lines: string): Promise<string> {
    const where = join(this.#home, "folder");
    const { code, stdout } = await new Deno.Command("sh", {
      args: ["-c", `exec 2>&1; set -e; ${lines}\npwd > '${where}'`],
      cwd: this.folder,
      clearEnv: true,
      env: this.#env,
    }).output();
    const printed = new TextDecoder().decode(stdout);
    assert.equal(code, 0, `${lines}${printed}`);
    this.folder = Deno.readTextFileSync(where).trim();
    return printed;
  }
}

/** A line without the parts that differ each time. */
function shapeOf(line: string): string {
  return line.replaceAll(/\b[0-9A-HJKMNP-TV-Z]{26}\b/g, "ID")
    .replaceAll(/\/[^\s(]*\/watch\b/g, "WORKSPACE")
    .replaceAll(/\bnow\b|\d+[smhd] ago/g, "N")
    .replaceAll(/(?:\d+(?:[.:-]\d+)*(?:ms|s|m|h)?)+\b/g, "N")
    .replaceAll(/\s+/g, " ").trim();
}

/**
 * Each line that the page shows was printed, in this order; `...` stands for any text, and alone on a line for any
 * lines.
 */
function assertShown(shown: string, printed: string): void {
  const lines = printed.split("\n").map(shapeOf);
  let at = 0;
  for (const line of shown.trimEnd().split("\n").filter((each) => each !== "...")) {
    const parts = shapeOf(line).split("...").map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&"));
    const pattern = new RegExp(`^${parts.join(".*")}$`),
      found = lines.findIndex((each, n) => n >= at && pattern.test(each));
    assert.ok(found >= 0, `${line}\nis not in\n${printed}`);
    at = found + 1;
  }
}

long.test("a reader who follows docs/getting-started.md sees what it shows, and a tidy inbox", async () => {
  await inTempDir(async (home) => {
    const reader = new Reader(home);
    let printed = "", shown = 0;
    try {
      for (const { language, text, file } of readDocument("docs/getting-started.md").blocks) {
        if (file !== null) reader.write(file, text);
        else if (language === "sh") printed = await reader.type(text);
        else {
          assertShown(text, printed);
          shown++;
        }
      }
      assert.ok(shown > 6);
      assert.deepEqual([...Deno.readDirSync(join(reader.folder, "inbox"))], []);
    } finally {
      // If the page was left in the middle, its daemon still runs.
      await reader.type("nerve stop || true");
    }
  });
});

Deno.test("the comparison ignores only what differs each time", () => {
  assertShown("✅ stopped (pid 1) after 100ms\n...\nid  2 {...", '✅ stopped (pid 47) after 1s\nx\nid   33 {"a":1}\n');
  assertShown("✅ stopped (pid 1) after 100ms", "✅ stopped (pid 47) after 1s300ms\n");
  assert.throws(() => assertShown("✅ stopped", "✅ started\n"));
  assert.throws(() => assertShown("a\nb", "b\na\n"));
});
