/**
 * How busy the processors were since the last compute: the difference between two samples of the operating system's
 * counters, which also show how much time passed (counters.ts).
 */
import {
  defineSense,
  type JsonObject,
  option,
  pause,
  prune,
  readConfig,
  type SenseContext,
  type SenseDatabase,
} from "nerve";
import { areComparable, computeShares, type Sample, takeSample } from "./counters.ts";
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

/** The time between two samples when there is no usable earlier one. */
const pauseMs = 500;

type Settings = ReturnType<typeof readSettings>;

function readSettings(config: JsonObject) {
  return readConfig(config, {
    threshold: option.number(null, { min: 0, max: 1 }),
    keep: option.duration("30d"),
  });
}

export const { compute } = defineSense({ config: readSettings, compute: observe });

async function observe({ db, signal, config: settings }: SenseContext<Settings>): Promise<CpuUsage | null> {
  const { threshold, keep } = settings;
  let first = readLastSample(db), second = await takeSample();
  if (!areComparable(first, second)) {
    first = second;
    await pause(pauseMs, signal);
    second = await takeSample();
  }
  const [load1 = 0, load5 = 0, load15 = 0] = Deno.loadavg();
  const { used, cores, windowMs } = computeShares(first, second);
  const usage: CpuUsage = { used, cores, load: [load1, load5, load15], windowMs };
  db.transaction((tx) => {
    tx.insert(readings).values({ ts: new Date(second.ts), ...usage, cores: [...usage.cores], load1, load5, load15 })
      .run();
    prune(tx, readings, readings.ts, keep);
    tx.delete(counters).run();
    tx.insert(counters).values(second.cores.map((each) => ({ ts: new Date(second.ts), ...each }))).run();
  });
  return threshold !== null && usage.used < threshold ? null : usage;
}

function readLastSample(db: SenseDatabase): Sample {
  const rows = db.select().from(counters).orderBy(counters.core).all();
  return { ts: rows[0]?.ts.getTime() ?? 0, cores: rows };
}
