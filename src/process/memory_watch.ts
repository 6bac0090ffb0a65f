/**
 * Watches the resources of processes: resident memory, because a heap limit does not count native buffers; disk use;
 * and processor time without work. Used by process_pool.ts, watched_trial.ts and memory_use.ts. Reads /proc; on systems
 * without it, only V8's own limit and the heartbeat apply.
 */
import { formatSize } from "../base/duration.ts";
import { memoryWatchIdleMs, memoryWatchMs } from "../base/limits.ts";
import { isOutOfDescriptors } from "../base/os_error.ts";
import { type ProcessStat, readProcessStat } from "../base/process_id.ts";
import type { CancelTimer, Clock } from "../base/time.ts";
import { CpuMeter, idleBurnEndMs } from "./cpu_meter.ts";
import { type DiskQuota, findQuotaFault } from "./disk_quota.ts";
import { measureTmpfs } from "./tmpfs_use.ts";

const pageBytes = 4096;
/** How often to check whether a place that was on a disk is in memory now. */
const mountsWatchMs = 10_000;
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
  /** Paths that it may write, whose files may be in memory (tmpfs_use.ts). */
  readonly written: readonly string[];
  /** `message` states how much memory it used, and its limit. */
  onOver(message: string): void;
  readonly disk: DiskQuota | null;
  /** `message` states how much its databases use, and their limit. */
  onDiskFull(message: string): void;
  /** Whether it works on a compute or a run. */
  isBusy(): boolean;
  /** How long it has had work so far, in milliseconds. */
  busyMs(): number;
  /** Called once, when it has used much processor time without any work. */
  onBurning(): void;
  /** Called when it continues. `message` states how much it used. */
  onBurnt(message: string): void;
}

interface Watch {
  /** What its files take in memory, as far as known; `tmpfsAt`: when the next check is due. */
  tmpfsBytes: number;
  tmpfsAt: number;
  readonly watched: WatchedProcess;
  readonly cpu: CpuMeter;
  cpuTicks: number;
  /** When it is checked next at the latest, in monotonic time. */
  nextAt: number;
}

/**
 * Checks every watched process periodically, and an idle one less often. Its timer runs only while a process is
 * watched.
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
    this.#watched.set(pid, { watched, cpu: new CpuMeter(), cpuTicks: 0, nextAt: 0, tmpfsBytes: 0, tmpfsAt: 0 });
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
          // The kernel has no free descriptor now: the next measurement comes soon.
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
    this.#lookIntoTmpfs(pid, watch, now);
    if (bytes !== null && bytes + watch.tmpfsBytes > watched.limitBytes + baselineBytes) {
      watched.onOver(describeOverLimit(bytes, watch.tmpfsBytes, watched.limitBytes));
    }
    const full = findQuotaFault(watched.disk, { pid, now });
    if (full !== null) watched.onDiskFull(full);
    const burning = cpu.sample(ticks, now, watched.busyMs());
    if (burning === "burning") watched.onBurning();
    else if (burning === "over") watched.onBurnt(burntText);
  }

  /** Runs one check at a time, which may take a while; the next measurement uses its result. */
  #lookIntoTmpfs(pid: number, watch: Watch, now: number): void {
    if (now < watch.tmpfsAt || watch.watched.written.length === 0) return;
    watch.tmpfsAt = Infinity;
    measureTmpfs(watch.watched.written, pid).then((bytes) => {
      watch.tmpfsBytes = bytes ?? 0;
      watch.tmpfsAt = this.#clock.monotonic() + (bytes === null ? mountsWatchMs : memoryWatchIdleMs);
    }, (thrown) => {
      watch.tmpfsAt = this.#clock.monotonic() + memoryWatchIdleMs;
      if (!isOutOfDescriptors(thrown)) throw thrown;
    });
  }
}

const burntText = `used ${idleBurnEndMs / 1_000} s of processor time outside of any compute or role`;

function describeOverLimit(bytes: number, tmpfsBytes: number, limitBytes: number): string {
  const limit = `${formatSize(limitBytes)} and the runtime's ${formatSize(baselineBytes)}`;
  const files = tmpfsBytes === 0 ? "" : `, ${formatSize(tmpfsBytes)} of it in files that are kept in memory`;
  return `ran out of its memory limit: used ${
    formatSize(bytes + tmpfsBytes)
  } in all${files}, over its limit of ${limit}`;
}
