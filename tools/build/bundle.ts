/**
 * Bundles each of nerve's own processes and threads into one file in the staged folder. A bundle starts 50 ms sooner
 * than its 200 modules and deno.json (`deno task bench start`). Modules that run in the sandbox are not bundled, since
 * src/sandbox/module_gate.ts identifies them by their paths. Used by stage.ts.
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
  "sandbox/confined_program.ts",
  "agents/fake_agent.ts",
  "restate/service.ts",
] as const;

/** Restate's SDK, which the kernel loads only when nerve.yaml has such an engine. */
export const loadedLater = "restate/service.ts";

/**
 * Built-in modules that load quickly. A bundle loads all static imports of its modules at every start, and node:crypto
 * or node:http would take 15 to 25 ms. Such modules are imported dynamically where they are needed.
 */
const quickBuiltIns = ["node:buffer", "node:path", "node:sqlite", "node:timers", "node:url", "node:util"];

/**
 * `root` is a staged folder that has no deno.json yet. It gets the repository's deno.json and lock file while this
 * runs: bundling the vendored packages instead would include everything that authors may import from them, and start 5
 * ms later.
 */
export async function bundleProcesses(repository: string, root: string): Promise<void> {
  // deno.json names the dashboard's, without which it would not be read.
  const borrowed = ["deno.json", "deno.lock", "dashboard/deno.json"];
  await Deno.mkdir(join(root, "dashboard"));
  for (const name of borrowed) await Deno.copyFile(join(repository, name), join(root, name));
  await Deno.mkdir(join(root, "src/bundle"), { recursive: true });
  for (const entry of bundledEntries) {
    const file = join("src", toBundlePath(entry));
    // "browser" as for the packages (vendor.ts). --minify drops the names of classes and functions; with --keep-names,
    // or at twice the length without --minify, each start takes 4 or 8 ms more.
    const options = ["--frozen", "-c", "deno.json", "--minify", "--platform", "browser", "--output", file];
    await runOrFail(Deno.execPath(), ["bundle", "--quiet", ...options, `src/${entry}`], { cwd: root });
    const text = markEagerFunctions(await Deno.readTextFile(join(root, file)));
    await Deno.writeTextFile(join(root, file), text);
    const builtIns = [...text.matchAll(/\b(?:from|import)"(node:[\w/]+)"/g)].map(([, name = ""]) => name);
    const slow = builtIns.filter((name) => !quickBuiltIns.includes(name) && entry !== loadedLater);
    assert(
      builtIns.length > 0 || entry === "sandbox/shim.ts",
      `${file} has imports in a form that this check does not find`,
    );
    assert(slow.length === 0, `${file} would load ${slow.join(", ")} at every start`);
  }
  for (const name of ["deno.json", "deno.lock", "dashboard"]) await Deno.remove(join(root, name), { recursive: true });
}
