/**
 * Watches the resources of processes: resident memory, because a heap limit does not count native buffers, disk use,
 * and processor time without work. Used by process_pool.ts. Reads /proc; on systems without it, only V8's own limit and
 * the heartbeat apply.
 */
import { formatSize } from "../base/duration.ts";
import { memoryWatchIdleMs, memoryWatchMs } from "../base/limits.ts";
import { isOutOfDescriptors } from "../base/os_error.ts";
import { type ProcessStat, readProcessStat } from "../base/process_id.ts";
import type { CancelTimer, Clock } from "../base/time.ts";
import { CpuMeter } from "./cpu_meter.ts";
import { type DiskQuota, findQuotaFault } from "./disk_quota.ts";

const pageBytes = 4096;
/**
 * What a process may use besides user code: 62 MB resident when it is ready, and what V8 needs to notice that its heap
 * is full. A smaller allowance would end a process here before V8 can report that it ran out of memory.
 */
export const baselineBytes = 96 * 1024 ** 2;

/** Resident bytes of a process, or null when it has exited or the system has no /proc. */
export function toResidentBytes(stat: ProcessStat | null): number | null {
  return stat === null || !Number.isFinite(stat.residentPages) ? null : stat.residentPages * pageBytes;
}

export interface WatchedProcess {
  /** What user code may use, on top of `baselineBytes`. */
  readonly limitBytes: number;
  /** `message` says how much memory it used, and its limit. */
  onOver(message: string): void;
  readonly disk: DiskQuota | null;
  /** `message` says how much its databases use, and their limit. */
  onDiskFull(message: string): void;
  /** Whether it works on a compute or a run. */
  isBusy(): boolean;
  /** It has used a whole core for a while without any work. Called once. */
  onBurning(): void;
}

interface Watch {
  readonly watched: WatchedProcess;
  readonly cpu: CpuMeter;
  cpuTicks: number;
  /** When it is read next, at the latest, in monotonic time. */
  nextAt: number;
}

/**
 * Checks every watched process periodically, and less often one that does nothing. Its timer runs only while a process
 * is watched.
 */
export class MemoryWatch {
  readonly #clock: Clock;
  readonly #watched = new Map<number, Watch>();
  #cancel: CancelTimer | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Watches `pid` until `unwatch`. */
  watch(pid: number, watched: WatchedProcess): void {
    this.#watched.set(pid, { watched, cpu: new CpuMeter(), cpuTicks: 0, nextAt: 0 });
    this.#arm();
  }

  unwatch(pid: number): void {
    this.#watched.delete(pid);
    if (this.#watched.size > 0) return;
    this.#cancel?.();
    this.#cancel = null;
  }

  #arm(): void {
    this.#cancel ??= this.#clock.after(memoryWatchMs, () => {
      this.#cancel = null;
      const now = this.#clock.monotonic();
      for (const [pid, watch] of this.#watched) {
        const isBusy = watch.watched.isBusy();
        if (!isBusy && now < watch.nextAt) continue;
        try {
          this.#check(pid, watch, isBusy, now);
        } catch (thrown) {
          // The kernel has no descriptor to spare now: the next measurement comes soon.
          if (!isOutOfDescriptors(thrown)) throw thrown;
        }
      }
      if (this.#watched.size > 0) this.#arm();
    });
  }

  #check(pid: number, watch: Watch, isBusy: boolean, now: number): void {
    const { watched, cpu } = watch, stat = readProcessStat(pid);
    const bytes = toResidentBytes(stat), ticks = stat?.cpuTicks ?? 0;
    watch.nextAt = !isBusy && ticks === watch.cpuTicks ? now + memoryWatchIdleMs : now;
    watch.cpuTicks = ticks;
    if (bytes !== null && bytes > watched.limitBytes + baselineBytes) {
      watched.onOver(describeOverLimit(bytes, watched.limitBytes));
    }
    const full = findQuotaFault(watched.disk, { pid, now });
    if (full !== null) watched.onDiskFull(full);
    if (cpu.sample(ticks, now, isBusy)) watched.onBurning();
  }
}

function describeOverLimit(bytes: number, limitBytes: number): string {
  const limit = `${formatSize(limitBytes)} and the runtime's ${formatSize(baselineBytes)}`;
  return `ran out of its memory limit: used ${formatSize(bytes)} in all, over its limit of ${limit}`;
}
