/**
 * Finds the newest cron tick that was missed while no daemon ran, or while the process of a sense was dead, for lines
 * with `catch_up: once`. Pure; used by scheduled_sense.ts and workflow_clock.ts.
 */
import { CronTimes } from "./cron_times.ts";
import type { ReflexPlan, SensePlan } from "./ports.ts";
import { spreadBy } from "./spread.ts";

/** The newest tick that a sense missed on any of its catch-up lines, in wall milliseconds; null when there is none. */
export function findMissedTick(sense: string, plan: SensePlan, now: number): number | null {
  const missed = findCatchUpLines(plan).map((reflex) => {
    // A tick that is still delayed by jitter is not missed.
    const upTo = now - spreadBy(sense, reflex.jitterMs);
    return findMissedCronTick(new CronTimes(reflex.cron, reflex.timezone), plan.lastCronTick, upTo) ?? -Infinity;
  });
  const newest = Math.max(...missed);
  return newest === -Infinity ? null : newest;
}

/** The cron lines of a sense with `catch_up: once`. */
export function findCatchUpLines(plan: SensePlan): (ReflexPlan & { readonly cron: string })[] {
  return plan.reflexes.flatMap((reflex) => {
    const { cron } = reflex;
    return cron !== null && reflex.catchUp === "once" ? [{ ...reflex, cron }] : [];
  });
}

/** The newest missed tick, between `lastTick` and `now`; null when there is none or `lastTick` is null. */
export function findMissedCronTick(cron: CronTimes, lastTick: number | null, now: number): number | null {
  if (lastTick === null) return null;
  const newest = cron.findLast(now);
  return newest !== null && newest > lastTick ? newest : null;
}
