/**
 * A clock that stands still until a test moves it: the one fake clock of nerve's tests. Wall time and monotonic time
 * start far apart, so that code that confuses them fails.
 */
import assert from "node:assert/strict";
import { setImmediate } from "node:timers";
import type { BootTime } from "../../src/base/boot_time.ts";
import type { CancelTimer, Clock, WallClockListener } from "../../src/base/time.ts";

interface FakeTimer {
  /** When it is due by each clock, whichever comes first: `after` follows monotonic time only. */
  readonly wall: number;
  readonly monotonic: number;
  readonly fire: () => void;
}

/** How long `until` waits on the real clock. */
const realMs = 60_000;

let boots = 0;

export class FakeClock implements Clock {
  /** Each clock is a machine that has just booted: a daemon that restarts on the same boot keeps its clock. */
  readonly #bootId = `boot ${++boots}`;
  #wall: number;
  #monotonic = 5_000;
  /** In the order in which they were set, which decides between equal due times. */
  readonly #timers = new Set<FakeTimer>();
  readonly #listeners = new Set<WallClockListener>();
  #wasSet = false;

  /** `startMs` is the wall time at the beginning; default 2026-01-01T00:00:00Z. */
  constructor(startMs: number = Date.UTC(2026, 0, 1)) {
    this.#wall = startMs;
  }

  now(): number {
    return this.#wall;
  }

  monotonic(): number {
    return this.#monotonic;
  }

  boot(): BootTime {
    return { id: this.#bootId, ms: this.#monotonic };
  }

  at(dueMs: number, fire: () => void): CancelTimer {
    const monotonic = this.#monotonic + Math.max(0, dueMs - this.#wall);
    return this.#add({ wall: dueMs, monotonic, fire });
  }

  after(delayMs: number, fire: () => void): CancelTimer {
    return this.#add({ wall: Infinity, monotonic: this.#monotonic + Math.max(0, delayMs), fire });
  }

  /** Calls `listener` at the next tick after a jump, at once. */
  onSet(listener: WallClockListener): CancelTimer {
    const own: WallClockListener = (setTo) => listener(setTo);
    this.#listeners.add(own);
    return () => void this.#listeners.delete(own);
  }

  /** The number of timers that have not fired: a stopped part should leave none. */
  get pending(): number {
    return this.#timers.size;
  }

  /** The number of listeners of `onSet`: a stopped part should leave none. */
  get followers(): number {
    return this.#listeners.size;
  }

  /**
   * Lets `ms` pass. Timers fire in the order of their due times, each at its own time. All effects run (microtasks and
   * a turn of the event loop) after each timer, at the beginning and at the end.
   */
  async tick(ms: number): Promise<void> {
    await turn();
    if (this.#wasSet) {
      this.#wasSet = false;
      for (const listener of [...this.#listeners]) listener(this.#wall);
      await turn();
    }
    const end = this.#monotonic + ms;
    for (let timer = this.#first(end); timer !== null; timer = this.#first(end)) {
      this.#advance(Math.max(0, this.#leftOf(timer)));
      this.#timers.delete(timer);
      timer.fire();
      await turn();
    }
    this.#advance(end - this.#monotonic);
    await turn();
  }

  /**
   * Takes turns until `done`, without letting time pass: for work of other threads, which takes as long as it takes.
   */
  async until(done: () => boolean, what: string): Promise<void> {
    const deadline = performance.now() + realMs;
    while (!done()) {
      assert.ok(performance.now() < deadline, what);
      await this.tick(0);
    }
  }

  /** Sets the wall clock forward, or back when `ms` is negative. No monotonic time passes and no timer fires yet. */
  jump(ms: number): void {
    this.#wall += ms;
    this.#wasSet = true;
  }

  /**
   * Lets `ms` pass in one leap, as when the event loop is blocked: timers that are due meanwhile fire late, at the end.
   */
  async stall(ms: number): Promise<void> {
    this.#advance(ms);
    await this.tick(0);
  }

  #add(timer: FakeTimer): CancelTimer {
    this.#timers.add(timer);
    return () => void this.#timers.delete(timer);
  }

  #advance(ms: number): void {
    this.#wall += ms;
    this.#monotonic += ms;
  }

  #leftOf(timer: FakeTimer): number {
    return Math.min(timer.wall - this.#wall, timer.monotonic - this.#monotonic);
  }

  #first(end: number): FakeTimer | null {
    let first: FakeTimer | null = null;
    let least = end - this.#monotonic;
    for (const timer of this.#timers) {
      const left = this.#leftOf(timer);
      if (left > least || (first !== null && left === least)) continue;
      first = timer;
      least = left;
    }
    return first;
  }
}

/** Microtasks, then one turn of the event loop, then the microtasks of that turn. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
