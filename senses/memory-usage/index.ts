/**
 * How much memory and swap is in use, of the machine or of the container. It is based on what programs could still get
 * (MemAvailable in /proc/meminfo), not on what happens to be free: caches are given up when memory is needed.
 */
import { defineSense, type JsonObject, option, prune, readConfig, type SenseContext } from "nerve";
import { readMemory } from "./meminfo.ts";
import { readings } from "./schema.ts";

export interface MemoryUsage {
  /** Share of the memory that is not available, 0 to 1. */
  readonly used: number;
  readonly totalBytes: number;
  readonly availableBytes: number;
  /** Share of the swap in use, 0 to 1; 0 when there is none. */
  readonly swapUsed: number;
  readonly swapTotalBytes: number;
  readonly swapFreeBytes: number;
  /** The limit of the container, if `totalBytes` is that limit; else null. */
  readonly limitBytes: number | null;
}

type Settings = ReturnType<typeof readSettings>;

function readSettings(config: JsonObject) {
  return readConfig(config, {
    threshold: option.number(null, { min: 0, max: 1 }),
    keep: option.duration("30d"),
  });
}

export const { compute } = defineSense({ config: readSettings, compute: observe });

async function observe({ db, config: settings }: SenseContext<Settings>): Promise<MemoryUsage | null> {
  const { threshold, keep } = settings;
  const { total, available, swapTotal, swapFree, limit } = await readMemory();
  const usage: MemoryUsage = {
    used: toUsedShare(available, total),
    totalBytes: total,
    availableBytes: available,
    swapUsed: toUsedShare(swapFree, swapTotal),
    swapTotalBytes: swapTotal,
    swapFreeBytes: swapFree,
    limitBytes: limit,
  };
  db.insert(readings).values({ ts: new Date(), ...usage }).run();
  prune(db, readings, readings.ts, keep);
  return threshold !== null && usage.used < threshold ? null : usage;
}

function toUsedShare(left: number, whole: number): number {
  return whole === 0 ? 0 : Math.round((1 - left / whole) * 10_000) / 10_000;
}
