/** Reads how much memory processes use, to show it. Used by kernel_api.ts; memory_watch.ts has the limits. */
import { isGoneProcess } from "../base/if_present.ts";
import type { Clock } from "../base/time.ts";
import { readResidentBytes } from "./memory_watch.ts";

export interface ShownMemory {
  readonly memoryBytes: number | null;
  readonly privateBytes: number | null;
}

const none: ShownMemory = { memoryBytes: null, privateBytes: null };
const staleMs = 1_000;

/** Each process is read at most once a second: its private bytes take 0.5 ms. */
export class MemoryUse {
  readonly #clock: Clock;
  readonly #byPid = new Map<number, ShownMemory>();
  #readAt = -Infinity;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  of(pid: number | null): ShownMemory {
    if (pid === null) return none;
    const now = this.#clock.monotonic();
    if (now - this.#readAt >= staleMs) {
      this.#byPid.clear();
      this.#readAt = now;
    }
    const known = this.#byPid.get(pid) ?? { memoryBytes: readResidentBytes(pid), privateBytes: readPrivateBytes(pid) };
    this.#byPid.set(pid, known);
    return known;
  }
}

/**
 * Bytes that the process shares with no other, or null when it has exited or the system does not tell. All of nerve's
 * processes run the same executable: its pages count once for the machine, but in each process's resident bytes.
 */
function readPrivateBytes(pid: number): number | null {
  try {
    const sizes = Deno.readTextFileSync(`/proc/${pid}/smaps_rollup`).matchAll(/^Private_(?:Clean|Dirty): +(\d+) kB/gm);
    const bytes = [...sizes].reduce((sum, [, kib]) => sum + Number(kib) * 1_024, 0);
    return bytes === 0 ? null : bytes;
  } catch (thrown) {
    // It has just exited, or the system has no such file, or hides it.
    if (isGoneProcess(thrown) || thrown instanceof Deno.errors.PermissionDenied) return null;
    throw thrown;
  }
}
