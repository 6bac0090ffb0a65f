/**
 * Checks whether the machine is overloaded: its load for each processor, and the pressure on processors, memory and
 * disks. It can start a workflow when a limit is first exceeded.
 */
import { desc } from "drizzle-orm";
import { defineSense, type JsonObject, option, prune, readConfig, type SenseContext, type SenseDatabase } from "nerve";
import { findNews, tell, type Told } from "../../lib/tell.ts";
import { type Load, type Pressure, readLoad, readPressure } from "./pressure.ts";
import { readings } from "./schema.ts";

export interface LoadReading extends Load {
  readonly ok: boolean;
  /** The problems, as sentences; empty when `ok`. */
  readonly problems: readonly string[];
  /** `load` for each processor. */
  readonly perCpu: readonly [number, number, number];
  /** Null where the system reports none. */
  readonly pressure: Pressure | null;
  /** Why there is no pressure; null when there is. */
  readonly noPressure: string | null;
}

export const { compute } = defineSense({ config: readSettings, compute: observe });

async function observe({ db, config: settings, log }: SenseContext<Settings>): Promise<Told<LoadReading>> {
  const load = await readLoad(), pressure = await readPressure();
  const perCpu = toThree(load.load.map((each) => Math.round((each / load.cpus) * 100) / 100));
  const problems = findProblems(settings, load, pressure);
  const told = typeof pressure === "string" ? { pressure: null, noPressure: pressure } : { pressure, noPressure: null };
  const reading: LoadReading = { ok: problems.length === 0, problems, ...load, perCpu, ...told };
  const last = readLast(db), wasOk = last?.ok ?? true;
  if (last === undefined && told.noPressure !== null) log("warn", `no pressure is reported: ${told.noPressure}`);
  store(db, reading, settings.keep);
  return tell(reading, { ...settings, wasOk, news: findNews("the machine", wasOk, problems) });
}

type Settings = ReturnType<typeof readSettings>;

function readSettings(config: JsonObject) {
  return readConfig(config, {
    max_load: option.number(2, { min: 0 }),
    max_cpu_pressure: option.number(null, { min: 0, max: 1 }),
    max_memory_pressure: option.number(null, { min: 0, max: 1 }),
    max_io_pressure: option.number(null, { min: 0, max: 1 }),
    workflow: option.text(null),
    always: option.flag(true),
    keep: option.duration("30d"),
  });
}

function findProblems(settings: Settings, { load, cpus }: Load, pressure: Pressure | string): string[] {
  const problems: string[] = [], each = load[1] / cpus;
  if (each > settings.max_load) {
    problems.push(`the load of 5 minutes is ${each.toFixed(2)} for each processor, more than ${settings.max_load}`);
  }
  const limits = { cpu: settings.max_cpu_pressure, memory: settings.max_memory_pressure, io: settings.max_io_pressure };
  const names = { cpu: "a processor", memory: "memory", io: "a disk" };
  for (const kind of ["cpu", "memory", "io"] as const) {
    const limit = limits[kind];
    if (limit === null) continue;
    // A limit that cannot be watched must not look as if it were met.
    if (typeof pressure === "string") problems.push(`whether tasks wait for ${names[kind]} is not told: ${pressure}`);
    else if (pressure[kind].some[1] > limit) {
      const share = (value: number) => `${Math.round(value * 1_000) / 10}%`;
      const waited = `in ${share(pressure[kind].some[1])} of the last minute tasks waited for ${names[kind]}`;
      problems.push(`${waited}, more than ${share(limit)}`);
    }
  }
  return problems;
}

function toThree([one = NaN, two = NaN, three = NaN]: readonly number[]): readonly [number, number, number] {
  return [one, two, three];
}

function readLast(db: SenseDatabase): { readonly ok: boolean } | undefined {
  return db.select({ ok: readings.ok }).from(readings).orderBy(desc(readings.id)).limit(1).get();
}

function store(db: SenseDatabase, { ok, problems, load, cpus, pressure }: LoadReading, keep: number): void {
  const [load1, load5, load15] = load;
  db.insert(readings).values({
    ts: new Date(),
    ...{ ok, load1, load5, load15, cpus },
    cpuPressure: pressure?.cpu.some[1] ?? null,
    memoryPressure: pressure?.memory.some[1] ?? null,
    ioPressure: pressure?.io.some[1] ?? null,
    problems: [...problems],
  }).run();
  prune(db, readings, readings.ts, keep);
}
