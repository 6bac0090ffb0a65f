/**
 * Deno keeps nerve's modules in its cache as JavaScript. Behind Landlock a process cannot write there, so it would
 * translate each module at every start, which doubles its start time. So the shim has Deno translate stale modules
 * first. Called by shim.ts, before Landlock restricts the process.
 */
import { toFilePath } from "../base/file_url.ts";
import { ifPresent } from "../base/if_present.ts";
import { resolveSandboxModule } from "../base/self_exec.ts";

/** The modules that the worker loads by a path or late; their own imports come with them. */
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
  // A built nerve has these modules as JavaScript.
  if (cache === null || files.every(({ pathname }) => pathname.endsWith(".js"))) return;
  if (files.every((file) => isCached(cache, toFilePath(file)))) return;
  // Importing them has no effect yet: the worker's main module waits for a message.
  for (const file of files) await import(file.href);
}

function isCached(cache: string, source: string): boolean {
  const translated = modifiedAt(`${cache}/gen/file${source}.js`);
  return translated !== null && translated >= (modifiedAt(source) ?? Infinity);
}

function modifiedAt(path: string): number | null {
  return ifPresent(() => Deno.statSync(path))?.mtime?.getTime() ?? null;
}
