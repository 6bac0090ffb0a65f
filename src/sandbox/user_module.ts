/**
 * Imports the module of a sense or workflow. Nothing else of nerve imports what it does not name in its own text, and this
 * file gets no more than user code gets: module_gate.ts treats it as user code. Used by both runtimes.
 */
import { pathToFileURL } from "node:url";
import { hrefOf, pristine } from "./primordials.ts";

/**
 * module_gate.ts and Deno's permissions decide what it may import. With `instance`, the module is evaluated for that name
 * alone, whoever else of this process imports it; what it imports in turn is shared.
 */
export async function importUserModule(
  path: string,
  instance: string | null = null,
): Promise<Record<string, unknown>> {
  return await pristine(import(hrefOf(pathToFileURL(path)) + (instance === null ? "" : `#${instance}`)));
}
