/**
 * Makes of each process and thread of nerve's own one file that holds all it needs, in the staged folder: it starts
 * 50 ms sooner than with its 200 modules and deno.json (`deno task bench start`). What runs in the sandbox stays as
 * it is: there the gate knows modules by their places (src/sandbox/module_gate.ts). Used by stage.ts.
 * In main.js all modules are the main one: what begins with `if (import.meta.main)`, such as the shim, runs as soon as
 * main.ts has loaded it, which it does only for that.
 * I1. A bundle is never in one process with another, or with a module that it holds: there would be two of each class.
 */
import { join } from "node:path";
import { assert } from "../../src/base/errors.ts";
import { toBundlePath } from "../../src/base/self_exec.ts";
import { runOrFail } from "./command.ts";
import { markEagerFunctions } from "./eager.ts";

/** What `resolveOwnEntry` is asked for (src/base/self_exec.ts), by its path below src/. */
export const bundledEntries = [
  "main.ts",
  "daemon/supervisor_process.ts",
  "daemon/kernel_process.ts",
  "store/commit/commit_worker.ts",
  "sandbox/shim.ts",
] as const;

/**
 * Built-ins that take no time to load. A bundle loads whatever one of its modules imports statically, at every start;
 * node:crypto or node:http is 15 to 25 ms. Those are imported where they are needed.
 */
const quickBuiltIns = ["node:buffer", "node:path", "node:sqlite", "node:timers", "node:url", "node:util"];

/**
 * `root`: a staged folder that has no deno.json yet. It gets the repository's for the while, with its lock: a bundle of the
 * vendored packages would hold all that authors may import of them, and start 5 ms later.
 */
export async function bundleProcesses(repository: string, root: string): Promise<void> {
  const borrowed = ["deno.json", "deno.lock"];
  for (const name of borrowed) await Deno.copyFile(join(repository, name), join(root, name));
  await Deno.mkdir(join(root, "src/bundle"), { recursive: true });
  for (const entry of bundledEntries) {
    const file = join("src", toBundlePath(entry));
    // "browser" as for the packages (vendor.ts). The names of classes and functions go with --minify: with --keep-names,
    // or twice the length, each start takes 4 or 8 ms more.
    const options = ["--frozen", "-c", "deno.json", "--minify", "--platform", "browser", "--output", file];
    await runOrFail(Deno.execPath(), ["bundle", "--quiet", ...options, `src/${entry}`], { cwd: root });
    const text = markEagerFunctions(await Deno.readTextFile(join(root, file)));
    await Deno.writeTextFile(join(root, file), text);
    const builtIns = [...text.matchAll(/\b(?:from|import)"(node:[\w/]+)"/g)].map(([, name = ""]) => name);
    const slow = builtIns.filter((name) => !quickBuiltIns.includes(name));
    assert(builtIns.length > 0 || entry === "sandbox/shim.ts", `${file} has imports that this does not see`);
    assert(slow.length === 0, `${file} would load ${slow.join(", ")} at every start`);
  }
  for (const name of borrowed) await Deno.remove(join(root, name));
}
