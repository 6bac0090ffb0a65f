/**
 * Files change as editors and tools really change them; each time the running sense ends up with what is on disk. The
 * bug would be: the system's watch misses the change, as it does for files in new folders, and old code runs until
 * somebody restarts the daemon.
 */
import assert from "node:assert/strict";
import { isLong, long, scaled } from "../../support/long_form.ts";
import { join } from "../../support/paths.ts";
import { startWorkspace, type WorkspaceFixture } from "../../support/workspace_fixture.ts";

const word = "lib/words/current/word.ts";
const wordText = (value: string) => `export const word = ${JSON.stringify(value)};\n`;
const sense = `import { word } from "../../lib/words/current/word.ts";
  export const compute = () => ({ word });\n`;

const neighbourText = "export const compute = () => ({ b: true });\n";

/** Waits until the sense answers with this word; each replacement of its process wakes it. */
async function answers(workspace: WorkspaceFixture, expected: string): Promise<void> {
  for (;;) {
    const from = workspace.events.length;
    const payload = await workspace.payload("a");
    if ((payload as { word: string }).word === expected) return;
    await workspace.log("group:a", /its files changed/, from);
  }
}

const edits: Readonly<Record<string, (workspace: WorkspaceFixture, text: string) => void>> = {
  "in place": (workspace, text) => workspace.write(word, text),
  "by an atomic rename": ({ root }, text) => {
    Deno.writeTextFileSync(join(root, `${word}.tmp`), text);
    Deno.renameSync(join(root, `${word}.tmp`), join(root, word));
  },
  "by vim's dance": ({ root }, text) => {
    const path = join(root, word), folder = path.slice(0, path.lastIndexOf("/"));
    Deno.writeTextFileSync(`${folder}/.word.ts.swp`, "b0VIM");
    Deno.writeTextFileSync(`${folder}/4913`, "");
    Deno.removeSync(`${folder}/4913`);
    Deno.renameSync(path, `${path}~`);
    Deno.writeTextFileSync(path, text);
    Deno.chmodSync(path, 0o644);
    Deno.removeSync(`${path}~`);
    Deno.removeSync(`${folder}/.word.ts.swp`);
  },
  "by mkdir -p with a file inside": ({ root }, text) => {
    Deno.removeSync(join(root, "lib/words"), { recursive: true });
    Deno.mkdirSync(join(root, "lib/words/current"), { recursive: true });
    Deno.writeTextFileSync(join(root, word), text);
  },
  "by a folder that is moved in": ({ root }, text) => {
    Deno.mkdirSync(join(root, "staging/current"), { recursive: true });
    Deno.writeTextFileSync(join(root, "staging/current/word.ts"), text);
    Deno.removeSync(join(root, "lib/words"), { recursive: true });
    Deno.renameSync(join(root, "staging"), join(root, "lib/words"));
  },
  "by a symbolic link that is turned": ({ root }, text) => {
    Deno.mkdirSync(join(root, "lib/words/next"), { recursive: true });
    Deno.writeTextFileSync(join(root, "lib/words/next/word.ts"), text);
    Deno.removeSync(join(root, "lib/words/current"), { recursive: true });
    Deno.symlinkSync("next", join(root, "lib/words/current"));
  },
  "through that link": (workspace, text) => workspace.write("lib/words/next/word.ts", text),
  "in the middle of 2,000 files": (workspace, text) => {
    for (let index = 0; index < 2_000; index++) {
      workspace.write(`lib/many/${index % 20}/${index}.ts`, `export const n = ${index};\n`);
      if (index === 1_700) workspace.write(word, text);
    }
  },
  "with lib/ removed and made again": ({ root }, text) => {
    Deno.removeSync(join(root, "lib"), { recursive: true });
    Deno.mkdirSync(join(root, "lib/words/current"), { recursive: true });
    Deno.writeTextFileSync(join(root, word), text);
  },
  "with everything of the author removed and made again": (workspace, text) => {
    const yaml = Deno.readTextFileSync(join(workspace.root, "nerve.yaml"));
    for (const name of ["nerve.yaml", "senses", "lib"]) {
      Deno.removeSync(join(workspace.root, name), { recursive: true });
    }
    workspace.write(word, text);
    workspace.write("senses/a/index.ts", sense);
    workspace.write("senses/b/index.ts", neighbourText);
    workspace.write("nerve.yaml", yaml);
  },
};

scaled.test("however a file is changed, the sense that imports it soon runs the new code, and its neighbour keeps its process", async () => {
  await using workspace = await startWorkspace({
    // All this may take longer than a process may be idle.
    yaml: { senses: { a: {}, b: { keep_alive: true } } },
    senses: { a: sense, b: neighbourText },
    files: { [word]: wordText("first") },
    watch: true,
  });
  await answers(workspace, "first");
  await workspace.payload("b");
  const neighbour = workspace.pid("b");
  for (const [way, edit] of Object.entries(edits).slice(0, isLong ? undefined : 3)) {
    edit(workspace, wordText(way));
    await answers(workspace, way);
    assert.equal(workspace.pid("b"), neighbour, way);
  }
  assert.equal(workspace.health().configError, null);
});

long.test("a git checkout of 200 files ends in the state of that branch", async () => {
  const files = (version: string) =>
    Object.fromEntries(
      Array.from({ length: 200 }, (_, index) => [`lib/g/part${index}.ts`, `export const part = "${version}";\n`]),
    );
  await using workspace = await startWorkspace({
    senses: {
      a: `import { part as first } from "../../lib/g/part0.ts";
        import { part as last } from "../../lib/g/part199.ts";
        export const compute = () => ({ word: first === last ? first : "torn" });\n`,
    },
    files: { ...files("main"), ".gitignore": "data/\nlogs/\nnerve.*\n!nerve.yaml\n" },
    watch: true,
  });
  const git = async (...args: string[]) => {
    const identity = ["-c", "user.name=t", "-c", "user.email=t@example.com"];
    const { success, stderr } = await new Deno.Command("git", { args: [...identity, ...args], cwd: workspace.root })
      .output();
    assert.ok(success, new TextDecoder().decode(stderr));
  };
  await git("init", "--quiet", "-b", "main");
  await git("add", ".");
  await git("commit", "--quiet", "-m", "main");
  await git("checkout", "--quiet", "-b", "other");
  for (const [path, text] of Object.entries(files("other"))) workspace.write(path, text);
  await git("commit", "--quiet", "-am", "other");
  await answers(workspace, "other");
  await git("checkout", "--quiet", "main");
  await answers(workspace, "main");
});
