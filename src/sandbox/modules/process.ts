/**
 * "node:process" for code in the sandbox, through the import map of deno.json: the global `process` object after the
 * lockdown. The real module's named exports `abort` and `exit` act on the whole process, also where a worker has no permission.
 */
// deno-lint-ignore no-process-global -- importing node:process here would import this very file
const sandboxed = globalThis.process;

export default sandboxed;
export const { arch, argv, cwd, emitWarning, env, exit, hrtime, memoryUsage, nextTick, pid, platform, stderr, stdout } =
  sandboxed;
export const { uptime, version, versions } = sandboxed;
