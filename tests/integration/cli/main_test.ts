/** The command line as a process: the modules that it loads, and what it does when its reader goes away. */
import assert from "node:assert/strict";
import { long } from "../../support/long_form.ts";
import { fileURLToPath } from "node:url";

const source = (path: string) => fileURLToPath(new URL(`../../../src/${path}`, import.meta.url));

interface ModuleGraph {
  readonly roots: string[];
  readonly modules: {
    readonly specifier: string;
    readonly dependencies?: { readonly isDynamic?: boolean; readonly code?: { readonly specifier?: string } }[];
  }[];
  readonly redirects: Record<string, string>;
}

/** Every module that is loaded together with `path`, without those that it imports later. */
async function loadedWith(path: string): Promise<Set<string>> {
  const { stdout } = await new Deno.Command(Deno.execPath(), { args: ["info", "--json", path], stdout: "piped" })
    .output();
  const graph: ModuleGraph = JSON.parse(new TextDecoder().decode(stdout));
  const loaded = new Set<string>(), waiting = [...graph.roots];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const specifier = graph.redirects[next] ?? next;
    if (loaded.has(specifier)) continue;
    loaded.add(specifier);
    for (
      const { isDynamic, code } of graph.modules.find((module) => module.specifier === specifier)?.dependencies ?? []
    ) {
      if (isDynamic !== true && code?.specifier !== undefined) waiting.push(code.specifier);
    }
  }
  return loaded;
}

Deno.test("nerve --help loads stricli and none of the commands' modules", async () => {
  // The bug would be: one static import of a command, and every call of nerve takes three times as long.
  const loaded = [...await loadedWith(source("cli/main.ts"))];
  const packages = loaded.filter((specifier) => specifier.startsWith("npm:")).map((name) =>
    name.replace(/@[\d.]+$/, "")
  );
  assert.deepEqual(packages, ["npm:/@stricli/core"]);
  assert.deepEqual(
    loaded.filter((specifier) => /node:sqlite|\/src\/(kernel|store|control|config|cli\/commands)\//.test(specifier)),
    [],
  );
  // The walk does find more when there is more: a command's own module loads further ones.
  assert.ok([...await loadedWith(source("cli/commands/events.ts"))].some((specifier) => /node:sqlite/.test(specifier)));
});

long.test("a reader that closes its end of the pipe is not a failure", async () => {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-prompt", "--cached-only", "--no-check", source("main.ts"), "version"],
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  await child.stdout.cancel();
  const [{ code }, stderr] = await Promise.all([child.status, new Response(child.stderr).text()]);
  assert.deepEqual([code, stderr], [0, ""]);
});

Deno.test("a full disk behind stdout is reported in two lines, without a stack trace", async () => {
  for (const args of [["version"], ["--help"], ["completions", "bash"]]) {
    const { code, stderr } = await new Deno.Command("sh", {
      args: ["-c", 'exec "$@" > /dev/full', "sh", Deno.execPath(), "run", "-A", "--no-prompt", "--cached-only"]
        .concat("--no-check", source("main.ts"), ...args),
      stdin: "null",
      stderr: "piped",
    }).output();
    const errors = new TextDecoder().decode(stderr);
    assert.equal(code, 1, errors);
    assert.match(errors, /^❌ stdout cannot be written: no space is left\n {3}Free some space .*\n$/);
  }
});

long.test("a deleted current folder is reported in two lines, and commands that need none still work", async () => {
  const folder = await Deno.makeTempDir({ prefix: "nerve-cli-" });
  const nerve = [Deno.execPath(), "run", "-A", "--quiet", "--no-prompt", "--cached-only", source("main.ts")];
  const run = async (...args: string[]) => {
    const inside = 'mkdir -p "$1/$(printf "\\377")" && cd "$1/$(printf "\\377")" && shift && exec "$@"';
    const { code, stderr } = await new Deno.Command("sh", { args: ["-c", inside, "sh", folder, ...nerve, ...args] })
      .output();
    return { code, err: new TextDecoder().decode(stderr) };
  };
  try {
    const { code, err } = await run("status");
    assert.equal(code, 1, err);
    assert.match(err, /^❌ the current folder has no path that nerve can use: .*\n {3}cd into another folder\n$/);
    assert.deepEqual(await run("--help"), { code: 0, err: "" });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
