/**
 * Loads a Node module when it is first needed. The first import of one, or access to `globalThis.process`, makes Deno
 * load its Node layer, which would cost each thread and process 20 to 50 ms at its start.
 */

export const getBuiltIn: NodeJS.Process["getBuiltinModule"] = (name: string): never =>
  // deno-lint-ignore no-process-global -- an import would run at the start, and node:process is mapped to the sandbox's
  globalThis.process.getBuiltinModule(name) as never;
