/**
 * Timers with a head start, and schedules that ring again and again. Owned by scheduled_sense.ts; what is due when is
 * decided in timetable.ts, the waiting is done by timer_heap.ts.
 *
 * I1. A schedule has one tick ahead of it at most: ticks that went by unseen ring once, not once each.
 * I2. The next tick comes from the schedule, never from when the last one rang.
 */
import { prepareAheadMs } from "../base/limits.ts";
import type { Clock } from "../base/time.ts";
import type { HeapTimer, TimerHeap } from "../base/timer_heap.ts";
import { type Instant, nextTick, type Schedule, type Tick } from "./timetable.ts";

/** What timers need; shared by all senses. */
export interface Time {
  readonly clock: Clock;
  readonly heap: TimerHeap;
}

export function readInstant(clock: Clock): Instant {
  return { wall: clock.now(), monotonic: clock.monotonic() };
}

/** The wall time of a monotonic one, as of now, in whole milliseconds. */
export function wallOf(clock: Clock, monotonic: number): number {
  return Math.round(clock.now() + monotonic - clock.monotonic());
}

/** One timer that also says when it is about to fire. */
export class Reminder {
  readonly #time: Time;
  readonly #ahead: (at: number) => void;
  readonly #fire: () => void;
  #timer: HeapTimer | null = null;
  #at: number | null = null;

  /** `ahead` is called `prepareAheadMs` before `fire`, if there is that much time. */
  constructor(time: Time, ahead: (at: number) => void, fire: () => void) {
    this.#time = time;
    this.#ahead = ahead;
    this.#fire = fire;
  }

  /** Monotonic; null when nothing is set. */
  get at(): number | null {
    return this.#at;
  }

  /** Replaces what was set before. */
  set(at: number): void {
    this.cancel();
    this.#at = at;
    if (at - prepareAheadMs <= this.#time.clock.monotonic()) return this.#wait(at);
    this.#timer = this.#time.heap.add(at - prepareAheadMs, () => {
      this.#wait(at);
      this.#ahead(at);
    });
  }

  cancel(): void {
    if (this.#timer !== null) this.#time.heap.cancel(this.#timer);
    this.#timer = null;
    this.#at = null;
  }

  #wait(at: number): void {
    this.#timer = this.#time.heap.add(at, () => {
      this.#timer = null;
      this.#at = null;
      this.#fire();
    });
  }
}

/** One schedule, from now until it is cancelled. */
export class Alarm {
  readonly schedule: Schedule;
  readonly #time: Time;
  readonly #ring: (due: number) => void;
  readonly #reminder: Reminder;
  #last: Tick | null = null;
  #next: Tick | null = null;

  /** `ring` gets the wall time that was due. */
  constructor(time: Time, schedule: Schedule, ahead: (at: number) => void, ring: (due: number) => void) {
    this.#time = time;
    this.schedule = schedule;
    this.#ring = ring;
    this.#reminder = new Reminder(time, ahead, () => this.#due());
    this.#arm();
  }

  /** The next tick, in monotonic time; null when there is none. */
  get at(): number | null {
    return this.#reminder.at;
  }

  /** To be called when the wall clock was set, or the machine slept: cron lines follow the wall. */
  resync(): void {
    if (this.schedule.kind === "cron" && this.at !== null) this.#due();
  }

  cancel(): void {
    this.#reminder.cancel();
  }

  #due(): void {
    const tick = this.#next;
    if (tick === null) return;
    const { clock } = this.#time;
    // A cron line is due by the wall, which may run a little slower than the timer, or have been set back.
    if (tick.named !== null && clock.now() < tick.named) return this.#arm();
    this.#last = tick;
    this.#arm();
    this.#ring(tick.named ?? wallOf(clock, tick.at));
  }

  #arm(): void {
    this.#next = nextTick(this.schedule, this.#last, readInstant(this.#time.clock));
    if (this.#next === null) return this.#reminder.cancel();
    this.#reminder.set(this.#next.at);
  }
}
