/**
 * Decides which run crashed its process. Pure; process_exit.ts and dispatcher.ts act on it. A process works on several
 * runs, and its death does not show which run caused it. So a death with siblings in the process only makes suspects: a
 * run whose deaths at one round are one short of the limit continues alone in its process, and only a death alone ends
 * it. Thus the siblings of a culprit survive, however slow their round.
 * Only what a process did counts: it ran over its memory, aborted, crashed, exited, hung, broke the protocol, or could
 * not be stopped. A signal from outside counts against no run, unless something shows that it was earned: a person, a
 * script or the system's out-of-memory killer may hit any process, and nerve itself ends a process over its own memory
 * limit, with that reason. However, a role that may run programs could send such a signal to itself; so the run waits
 * longer after each of them at one round, and is never ended for it.
 * Processes that nerve ends (run killed, idle, code replaced or not loading) did not die. Counts live in memory: after
 * a restart of the daemon or the machine no run is suspect, and none waits.
 * I1. A run ends as crashed only after `roundDeathsMax` deaths at one round, the last of them alone.
 * I2. A run that completes its round with a message is no longer suspect.
 * I3. Kills from outside end no run, and cannot make one restart endlessly.
 */
import { outsideDeathsFree, outsideWaitFirstMs, outsideWaitMaxMs, roundDeathsMax } from "../../base/limits.ts";
import { calculateBackoff } from "../../base/backoff.ts";

/** How often the process of a run died at this round. Null means never. */
export interface Deaths {
  readonly round: number;
  readonly count: number;
}

/** The count after another death at `round`; deaths at earlier rounds are forgotten. */
export function countDeath(deaths: Deaths | null, round: number): Deaths {
  return { round, count: deaths?.round === round ? deaths.count + 1 : 1 };
}

/** Whether the death just counted ends the run. `alone`: no other run was running in the process. */
export function shouldEndRun(deaths: Deaths, alone: boolean): boolean {
  return alone && deaths.count >= roundDeathsMax;
}

/** Whether the run may continue only alone in its process. */
export function mustRunAlone(deaths: Deaths | null, round: number): boolean {
  return deaths?.round === round && deaths.count >= roundDeathsMax - 1;
}

/** How long the run waits after so many kills from outside at one round. */
export function waitAfterKills({ count }: Deaths): number {
  if (count <= outsideDeathsFree) return 0;
  return calculateBackoff(count - outsideDeathsFree, outsideWaitFirstMs, outsideWaitMaxMs);
}
