/**
 * Bundles each of nerve's own processes and threads into one file in the staged folder. A bundle starts 50 ms sooner
 * than its 200 modules and deno.json (`deno task bench start`). What runs in the sandbox becomes a few files instead,
 * at the places of the modules that src/sandbox/module_gate.ts and deno.json name, and chunks that they share. Used by
 * stage.ts.
 * In main.js every module counts as the main module: code behind `if (import.meta.main)`, such as the shim's, runs as
 * soon as src/main.ts loads its module, which it does only for that purpose.
 * I1. No process loads two bundles, or a bundle and a module that it contains: every class in both would exist twice.
 */
import { join } from "node:path";
import { assert } from "../../src/base/errors.ts";
import { toBundlePath } from "../../src/base/self_exec.ts";
import { runOrFail } from "./command.ts";
import { markEagerFunctions } from "./eager.ts";

/** The entry modules for which src/base/self_exec.ts finds the bundle, by their paths below src/. */
export const bundledEntries = [
  "main.ts",
  "daemon/supervisor_process.ts",
  "daemon/kernel_process.ts",
  "store/commit/commit_worker.ts",
  "store/reading/read_worker.ts",
  "sandbox/shim.ts",
  "sandbox/agent_program_entry.ts",
  "agents/fake_agent.ts",
  "restate/service.ts",
] as const;

/**
 * The sandbox's modules that are loaded by path: its main module, the one that imports user code, the one that user
 * code imports as "nerve", and one that is loaded when it is needed. Paths below src/.
 */
export const sandboxEntries = [
  "sandbox/worker_main.ts",
  "sandbox/user_module.ts",
  "sdk/mod.ts",
  "store/sqlite/drizzle.ts",
] as const;

/** Restate's SDK, which the kernel loads only when nerve.yaml names a Restate engine. */
export const loadedLater = "restate/service.ts";

/**
 * Built-in modules that load quickly. A bundle loads all static imports of its modules at every start. Any other
 * built-in makes Deno load its Node layer, which takes 20 to 60 ms in each thread. Those are loaded where they are
 * needed (src/base/built_ins.ts); node:path is replaced by a package with the same code.
 */
const quickBuiltIns = ["node:sqlite"];

/**
 * `root` is a staged folder without a deno.json. It gets the repository's deno.json and lock file while this runs:
 * bundling the vendored packages instead would include everything that authors may import from them, and each start
 * would take 5 ms longer.
 */
export async function bundleProcesses(repository: string, root: string): Promise<void> {
  // Deno rejects deno.json without the dashboard's, which it names as a workspace member.
  const borrowed = ["deno.json", "deno.lock", "dashboard/deno.json"];
  await Deno.mkdir(join(root, "dashboard"));
  for (const name of borrowed) await Deno.copyFile(join(repository, name), join(root, name));
  const manifest = JSON.parse(await Deno.readTextFile(join(root, "deno.json")));
  const imports = { ...manifest.imports, "node:path": manifest.imports["path-browserify"] };
  await Deno.writeTextFile(join(root, "deno.json"), JSON.stringify({ ...manifest, imports }));
  await Deno.mkdir(join(root, "src/bundle"), { recursive: true });
  // One after the other: with an empty cache, each would download Deno's bundler and get in the others' way.
  for (const entry of bundledEntries) await bundleProcess(root, entry);
  await bundleSandbox(root);
  for (const name of ["deno.json", "deno.lock", "dashboard"]) await Deno.remove(join(root, name), { recursive: true });
}

async function bundleProcess(root: string, entry: (typeof bundledEntries)[number]): Promise<void> {
  const file = join("src", toBundlePath(entry));
  // --minify drops the names of classes and functions. With --keep-names, each start takes 4 ms more; without --minify,
  // at twice the length, 8 ms more.
  await bundle(root, [entry], ["--minify", "--output", file]);
  const text = markEagerFunctions(withoutBuffer(await Deno.readTextFile(join(root, file))));
  await Deno.writeTextFile(join(root, file), text);
  const builtIns = [...text.matchAll(/\b(?:from|import)"(node:[\w/]+)"/g)].map(([, name = ""]) => name);
  const slow = builtIns.filter((name) => !quickBuiltIns.includes(name) && entry !== loadedLater);
  assert(builtIns.length > 0 || entry !== "main.ts", `${file} has imports in a form that this check does not find`);
  assert(slow.length === 0, `${file} would load ${slow.join(", ")} at every start`);
}

/**
 * Packages see a bundle as a browser's, without Buffer: a reference to Buffer makes Deno load its Node layer. Only
 * cel-js checks for it, and its browser code (8.0.0) decodes with an encoder in one place.
 */
function withoutBuffer(text: string): string {
  const looks = 'typeof Buffer<"u"', encoderDecodes = /(jsonParse:(\w+)=>JSON\.parse\()\w+(\.decode\(\2\)\))/g;
  const [first = "", ...more] = text.split(looks);
  if (more.length === 0) return text;
  const mended = [first, ...more].join("!1").replace(encoderDecodes, "$1new TextDecoder()$3");
  assert(more.length === 2 && mended.includes("new TextDecoder().decode("), "bundles know cel-js as it was in 8.0.0");
  return mended;
}

/** nerve and user code share one Drizzle and one "nerve". Names stay: user code and error messages show them. */
async function bundleSandbox(root: string): Promise<void> {
  await bundle(root, sandboxEntries, ["--code-splitting", "--external", "drizzle-orm/*", "--outdir", "src"]);
  const main = await Deno.readTextFile(join(root, "src/sandbox/worker_main.js"));
  // The module gate finds nerve's own modules relative to itself, and a chunk is in another folder.
  assert(main.includes("import.meta.resolve(`./user_module"), "the module gate is not in the sandbox's main module");
}

async function bundle(root: string, entries: readonly string[], options: readonly string[]): Promise<void> {
  // "browser" as for the packages (vendor.ts).
  const all = ["--frozen", "-c", "deno.json", "--platform", "browser", ...options];
  const modules = entries.map((entry) => `src/${entry}`);
  await runOrFail(Deno.execPath(), ["bundle", "--quiet", ...all, ...modules], { cwd: root });
}
