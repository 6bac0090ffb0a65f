/** `pause`: a wait that an AbortSignal ends early. Authors of senses and workflows import it from "nerve". */
import { systemClock } from "../base/clock.ts";

/**
 * Waits `ms` milliseconds. Rejects with the reason of `signal` as soon as `signal` aborts, or at once if it has aborted
 * already. Rejects with a TypeError when `ms` is negative or not a finite number.
 * @example
 * ```ts
 * await pause(500, signal);
 * ```
 */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (!(ms >= 0 && Number.isFinite(ms))) throw new TypeError(`pause: ${ms} is not a number of milliseconds`);
    signal.throwIfAborted();
    const stop = () => {
      cancel();
      reject(signal.reason);
    };
    const cancel = systemClock.after(ms, () => {
      signal.removeEventListener("abort", stop);
      resolve();
    });
    signal.addEventListener("abort", stop, { once: true });
  });
}
