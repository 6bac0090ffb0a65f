/**
 * Timers that announce themselves shortly before they fire, and timers that repeat on a schedule. Owned by
 * scheduled_sense.ts; timetable.ts computes the due times, base/timer_heap.ts does the waiting.
 *
 * I1. At most one tick of a schedule is pending: several missed ticks fire once, not once each.
 * I2. The next tick follows from the schedule, never from when the last one fired.
 */
import { prepareAheadMs } from "../base/limits.ts";
import type { Clock } from "../base/time.ts";
import type { HeapTimer, TimerHeap } from "../base/timer_heap.ts";
import { findNextTick, type Instant, type Schedule, type Tick } from "./timetable.ts";

/** The clock and the heap of timers. All senses share one heap. */
export interface TimerPorts {
  readonly clock: Clock;
  readonly heap: TimerHeap;
}

export function readInstant(clock: Clock): Instant {
  return { wall: clock.now(), monotonic: clock.monotonic() };
}

/** Converts a monotonic time to wall time, by the clock's present offset, in whole milliseconds. */
export function toWallTime(clock: Clock, monotonic: number): number {
  return Math.round(clock.now() + monotonic - clock.monotonic());
}

/** A one-shot timer that also calls `onPrepare` shortly before it fires. */
export class AdvanceTimer {
  readonly #ports: TimerPorts;
  readonly #onPrepare: (at: number) => void;
  readonly #onFire: () => void;
  #timer: HeapTimer | null = null;
  #at: number | null = null;

  /** `onPrepare` is called `prepareAheadMs` before `onFire`, if there is enough time. */
  constructor(ports: TimerPorts, onPrepare: (at: number) => void, onFire: () => void) {
    this.#ports = ports;
    this.#onPrepare = onPrepare;
    this.#onFire = onFire;
  }

  /** When it fires, in monotonic time; null when it is not set. */
  get at(): number | null {
    return this.#at;
  }

  /** Replaces an earlier setting. */
  set(at: number): void {
    this.cancel();
    this.#at = at;
    if (at - prepareAheadMs <= this.#ports.clock.monotonic()) return this.#arm(at);
    this.#timer = this.#ports.heap.add(at - prepareAheadMs, () => {
      this.#arm(at);
      this.#onPrepare(at);
    });
  }

  cancel(): void {
    if (this.#timer !== null) this.#ports.heap.cancel(this.#timer);
    this.#timer = null;
    this.#at = null;
  }

  #arm(at: number): void {
    this.#timer = this.#ports.heap.add(at, () => {
      this.#timer = null;
      this.#at = null;
      this.#onFire();
    });
  }
}

/** Fires at each tick of one schedule, until it is cancelled. */
export class ScheduleTimer {
  readonly schedule: Schedule;
  readonly #ports: TimerPorts;
  readonly #onTick: (tick: Tick) => void;
  readonly #timer: AdvanceTimer;
  #last: Tick | null;
  #next: Tick | null = null;

  /** `last`: the last tick before this timer, if the next one depends on it. */
  constructor(
    ports: TimerPorts,
    schedule: Schedule,
    last: Tick | null,
    onPrepare: (at: number) => void,
    onTick: (tick: Tick) => void,
  ) {
    this.#ports = ports;
    this.schedule = schedule;
    this.#last = last;
    this.#onTick = onTick;
    this.#timer = new AdvanceTimer(ports, onPrepare, () => this.#tick());
    this.#arm();
  }

  /** The next tick, in monotonic time; null when there is none. */
  get at(): number | null {
    return this.#timer.at;
  }

  /** See `Clock.onSet`: cron lines follow wall time. Ticks that the clock skipped are due now, once. */
  resync(setTo: number): void {
    if (this.#next === null || this.#next.named === null) return;
    if (this.#isDue(this.#next)) this.#tick();
    else this.#arm(setTo);
  }

  cancel(): void {
    this.#timer.cancel();
  }

  #tick(): void {
    const tick = this.#next;
    if (tick === null) return;
    if (!this.#isDue(tick)) return this.#arm();
    this.#last = tick;
    this.#arm();
    this.#onTick(tick);
  }

  /** Cron lines are due by the wall clock, which may run slightly slower than the timer, or have been set back. */
  #isDue({ named }: Tick): boolean {
    return named === null || this.#ports.clock.now() >= named + delayOf(this.schedule);
  }

  #arm(setTo?: number): void {
    this.#next = findNextTick(this.schedule, this.#last, readInstant(this.#ports.clock), setTo);
    if (this.#next === null) return this.#timer.cancel();
    this.#timer.set(this.#next.at);
  }
}

function delayOf(schedule: Schedule): number {
  return schedule.kind === "cron" ? schedule.delayMs : 0;
}
