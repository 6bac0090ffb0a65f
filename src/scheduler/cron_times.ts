/**
 * Computes when a cron line is due. base/cron_line.ts gives the local times that it names, as if the clock never
 * changed; this file finds the moments at which the clocks of a time zone show them. Used by timetable.ts. Pure.
 *
 * When a zone changes its clocks, the rules of cron(8) apply. For a line with fixed times (no time field begins with
 * `*`), a skipped time is due at the end of the gap, and a repeated time is due once, the first time. A line with a `*`
 * is due whenever the clock shows one of its times: not in a gap, and twice in a repeated hour.
 */
import type { Cron } from "croner";
import { readCronLine } from "../base/cron_line.ts";

const dayMs = 24 * 60 * 60 * 1_000;
/** No time zone is further ahead of UTC. */
const aheadMaxMs = 26 * 60 * 60 * 1_000;

/** The due times of one cron line, as milliseconds since the epoch. */
export class CronTimes {
  readonly #names: Cron;
  readonly #zone: string;
  /** Whether the line follows the clock, instead of naming fixed times. */
  readonly hasStar: boolean;

  /** `timezone` is an IANA name; null means the machine's own. Throws when the zone or the line is invalid. */
  constructor(line: string, timezone: string | null) {
    ({ names: this.#names, hasStar: this.hasStar } = readCronLine(line));
    this.#zone = timezone ?? Temporal.Now.timeZoneId();
    this.#offsetAt(0);
  }

  /** The first due time after `time`; null when there is none. */
  findNext(time: number): number | null {
    if (this.hasStar) return this.#findNextShown(time + 1);
    const name = this.#nameAfter(this.#latestShownAt(time));
    return name === null ? null : this.#momentOf(name);
  }

  /** The last due time at or before `time`; null when there is none. */
  findLast(time: number): number | null {
    if (this.hasStar) return this.#findLastShown(time);
    const name = this.#nameUpTo(this.#latestShownAt(time));
    return name === null ? null : this.#momentOf(name);
  }

  /** The first moment from `start` on at which the clock shows a time of the line. */
  #findNextShown(start: number): number | null {
    for (let from = start;;) {
      const offset = this.#offsetAt(from), name = this.#nameAfter(from + offset - 1);
      if (name === null) return null;
      const change = this.#changeAfter(from);
      if (change === null || name - offset < change) return name - offset;
      from = change;
    }
  }

  #findLastShown(end: number): number | null {
    for (let upTo = end;;) {
      const offset = this.#offsetAt(upTo), name = this.#nameUpTo(upTo + offset);
      if (name === null) return null;
      const change = this.#changeUpTo(upTo);
      if (change === null || name - offset >= change) return name - offset;
      upTo = change - 1;
    }
  }

  /**
   * The latest local time that the clock has shown by `time`: in a repeated hour, later than what it shows at `time`.
   */
  #latestShownAt(time: number): number {
    const shown = time + this.#offsetAt(time), change = this.#changeUpTo(time);
    return change === null || time - change > dayMs ? shown : Math.max(shown, change - 1 + this.#offsetAt(change - 1));
  }

  /** The first moment at which the clock shows the local time `name`, or a later one if it skips `name`. */
  #momentOf(name: number): number {
    for (let from = name - aheadMaxMs;;) {
      const moment = Math.max(from, name - this.#offsetAt(from)), change = this.#changeAfter(from);
      if (change === null || moment < change) return moment;
      from = change;
    }
  }

  #nameAfter(local: number): number | null {
    return this.#names.nextRun(new Date(local))?.getTime() ?? null;
  }

  #nameUpTo(local: number): number | null {
    return this.#names.previousRuns(1, new Date(local + 1))[0]?.getTime() ?? null;
  }

  /** How far the clock is ahead of UTC. */
  #offsetAt(time: number): number {
    return this.#at(time).offsetNanoseconds / 1e6;
  }

  #changeAfter(time: number): number | null {
    return this.#at(time).getTimeZoneTransition("next")?.epochMilliseconds ?? null;
  }

  #changeUpTo(time: number): number | null {
    return this.#at(time + 1).getTimeZoneTransition("previous")?.epochMilliseconds ?? null;
  }

  #at(time: number): Temporal.ZonedDateTime {
    return Temporal.Instant.fromEpochMilliseconds(time).toZonedDateTimeISO(this.#zone);
  }
}
