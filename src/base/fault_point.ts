/**
 * Places where a test can kill the process, as a power cut or `kill -9` would. `NERVE_FAULT_POINT` names one; a number
 * after a colon is how often it is passed before the kill. Without the variable nothing happens. Used by archiver.ts,
 * archive_file.ts and backup.ts.
 */

const variable = "NERVE_FAULT_POINT";
let passed = 0;

export function passFaultPoint(name: string): void {
  const [wanted, times = "0"] = (Deno.env.get(variable) ?? "").split(":");
  if (wanted === name && passed++ >= Number(times)) Deno.kill(Deno.pid, "SIGKILL");
}
