/** Tells when a process has used a whole core for some time while nothing was asked of it. Pure; used by memory_watch.ts. */
import { idleBurnMs } from "../base/limits.ts";

/** Linux counts processor time in hundredths of a second, whatever its own timer does (USER_HZ). */
const tickMs = 10;
/** Of one core; a loop gets nearly all of it, on a busy machine less. */
const wholeCore = 0.8;

export class CpuMeter {
  #from: { readonly ticks: number; readonly atMs: number } | null = null;
  #told = false;

  /**
   * `ticks`: processor time of the process so far; `busy`: whether it computes. True once in its life, when it has burnt
   * a core over `idleBurnMs` outside of any compute.
   */
  sample(ticks: number, atMs: number, busy: boolean): boolean {
    if (busy || this.#from === null) {
      this.#from = busy ? null : { ticks, atMs };
      return false;
    }
    const spanMs = atMs - this.#from.atMs;
    if (spanMs < idleBurnMs) return false;
    const used = (ticks - this.#from.ticks) * tickMs / spanMs;
    this.#from = { ticks, atMs };
    if (used < wholeCore || this.#told) return false;
    this.#told = true;
    return true;
  }
}
