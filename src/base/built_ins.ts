/**
 * Loads a module of Node's where it is first needed. The first import of any, or a look at `globalThis.process`, has Deno
 * load its Node layer: each thread and process would pay 20 to 50 ms for it at its start.
 */

export const getBuiltIn: NodeJS.Process["getBuiltinModule"] = (name: string): never =>
  // deno-lint-ignore no-process-global -- an import is of the start, and the import map makes node:process the sandbox's
  globalThis.process.getBuiltinModule(name) as never;
