/**
 * When schedules are due. Pure: every function is told the time. alarm.ts turns the answers into timers.
 *
 * Intervals are reckoned in monotonic time, so that setting the wall clock neither bunches nor silences them. Cron lines
 * name wall time, in a time zone. Daylight saving, as croner has it: a time that does not exist that day (02:30 when
 * the clock goes from 02:00 to 03:00) is due when the gap ends; a time that exists twice is due the first time; a line
 * that matches every hour, minute or second is due in both.
 */
import { Cron } from "croner";

/** The present, in both kinds of time. */
export interface Instant {
  readonly wall: number;
  readonly monotonic: number;
}

export type Schedule =
  /** `anchor` is the monotonic time of the first tick. */
  | { readonly kind: "interval"; readonly intervalMs: number; readonly anchor: number }
  | { readonly kind: "cron"; readonly times: CronTimes };

/** `at` is monotonic. `named` is the wall time that a cron line names; null for an interval, which names none. */
export interface Tick {
  readonly at: number;
  readonly named: number | null;
}

/** The tick after `last` (null: there was none yet), skipping all that have gone by; null when none is to come. */
export function nextTick(schedule: Schedule, last: Tick | null, now: Instant): Tick | null {
  if (schedule.kind === "interval") {
    const { anchor, intervalMs } = schedule;
    return { at: last === null ? anchor : nextIntervalTick(anchor, intervalMs, now.monotonic), named: null };
  }
  const named = schedule.times.after(cronResumesFrom(last?.named ?? null, now.wall));
  return named === null ? null : { at: now.monotonic + named - now.wall, named };
}

/** The first tick after `time` of those at `anchor`, `anchor + intervalMs`, `anchor + 2 * intervalMs` and so on. */
export function nextIntervalTick(anchor: number, intervalMs: number, time: number): number {
  if (time < anchor) return anchor;
  // Fractions of a millisecond may round to the tick that `time` is itself; a tick must never come twice.
  let count = Math.floor((time - anchor) / intervalMs) + 1;
  while (anchor + count * intervalMs <= time) count++;
  return anchor + count * intervalMs;
}

/** The due times of one cron line, as milliseconds since the epoch. */
export class CronTimes {
  readonly #cron: Cron;

  /** `timezone` is an IANA name; null means the machine's own. Throws when croner refuses one of the two. */
  constructor(line: string, timezone: string | null) {
    this.#cron = timezone === null ? new Cron(line) : new Cron(line, { timezone });
  }

  /** The first due time after `time`; null when there is none. */
  after(time: number): number | null {
    return this.#cron.nextRun(new Date(time))?.getTime() ?? null;
  }

  /** The last due time at or before `time`; null when there is none. */
  lastUntil(time: number): number | null {
    return this.#cron.previousRuns(1, new Date(time + 1))[0]?.getTime() ?? null;
  }
}

/** The newest tick that was missed between the last one seen and `now`; null when none was, or none was ever seen. */
export function findMissedCronTick(cron: CronTimes, lastTick: number | null, now: number): number | null {
  if (lastTick === null) return null;
  const newest = cron.lastUntil(now);
  return newest !== null && newest > lastTick ? newest : null;
}

/** A clock set back by less than this was corrected; by more, it was wrong, and what was done under it does not count. */
const correctionMaxMs = 60 * 60 * 1_000;

/**
 * From when on to look for a cron line's next tick: a small step back of the wall clock must not make a tick come
 * twice, and a large one (a machine that boots in the wrong year) must not silence the line until then.
 */
export function cronResumesFrom(lastTick: number | null, now: number): number {
  if (lastTick === null || lastTick - now > correctionMaxMs) return now;
  return Math.max(lastTick, now);
}
