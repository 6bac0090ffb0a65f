/** Loads a module of Node's where it is first needed: an import of it would be paid for at every start. */

// deno-lint-ignore no-process-global -- node:process is that of the sandbox, for every importer
export const builtIns: Pick<NodeJS.Process, "getBuiltinModule"> = globalThis.process;
