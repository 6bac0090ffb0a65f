/**
 * Loads a module of Node's where it is first needed. The first import of any, or a look at `globalThis.process`, has Deno
 * load its Node layer: each thread and process would pay 20 to 50 ms for it at its start.
 */

export const getBuiltIn: NodeJS.Process["getBuiltinModule"] = (name: string): never =>
  // deno-lint-ignore no-process-global -- node:process is that of the sandbox, for every importer
  globalThis.process.getBuiltinModule(name) as never;
