/**
 * Looks at what the processes take of the machine: resident memory, because a heap limit does not see native buffers,
 * and processor time while nothing is asked of them. Reads /proc; on systems without it, only V8's
 * own limit and the heartbeat hold.
 */
import { formatSize } from "../base/duration.ts";
import { isGoneProcess } from "../base/if_present.ts";
import { memoryWatchMs } from "../base/limits.ts";
import { readProcessStat } from "../base/process_id.ts";
import type { CancelTimer, Clock } from "../base/time.ts";
import { CpuMeter } from "./cpu_meter.ts";
import { type DiskQuota, overQuota } from "./disk_quota.ts";

const pageBytes = 4096;
/**
 * What a process may hold beside what user code does: 62 MB resident when it is ready, and what V8 needs in order to
 * find that its heap is full. A smaller one would end a process here before V8 can say that it ran out of memory.
 */
export const baselineBytes = 96 * 1024 ** 2;

/** Resident bytes of a process, or null when it is gone or the system has no /proc. */
export function residentBytes(pid: number): number | null {
  try {
    const pages = Number(Deno.readTextFileSync(`/proc/${pid}/statm`).split(" ")[1]);
    return Number.isFinite(pages) ? pages * pageBytes : null;
  } catch (thrown) {
    // Gone between the listing and the read, or no /proc on this system.
    if (isGoneProcess(thrown)) return null;
    throw thrown;
  }
}

export interface Watched {
  /** What user code may hold, on top of the process's own baseline. */
  readonly limitBytes: number;
  /** `words` say how much it had, and over what. */
  onOver(words: string): void;
  readonly disk: DiskQuota | null;
  /** `words` say how much its databases hold, and over what. */
  onDiskFull(words: string): void;
  /** Whether a compute or a run is under way in it. */
  busy(): boolean;
  /** It has used a whole core for a while outside of any of them; called once. */
  onBurning(): void;
}

/** Calls `onOver` for each watched process that is over its limit; runs only while something is watched. */
export class MemoryWatch {
  readonly #clock: Clock;
  readonly #watched = new Map<number, { readonly of: Watched; readonly cpu: CpuMeter }>();
  #cancel: CancelTimer | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Watches `pid` until `forget`. */
  watch(pid: number, of: Watched): void {
    this.#watched.set(pid, { of, cpu: new CpuMeter() });
    this.#arm();
  }

  forget(pid: number): void {
    this.#watched.delete(pid);
    if (this.#watched.size > 0) return;
    this.#cancel?.();
    this.#cancel = null;
  }

  #arm(): void {
    this.#cancel ??= this.#clock.after(memoryWatchMs, () => {
      this.#cancel = null;
      for (const [pid, { of, cpu }] of this.#watched) {
        const bytes = residentBytes(pid);
        if (bytes !== null && bytes > of.limitBytes + baselineBytes) of.onOver(overLimit(bytes, of.limitBytes));
        const full = overQuota(of.disk, pid);
        if (full !== null) of.onDiskFull(full);
        const ticks = readProcessStat(pid)?.cpuTicks ?? 0;
        if (cpu.sample(ticks, this.#clock.monotonic(), of.busy())) of.onBurning();
      }
      if (this.#watched.size > 0) this.#arm();
    });
  }
}

function overLimit(bytes: number, limitBytes: number): string {
  const limit = `${formatSize(limitBytes)} and the runtime's ${formatSize(baselineBytes)}`;
  return `ran out of its memory limit: used ${formatSize(bytes)} in all, over its limit of ${limit}`;
}
