/**
 * Replaces "node:process" for code in the sandbox, through module_gate.ts and the import map of deno.json: the global
 * `process` object after the lockdown. The real module's named exports `abort` and `exit` affect the whole process.
 */
// deno-lint-ignore no-process-global -- importing node:process here would import this very file
const sandboxed = globalThis.process;

export default sandboxed;
// For packages that call require("process").
export { sandboxed as "module.exports" };
export const { arch, argv, cwd, emitWarning, env, exit, hrtime, memoryUsage, nextTick, pid, platform, stderr, stdout } =
  sandboxed;
export const { uptime, version, versions } = sandboxed;
