/** Detects a process that uses a whole core for some time while it has no work. Pure; used by memory_watch.ts. */
import { idleBurnMs } from "../base/limits.ts";

/** Linux counts processor time in hundredths of a second, whatever its timer frequency (USER_HZ). */
const tickMs = 10;
/** Share of one core. A loop gets nearly all of it, on a busy machine less. */
const wholeCore = 0.8;

export class CpuMeter {
  #since: { readonly ticks: number; readonly atMs: number } | null = null;
  #reported = false;

  /**
   * `ticks`: processor time of the process so far; `busy`: whether it has work. True once in its life, when it has used
   * a whole core for `idleBurnMs` without any work.
   */
  sample(ticks: number, atMs: number, busy: boolean): boolean {
    if (busy || this.#since === null) {
      this.#since = busy ? null : { ticks, atMs };
      return false;
    }
    const spanMs = atMs - this.#since.atMs;
    if (spanMs < idleBurnMs) return false;
    const used = (ticks - this.#since.ticks) * tickMs / spanMs;
    this.#since = { ticks, atMs };
    if (used < wholeCore || this.#reported) return false;
    this.#reported = true;
    return true;
  }
}
