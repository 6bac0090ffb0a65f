/**
 * Deno keeps nerve's modules in its cache as JavaScript, and behind Landlock a process cannot write there: each would
 * translate them anew, which doubles the time of its start. So the shim has Deno translate them first, where that is
 * due. Called by shim.ts, before Landlock restricts the process.
 */
import { toFilePath } from "../base/file_url.ts";
import { ifPresent } from "../base/if_present.ts";
import { resolveSandboxModule } from "../base/self_exec.ts";

/** What the worker loads, as far as it is loaded by a path or late: the rest comes with it. */
const entries = [
  "worker_main.ts",
  "sense_runtime.ts",
  "workflow_runtime.ts",
  "../store/sqlite/drizzle.ts",
  "../sdk/mod.ts",
];

/** `cache`: DENO_DIR; null: Deno has none. */
export async function cacheOwnModules(cache: string | null): Promise<void> {
  const files = entries.map((entry) => resolveSandboxModule(`sandbox/${entry}`));
  // A built nerve has them as JavaScript.
  if (cache === null || files.every(({ pathname }) => pathname.endsWith(".js"))) return;
  if (files.every((file) => isCached(cache, toFilePath(file)))) return;
  // They do nothing yet: the worker's main module waits for a message.
  for (const file of files) await import(file.href);
}

function isCached(cache: string, source: string): boolean {
  const translated = modifiedAt(`${cache}/gen/file${source}.js`);
  return translated !== null && translated >= (modifiedAt(source) ?? Infinity);
}

function modifiedAt(path: string): number | null {
  return ifPresent(() => Deno.statSync(path))?.mtime?.getTime() ?? null;
}
