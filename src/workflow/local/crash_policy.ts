/**
 * Decides which run crashed its process. Pure; process_exit.ts and dispatcher.ts act on it.
 * A process works on several runs, and its death does not say which run caused it. So a death with siblings in the
 * process only makes suspects: a run whose deaths at one round are one short of the limit continues alone in its
 * process, and only a death alone ends it. That is how the siblings of a culprit survive, however slow their round.
 * A kill from outside counts like any other death. Its signal excuses no run: the kernel's OOM killer sends the same
 * SIGKILL to the process of a run that uses up all memory, OOM daemons in user space send SIGTERM, and a role that may
 * run programs can send itself either. Processes that we end ourselves (of a killed run, idle, code replaced or not
 * loading) did not die. Counts live in memory: after a restart of the daemon no run is suspect.
 * I1. A run ends as crashed only after `roundDeathsMax` deaths at one round, the last of them alone.
 * I2. A run that completes its round with a message is no longer suspect.
 */
import { roundDeathsMax } from "../../base/limits.ts";

/** How often the process of a run died at this round. Null stands for never. */
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
