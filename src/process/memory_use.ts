/** Reads how much memory processes use, to show it. Used by kernel_api.ts; memory_watch.ts has the limits. */
import { setImmediate } from "node:timers";
import { isGoneProcess } from "../base/if_present.ts";
import type { Clock } from "../base/time.ts";
import { readResidentBytes } from "./memory_watch.ts";

export interface ShownMemory {
  readonly memoryBytes: number | null;
  readonly privateBytes: number | null;
}

const none: ShownMemory = { memoryBytes: null, privateBytes: null };
const staleMs = 1_000;
/** The longest time that a slice of `refresh` blocks the event loop. */
const sliceMs = 5;

/** Each process is read at most once a second: its private bytes take 0.5 ms. */
export class MemoryUse {
  readonly #clock: Clock;
  #byPid = new Map<number, ShownMemory>();
  #readAt = -Infinity;
  #refreshing: Promise<void> | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Reads these processes anew if that was not done within the last second, in slices: there may be hundreds. */
  refresh(pids: readonly number[]): Promise<void> {
    if (!this.#stale) return Promise.resolve();
    this.#refreshing ??= this.#refresh(pids).finally(() => this.#refreshing = null);
    return this.#refreshing;
  }

  async #refresh(pids: readonly number[]): Promise<void> {
    const found = new Map<number, ShownMemory>();
    let end = this.#clock.monotonic() + sliceMs;
    for (const pid of pids) {
      found.set(pid, readMemory(pid));
      if (this.#clock.monotonic() < end) continue;
      await new Promise<void>((resolve) => setImmediate(resolve));
      end = this.#clock.monotonic() + sliceMs;
    }
    this.#replace(found);
  }

  of(pid: number | null): ShownMemory {
    if (pid === null) return none;
    if (this.#stale) this.#replace(new Map());
    const known = this.#byPid.get(pid) ?? readMemory(pid);
    this.#byPid.set(pid, known);
    return known;
  }

  get #stale(): boolean {
    return this.#clock.monotonic() - this.#readAt >= staleMs;
  }

  #replace(byPid: Map<number, ShownMemory>): void {
    this.#byPid = byPid;
    this.#readAt = this.#clock.monotonic();
  }
}

function readMemory(pid: number): ShownMemory {
  return { memoryBytes: readResidentBytes(pid), privateBytes: readPrivateBytes(pid) };
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
