/**
 * Which run took its process down. Pure; manager.ts and dispatcher.ts act on it.
 * A process works on several runs, and its death does not say whose fault it was. So a death in company only makes
 * suspects: a run that has died once less than the limit at one round goes on alone in the process, and only a death
 * that it died alone ends it. That is how siblings of a culprit live, however slow their round.
 * A kill from outside counts as any other death. Its signal clears nobody: the machine's own killer sends the same
 * SIGKILL to the process of a run that eats all memory, its forerunners in user space a SIGTERM, and a role that may run
 * programs can send itself either. What we end ourselves (a killed run's process, an idle one, code that is replaced or
 * does not load) is no death. Counts live in memory: after a start of the daemon nobody is suspect.
 * I1. A run ends as crashed only after `roundDeathsMax` deaths at one round, the last of them alone.
 * I2. A run that gets a message over its round is no suspect any more.
 */
import { roundDeathsMax } from "../../base/limits.ts";

/** Deaths of the processes that worked on a run at this round; null before the first. */
export interface Deaths {
  readonly round: number;
  readonly count: number;
}

/** The count after another death at `round`; deaths at earlier rounds are forgotten. */
export function afterDeath(deaths: Deaths | null, round: number): Deaths {
  return { round, count: deaths?.round === round ? deaths.count + 1 : 1 };
}

/** Whether the death just counted ends the run. `alone`: no other run was at work in the process. */
export function endsRun(deaths: Deaths, alone: boolean): boolean {
  return alone && deaths.count >= roundDeathsMax;
}

/** Whether the run may only go on alone in its process. */
export function mustBeAlone(deaths: Deaths | null, round: number): boolean {
  return deaths?.round === round && deaths.count >= roundDeathsMax - 1;
}
