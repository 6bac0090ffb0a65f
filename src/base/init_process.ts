/**
 * Process 1 must reap processes whose parents have ended. nerve does not, since Deno waits only for its own children:
 * as process 1 of a container it would leave a zombie for each program that outlives its parent.
 */
import { ifPresent, isGoneProcess } from "./if_present.ts";
import { readProcessStat } from "./process_id.ts";

/** What to do about a missing init, without a full stop. */
export const missingInitHint = "run nerve under an init: docker run --init, tini, or your orchestrator's option for it";

/** What is wrong when nerve is process 1, `pid`; null when it is not. */
export function describeMissingInit(pid: number): string | null {
  if (pid !== 1) return null;
  return "nerve runs as process 1 (pid 1) without an init: programs that outlive their parents stay as zombies";
}

/** How many processes have ended and wait for process 1 to reap them, and its name. Zero where there is no /proc. */
export function countUnreaped(): { readonly zombies: number; readonly init: string } {
  const pids = ifPresent(() => [...Deno.readDirSync("/proc")].map(({ name }) => Number(name))) ?? [];
  const zombies = pids.filter((pid) => {
    if (!Number.isInteger(pid)) return false;
    const stat = readProcessStat(pid);
    return stat?.state === "Z" && stat.parent === 1;
  }).length;
  return { zombies, init: readName(1) };
}

function readName(pid: number): string {
  try {
    return Deno.readTextFileSync(`/proc/${pid}/comm`).trim();
  } catch (thrown) {
    if (isGoneProcess(thrown)) return "process 1";
    throw thrown;
  }
}
