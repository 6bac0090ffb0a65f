/**
 * Modules that are loaded when they are needed, and not looked at before. Used by main.ts and cli/.
 * I1. Each is an entry of the build (build/stage.ts) or reached from one: a build sees no import that is computed.
 */

/**
 * Imports `path`, below src/. Its address is computed, because Deno resolves each import that it can read, with all that
 * hangs on it, before anything runs: 8 ms for what all commands together need.
 */
export async function lazily<Module>(path: string): Promise<Module> {
  return await import(new URL(`../${path}`, import.meta.url).href);
}
