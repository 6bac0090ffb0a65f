/**
 * Makes of each process and thread of nerve's own one file that holds all it needs, in the staged folder: it starts in a
 * third of the time that its 200 modules and deno.json would take (measured by `deno task bench start`). What runs in the sandbox stays as
 * it is: there the gate knows modules by their places (src/worker/module_gate.ts). Used by stage.ts.
 * I1. A bundle is never in one process with another, or with a module that it holds: there would be two of each class.
 */
import { join } from "node:path";
import { assert } from "../base/errors.ts";
import { bundleOf } from "../base/self.ts";
import { succeed } from "./command.ts";

/** What `ownEntry` is asked for (src/base/self.ts), by its path below src/. */
export const bundled = [
  "main.ts",
  "daemon/supervisor_process.ts",
  "daemon/kernel_process.ts",
  "store/commit_worker.ts",
  "worker/shim.ts",
] as const;

/**
 * Built-ins that take no time to load. A bundle loads whatever one of its modules imports statically, at every start;
 * node:crypto or node:http is 15 to 25 ms. Those are imported where they are needed.
 */
const quickBuiltIns = ["node:buffer", "node:path", "node:sqlite", "node:timers", "node:url", "node:util"];

/** `root`: a staged folder with its deno.json, whose import map leads to vendored packages. */
export async function bundleProcesses(root: string): Promise<void> {
  await Deno.mkdir(join(root, "src/bundle"), { recursive: true });
  for (const entry of bundled) {
    const file = join("src", bundleOf(entry));
    // "browser" as for the packages (vendor.ts). Names are kept, because stricli goes by those of its errors.
    const options = ["--minify", "--keep-names", "--platform", "browser", "--output", file];
    await succeed(Deno.execPath(), ["bundle", "--quiet", "--no-lock", "-c", "deno.json", ...options, `src/${entry}`], {
      cwd: root,
    });
    const text = await Deno.readTextFile(join(root, file));
    const outside = new Set([...text.matchAll(/\b(?:from|import)"([\w@:./-]+)"/g)].map(([, name = ""]) => name));
    const wrong = [...outside].filter((name) => !quickBuiltIns.includes(name));
    assert(wrong.length === 0, `${file} would load ${wrong.join(", ")} at every start`);
  }
}
