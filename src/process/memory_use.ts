/** Reads how much memory processes use, for display. Used by kernel/unit_views.ts; memory_watch.ts has the limits. */
import { isGoneProcess } from "../base/if_present.ts";
import { memoryShownMaxMs } from "../base/limits.ts";
import { readProcessStat } from "../base/process_id.ts";
import type { Clock } from "../base/time.ts";
import { toResidentBytes } from "./memory_watch.ts";

export interface ShownMemory {
  readonly memoryBytes: number | null;
  readonly privateBytes: number | null;
}

const none: ShownMemory = { memoryBytes: null, privateBytes: null };
const staleMs = 1_000;
/** Figures of this age are shown while newer ones are being read: frequent callers do not wait for them. */
const shownStaleMs = 10_000;
/** So many processes are read in parallel by threads. */
const readersMax = 8;
/** For a caller that did not call `refresh`: at most so many are read synchronously. */
const readAtOnceMax = 20;
/** And for this long per second, except for the last read, which may have to wait for a starting process. */
const readAtOnceMaxMs = 5;

/** Reads each process at most once a second: its private bytes take 0.5 ms, too long for hundreds on the event loop. */
export class MemoryUse {
  readonly #clock: Clock;
  readonly #byPid = new Map<number, { readonly memory: ShownMemory; readonly readAt: number }>();
  #measuring: Promise<void> | null = null;
  #measuredAt = -Infinity;
  #readAtOnce = { since: -Infinity, count: 0, ms: 0 };

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Reads missing figures without blocking. Resolves when that is done, or takes too long, or was done shortly before.
   */
  async refresh(pids: readonly number[]): Promise<void> {
    const now = this.#clock.monotonic(), measuredAt = this.#measuredAt;
    this.#measuring ??= this.#measure(pids).finally(() => this.#measuring = null);
    if (now - measuredAt < shownStaleMs) return;
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const cancel = this.#clock.after(memoryShownMaxMs, resolve);
    await Promise.race([this.#measuring, late]);
    cancel();
  }

  of(pid: number | null): ShownMemory {
    if (pid === null) return none;
    const known = this.#byPid.get(pid);
    if (known !== undefined && (this.#measuring !== null || !this.#isStale(pid))) return known.memory;
    if (!this.#mayReadAtOnce()) return known?.memory ?? none;
    const began = this.#clock.monotonic(), memory = this.#keep(pid, readSync(`/proc/${pid}/smaps_rollup`));
    this.#readAtOnce.ms += this.#clock.monotonic() - began;
    return memory;
  }

  async #measure(pids: readonly number[]): Promise<void> {
    const wanted = new Set(pids);
    for (const pid of this.#byPid.keys()) if (!wanted.has(pid)) this.#byPid.delete(pid);
    const stale = pids.filter((pid) => this.#isStale(pid));
    await Promise.all(Array.from({ length: readersMax }, async () => {
      for (let pid = stale.pop(); pid !== undefined; pid = stale.pop()) {
        this.#keep(pid, await readText(`/proc/${pid}/smaps_rollup`));
      }
    }));
    this.#measuredAt = this.#clock.monotonic();
  }

  #isStale(pid: number): boolean {
    return this.#clock.monotonic() - (this.#byPid.get(pid)?.readAt ?? -Infinity) >= staleMs;
  }

  #mayReadAtOnce(): boolean {
    const now = this.#clock.monotonic();
    if (now - this.#readAtOnce.since >= staleMs) this.#readAtOnce = { since: now, count: 0, ms: 0 };
    return this.#readAtOnce.count++ < readAtOnceMax && this.#readAtOnce.ms < readAtOnceMaxMs;
  }

  #keep(pid: number, rollup: string | null): ShownMemory {
    const memory = {
      memoryBytes: toResidentBytes(readProcessStat(pid)),
      privateBytes: rollup === null ? null : sumPrivateBytes(rollup),
    };
    this.#byPid.set(pid, { memory, readAt: this.#clock.monotonic() });
    return memory;
  }
}

/**
 * Bytes that the process shares with no other, or null when the system does not report them. All of nerve's processes
 * run the same executable: its pages exist once on the machine, but count in each process's resident bytes.
 */
function sumPrivateBytes(rollup: string): number | null {
  const sizes = rollup.matchAll(/^Private_(?:Clean|Dirty): +(\d+) kB/gm);
  const bytes = [...sizes].reduce((sum, [, kib]) => sum + Number(kib) * 1_024, 0);
  return bytes === 0 ? null : bytes;
}

async function readText(path: string): Promise<string | null> {
  try {
    return await Deno.readTextFile(path);
  } catch (thrown) {
    return nullIfHidden(thrown);
  }
}

function readSync(path: string): string | null {
  try {
    return Deno.readTextFileSync(path);
  } catch (thrown) {
    return nullIfHidden(thrown);
  }
}

/** The process has just exited, or the system has no such file, or hides it. */
function nullIfHidden(thrown: unknown): null {
  if (isGoneProcess(thrown) || thrown instanceof Deno.errors.PermissionDenied) return null;
  throw thrown;
}
