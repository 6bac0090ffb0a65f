/**
 * Imports the module of a sense or workflow. No other file of nerve imports a module that its own text does not name.
 * This file gets no more than user code does: module_gate.ts treats it as user code. Used by both runtimes.
 */
import { pathToFileURL } from "node:url";
import { hrefOf, pristine } from "./primordials.ts";

/**
 * module_gate.ts and Deno's permissions decide what the module may import. With `instance`, the module is evaluated for
 * that name alone, even if others in this process import it; its own imports are shared.
 */
export async function importUserModule(
  path: string,
  instance: string | null = null,
): Promise<Record<string, unknown>> {
  return await pristine(import(hrefOf(pathToFileURL(path)) + (instance === null ? "" : `#${instance}`)));
}
