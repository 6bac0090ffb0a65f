/**
 * How busy the processors were since the last compute: the difference of two samples of the operating system's
 * counters. The counters come from /proc/stat by way of `os.cpus()`: no sandboxed code may open a file below /proc.
 */
import { cpus } from "node:os";
import { option, pause, prune, readConfig, type SenseContext, type SenseDatabase } from "nerve";
import { counters, readings } from "./schema.ts";

export interface CpuUsage {
  /** Busy share of all cores, 0 to 1. */
  readonly used: number;
  readonly cores: readonly number[];
  /** Load averages over 1, 5 and 15 minutes. */
  readonly load: readonly [number, number, number];
  /** The span over which the shares are averaged. */
  readonly windowMs: number;
}

interface CoreSample {
  readonly busyMs: number;
  readonly idleMs: number;
}
interface Sample {
  readonly ts: number;
  readonly cores: readonly CoreSample[];
}

/** A longer span would hide what happens now; in a shorter one the counters' 10 ms steps show. */
const windowMaxMs = 10 * 60_000, windowMinMs = 250;
/** The time between two samples when there is no usable earlier one. */
const pauseMs = 500;

export async function compute({ db, signal, config }: SenseContext): Promise<CpuUsage | null> {
  const { threshold, keep } = readConfig(config, {
    threshold: option.number(null, { min: 0, max: 1 }),
    keep: option.duration("30d"),
  });
  let first = readLastSample(db), second = takeSample();
  if (!areComparable(first, second)) {
    first = second;
    await pause(pauseMs, signal);
    second = takeSample();
  }
  const usage = computeUsage(first, second);
  const [load1, load5, load15] = usage.load;
  db.transaction((tx) => {
    tx.insert(readings).values({ ts: new Date(second.ts), ...usage, cores: [...usage.cores], load1, load5, load15 })
      .run();
    prune(tx, readings, readings.ts, keep);
    tx.delete(counters).run();
    tx.insert(counters).values(second.cores.map((each, core) => ({ core, ts: new Date(second.ts), ...each }))).run();
  });
  return threshold !== null && usage.used < threshold ? null : usage;
}

function takeSample(): Sample {
  const cores = cpus().map(({ times }) => ({
    busyMs: times.user + times.nice + times.sys + times.irq,
    idleMs: times.idle,
  }));
  return { ts: Date.now(), cores };
}

function readLastSample(db: SenseDatabase): Sample {
  const rows = db.select().from(counters).orderBy(counters.core).all();
  return { ts: rows[0]?.ts.getTime() ?? 0, cores: rows };
}

/**
 * False when the first sample is missing, too old, too recent, from the future, from before a reboot or of other cores.
 */
function areComparable(first: Sample, second: Sample): boolean {
  const windowMs = second.ts - first.ts;
  return windowMs >= windowMinMs && windowMs <= windowMaxMs && first.cores.length === second.cores.length &&
    second.cores.every(({ busyMs }, core) => busyMs >= (first.cores[core]?.busyMs ?? Infinity));
}

function computeUsage(first: Sample, second: Sample): CpuUsage {
  const windowMs = Math.max(1, second.ts - first.ts);
  const spans = second.cores.map((now, core) => {
    const before = first.cores[core] ?? now;
    const busyMs = Math.max(0, now.busyMs - before.busyMs), idleMs = Math.max(0, now.idleMs - before.idleMs);
    // The counters omit time spent waiting for a disk or taken by another virtual machine: it was not busy.
    return { busyMs, totalMs: Math.max(windowMs, busyMs + idleMs) };
  });
  const busyMs = sum(spans.map((span) => span.busyMs)), totalMs = sum(spans.map((span) => span.totalMs));
  const [load1 = 0, load5 = 0, load15 = 0] = Deno.loadavg();
  return {
    used: toShare(busyMs, totalMs),
    cores: spans.map((span) => toShare(span.busyMs, span.totalMs)),
    load: [load1, load5, load15],
    windowMs,
  };
}

function toShare(part: number, whole: number): number {
  return whole === 0 ? 0 : Math.round((part / whole) * 10_000) / 10_000;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
