/**
 * Measures the processor time that a process uses while it has no work: timers, promises that outlive a compute,
 * threads of a pool. Pure; used by memory_watch.ts.
 * I1. A compute or a role may use every core while it lasts.
 * I2. A little use is always allowed: garbage collection, an occasional timer.
 */
import { assert } from "../base/errors.ts";
import { idleBurnMs } from "../base/limits.ts";

/** Linux counts processor time in hundredths of a second, whatever its timer frequency (USER_HZ). */
const tickMs = 10;
/** How much it may use without work before it is ended. */
export const idleBurnEndMs = 6_000;
assert(idleBurnMs < idleBurnEndMs, "what is ended was reported before");
/** The share of one core that is free. */
const freeShare = 0.05;

interface Sample {
  readonly ticks: number;
  readonly atMs: number;
  readonly busyMs: number;
}

export class CpuMeter {
  readonly #cores: number;
  #last: Sample | null = null;
  #usedMs = 0;
  #reported = false;

  constructor(cores: number = navigator.hardwareConcurrency) {
    this.#cores = cores;
  }

  /**
   * `ticks`: processor time of the process so far; `busyMs`: how long it had work so far. Returns "burning" once, when it
   * has used `idleBurnMs` without work; "over" when it has reached `idleBurnEndMs`.
   */
  sample(ticks: number, atMs: number, busyMs: number): "burning" | "over" | null {
    const last = this.#last;
    this.#last = { ticks, atMs, busyMs };
    if (last === null) return null;
    const spanMs = atMs - last.atMs, workMs = Math.min(spanMs, busyMs - last.busyMs);
    // An answer in transit makes the work look slightly shorter.
    const outsideMs = workMs >= spanMs * 0.95 ? 0 : (ticks - last.ticks) * tickMs - workMs * this.#cores;
    this.#usedMs = Math.max(0, this.#usedMs + Math.max(0, outsideMs) - freeShare * (spanMs - workMs));
    if (this.#usedMs >= idleBurnEndMs) return "over";
    if (this.#reported || this.#usedMs < idleBurnMs) return null;
    this.#reported = true;
    return "burning";
  }
}
