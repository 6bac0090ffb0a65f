/**
 * Places where a test may have the process killed, as a power cut or `kill -9` would do it: `NERVE_FAULT_POINT` holds the
 * name of one, and after a colon how often it is passed first. Nothing happens without the variable. Used by archiver.ts and
 * backup.ts.
 */

const variable = "NERVE_FAULT_POINT";
let passed = 0;

export function passFaultPoint(name: string): void {
  const [wanted, times = "0"] = (Deno.env.get(variable) ?? "").split(":");
  if (wanted === name && passed++ >= Number(times)) Deno.kill(Deno.pid, "SIGKILL");
}
