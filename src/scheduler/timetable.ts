/**
 * Computes when schedules are due. Pure: every function takes the time as an argument. schedule_timer.ts turns the
 * results into timers.
 *
 * Intervals use monotonic time, so that setting the wall clock neither bunches nor stops them. Cron lines name wall
 * time, in a time zone (cron_times.ts).
 */
import { wallCorrectionMaxMs, wallStepMinMs } from "../base/limits.ts";
import { CronTimes } from "./cron_times.ts";

export { CronTimes };

/** The present time by both clocks. */
export interface Instant {
  readonly wall: number;
  readonly monotonic: number;
}

export type Schedule =
  /** `anchor` is the monotonic time of the first tick. */
  | { readonly kind: "interval"; readonly intervalMs: number; readonly anchor: number }
  /** `delayMs`: how much later than the named times it ticks. */
  | { readonly kind: "cron"; readonly times: CronTimes; readonly delayMs: number };

/** `at` is monotonic. `named` is the wall time that a cron line names; null for an interval. */
export interface Tick {
  readonly at: number;
  readonly named: number | null;
}

/**
 * The first tick after `now` and after `last` (null: none yet); null when there is none. Skips missed ticks. After the
 * wall clock was set, ticks of a cron line count from `setTo` on.
 */
export function findNextTick(schedule: Schedule, last: Tick | null, now: Instant, setTo?: number): Tick | null {
  if (schedule.kind === "interval") {
    const { anchor, intervalMs } = schedule;
    return { at: last === null ? anchor : findNextIntervalTick(anchor, intervalMs, now.monotonic), named: null };
  }
  const { times, delayMs } = schedule,
    wall = now.wall - delayMs,
    from = setTo === undefined ? wall : setTo - delayMs - 1;
  const named = times.findNext(findCronResumeTime(times.hasStar, last?.named ?? null, wall, from));
  return named === null ? null : { at: now.monotonic + named - wall, named };
}

/** The first tick after `time` of those at `anchor`, `anchor + intervalMs`, `anchor + 2 * intervalMs` and so on. */
export function findNextIntervalTick(anchor: number, intervalMs: number, time: number): number {
  if (time < anchor) return anchor;
  // Fractions of a millisecond may round to the tick at `time` itself. A tick must never fire twice.
  let count = Math.floor((time - anchor) / intervalMs) + 1;
  while (anchor + count * intervalMs <= time) count++;
  return anchor + count * intervalMs;
}

/**
 * The time after which to look for a cron line's next tick: `from`, unless that would repeat a tick. If the last tick
 * lies ahead, the clock was set back since. As in cron(8), lines with a star then continue in the new time, unless the
 * step was small; lines with fixed times ran already, unless the clock was wrong before.
 */
export function findCronResumeTime(hasStar: boolean, lastTick: number | null, now: number, from: number): number {
  if (lastTick === null) return from;
  if (lastTick <= now) return Math.max(lastTick, from);
  return lastTick - now > (hasStar ? wallStepMinMs : wallCorrectionMaxMs) ? from : lastTick;
}
