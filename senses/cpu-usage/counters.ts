/** Reads the counters of each processor and compares two readings. Used by index.ts. */
import { cpus } from "node:os";
import { readSystemFile } from "nerve";

/** The counters of a processor since the machine was started. */
export interface Core {
  readonly core: number;
  readonly busyMs: number;
  /** Includes waiting for a disk, and time taken by another virtual machine. */
  readonly idleMs: number;
}
export interface Sample {
  /** Wall time: it may be set, so no duration is computed from it. */
  readonly ts: number;
  readonly cores: readonly Core[];
}
export interface Shares {
  readonly used: number;
  readonly cores: readonly number[];
  readonly windowMs: number;
}

/** A longer span would hide what happens now; in a shorter one the counters' 10 ms steps show. */
const windowMaxMs = 10 * 60_000, windowMinMs = 250;
/** Counters of virtual machines and containers go back a little now and then. */
const backMaxMs = 1_000;
/** How much wall time and counters may differ in normal operation. */
const driftMaxMs = 3_000, driftMaxShare = 0.2;

export async function takeSample(): Promise<Sample> {
  return { ts: Date.now(), cores: await readCores() };
}

async function readCores(): Promise<Core[]> {
  try {
    return parseStat(await readSystemFile("/proc/stat"));
  } catch (thrown) {
    if (!(thrown instanceof Deno.errors.NotFound)) throw thrown;
    // A system without /proc. It does not report the time spent waiting for a disk.
    return cpus().map(({ times }, core) => {
      return { core, busyMs: times.user + times.nice + times.sys + times.irq, idleMs: times.idle };
    });
  }
}

/** One tick is a hundredth of a second on every Linux. */
const msPerTick = 10;

export function parseStat(text: string): Core[] {
  const rows = [...text.matchAll(/^cpu(\d+) +(.+)$/gm)];
  if (rows.length === 0) throw new Error("/proc/stat names no processor");
  return rows.map(([, core, counters = ""]) => {
    if (!/^[\d ]+$/.test(counters)) throw new Error(`/proc/stat tells no counters of processor ${core}`);
    // What guests used is part of `user` and `nice`.
    const [user = 0, nice = 0, system = 0, idle = 0, iowait = 0, irq = 0, softirq = 0, steal = 0] = counters.split(" ")
      .map(Number);
    return {
      core: Number(core),
      busyMs: (user + nice + system + irq + softirq) * msPerTick,
      idleMs: (idle + iowait + steal) * msPerTick,
    };
  });
}

/**
 * False when the first sample is missing, too old, too recent, from before a reboot or of other cores; also when the
 * wall clock disagrees with the counters: the clock was set, the machine slept, or the counters are from another boot.
 */
export function areComparable(first: Sample, second: Sample): boolean {
  const sameCores = first.cores.length === second.cores.length &&
    second.cores.every(({ core }, index) => first.cores[index]?.core === core);
  if (!sameCores || first.cores.length === 0) return false;
  const wentBack = second.cores.some(({ busyMs, idleMs }, index) => {
    const before = first.cores[index];
    return busyMs + backMaxMs < (before?.busyMs ?? 0) || idleMs + backMaxMs < (before?.idleMs ?? 0);
  });
  const windowMs = measureWindow(first, second), drift = Math.abs(second.ts - first.ts - windowMs);
  return !wentBack && windowMs >= windowMinMs && windowMs <= windowMaxMs &&
    drift <= driftMaxMs + windowMs * driftMaxShare;
}

/** Every processor counts each moment as busy or idle; one that was off for a while counts less. */
function measureWindow(first: Sample, second: Sample): number {
  return Math.max(...toSpans(first, second).map(({ busyMs, idleMs }) => busyMs + idleMs));
}

function toSpans(first: Sample, second: Sample): { busyMs: number; idleMs: number }[] {
  return second.cores.map((now, index) => {
    const before = first.cores[index] ?? now;
    return { busyMs: Math.max(0, now.busyMs - before.busyMs), idleMs: Math.max(0, now.idleMs - before.idleMs) };
  });
}

/** The busy shares between two samples of the same cores. */
export function computeShares(first: Sample, second: Sample): Shares {
  const windowMs = Math.max(1, measureWindow(first, second)), spans = toSpans(first, second);
  const toShare = (busyMs: number, cores: number) => Math.round((busyMs / (windowMs * cores)) * 10_000) / 10_000;
  return {
    used: toShare(spans.reduce((total, { busyMs }) => total + busyMs, 0), spans.length),
    cores: spans.map(({ busyMs }) => toShare(busyMs, 1)),
    windowMs,
  };
}
