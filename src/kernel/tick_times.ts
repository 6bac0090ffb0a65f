/**
 * Remembers when the schedules of each sense last ticked, across restarts of the daemon: an hourly sense stays hourly,
 * however often the daemon starts. Created by wiring.ts; the scheduler reports ticks and reads them.
 * I1. A crash of the daemon loses at most the ticks of the last `tickStoreMs`, or of the last `tickStoreShortMs` for
 *     intervals shorter than that; a lost tick is repeated.
 * I2. Storing costs one write for all ticks since the last write, not one for each.
 */
import { tickStoreMs, tickStoreShortMs } from "../base/limits.ts";
import { type Moment, momentBefore, readMoment } from "../base/moment.ts";
import type { CancelTimer, Clock } from "../base/time.ts";
import type { MetaStore } from "../store/log/meta_store.ts";

/** The last tick of each interval of one sense, by its milliseconds. */
type IntervalTicks = Record<string, Moment>;

/** A sense has few intervals at a time; those of older configurations are dropped first. */
const intervalsKept = 16;

export class TickTimes {
  readonly #meta: Pick<MetaStore, "get" | "setAll">;
  readonly #clock: Clock;
  /** Ticks that are not stored yet, in monotonic time: by sense, then by interval. */
  readonly #unstored = new Map<string, Map<number, number>>();
  #storedAt = -Infinity;
  #timer: { readonly due: number; readonly cancel: CancelTimer } | null = null;

  constructor(meta: Pick<MetaStore, "get" | "setAll">, clock: Clock) {
    this.#meta = meta;
    this.#clock = clock;
  }

  lastCronTick(sense: string): number | null {
    const value = Number(this.#meta.get(cronKey(sense)) ?? NaN);
    return Number.isFinite(value) ? value : null;
  }

  onCronTick(sense: string, due: number): void {
    this.#meta.setAll([[cronKey(sense), String(due)]]);
  }

  /** This interval's last tick; if it never ticked, the sense's newest. Null: no interval of the sense has ticked. */
  lastIntervalTick(sense: string, intervalMs: number): Moment | null {
    this.store();
    const ticks = this.#readIntervals(sense);
    return ticks[intervalMs] ?? newestFirst(ticks)[0]?.[1] ?? null;
  }

  /** `at`: monotonic. */
  onIntervalTick(sense: string, intervalMs: number, at: number): void {
    const ticks = this.#unstored.get(sense);
    if (ticks === undefined) this.#unstored.set(sense, new Map([[intervalMs, at]]));
    else ticks.set(intervalMs, at);
    const isShort = intervalMs < tickStoreShortMs;
    if (isShort && this.#timer !== null) return;
    // Delayed, so that senses that are due together are stored together.
    this.#arm(isShort ? tickStoreShortMs : Math.max(0, this.#storedAt + tickStoreMs - this.#clock.monotonic()));
  }

  /** Stores every tick so far. They are on disk with the next commit. */
  store(): void {
    this.#timer?.cancel();
    this.#timer = null;
    if (this.#unstored.size === 0) return;
    const now = readMoment(this.#clock), monotonic = this.#clock.monotonic();
    this.#storedAt = monotonic;
    this.#meta.setAll([...this.#unstored].map(([sense, ticks]) => {
      const all = this.#readIntervals(sense);
      for (const [intervalMs, at] of ticks) all[intervalMs] = momentBefore(now, Math.round(monotonic - at));
      return [intervalKey(sense), JSON.stringify(Object.fromEntries(newestFirst(all).slice(0, intervalsKept)))];
    }));
    this.#unstored.clear();
  }

  #readIntervals(sense: string): IntervalTicks {
    return JSON.parse(this.#meta.get(intervalKey(sense)) ?? "{}") as IntervalTicks;
  }

  #arm(waitMs: number): void {
    const due = this.#clock.monotonic() + waitMs;
    if (this.#timer !== null && this.#timer.due <= due) return;
    this.#timer?.cancel();
    this.#timer = { due, cancel: this.#clock.after(waitMs, () => this.store()) };
  }
}

function newestFirst(ticks: IntervalTicks): [string, Moment][] {
  return Object.entries(ticks).sort(([, a], [, b]) => b.wall - a.wall);
}

function cronKey(sense: string): string {
  return `cron:${sense}`;
}

function intervalKey(sense: string): string {
  return `interval:${sense}`;
}
