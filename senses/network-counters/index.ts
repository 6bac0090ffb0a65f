/**
 * How much each network interface receives and sends, its errors and drops, and whether its link is up: the difference
 * between two samples of the system's counters (interfaces.ts). It can start a workflow when a problem begins.
 */
import { desc } from "drizzle-orm";
import {
  defineSense,
  formatSize,
  type JsonObject,
  option,
  pause,
  prune,
  readConfig,
  type SenseContext,
  type SenseDatabase,
} from "nerve";
import { findNews, tell, type Told } from "../../lib/tell.ts";
import { areComparable, computeRates, type Rates, readIsUp, type Sample, takeSample } from "./interfaces.ts";
import { checks, counters, readings } from "./schema.ts";

export interface NetworkCounters {
  readonly ok: boolean;
  /** The problems, as sentences that begin with the interface; empty when `ok`. */
  readonly problems: readonly string[];
  /** The span over which the rates are averaged. */
  readonly windowMs: number;
  /** How many interfaces are watched; `interfaces` has the first 50. */
  readonly count: number;
  readonly interfaces: readonly Interface[];
}

export interface Interface {
  readonly name: string;
  /** Null where the system does not report it. */
  readonly up: boolean | null;
  /** Null when the interface is new, or its counters began anew. */
  readonly perSecond: Rates | null;
}

/** The time between two samples when there is no usable earlier one. */
const pauseMs = 500;
const interfacesMax = 50, problemsMax = 50, namesMax = 1_000;
/** Fewer errors than these in one span may be chance. */
const errorsMin = 10;

export const { compute } = defineSense({ config: readSettings, compute: observe });

async function observe({ db, signal, config: settings }: SenseContext<Settings>): Promise<Told<NetworkCounters>> {
  let first = readSample(db), second = await takeSample();
  if (!areComparable(first, second)) {
    first = second;
    await pause(pauseMs, signal);
    second = await takeSample();
  }
  const windowMs = Math.max(1, second.uptimeMs - first.uptimeMs);
  const interfaces = await readInterfaces(settings, first, second, windowMs);
  const problems = findProblems(settings, interfaces, windowMs);
  const found: NetworkCounters = {
    ok: problems.length === 0,
    problems: problems.slice(0, problemsMax),
    windowMs,
    count: interfaces.length,
    interfaces: interfaces.slice(0, interfacesMax),
  };
  const wasOk = db.select({ ok: checks.ok }).from(checks).orderBy(desc(checks.id)).limit(1).get()?.ok ?? true;
  store(db, second, found, settings.keep);
  return tell(found, { ...settings, wasOk, news: findNews("the network", wasOk, problems) });
}

type Settings = ReturnType<typeof readSettings>;

function readSettings(config: JsonObject) {
  const settings = readConfig(config, {
    interfaces: option.list({ fallback: ["*"], max: 50 }),
    ignore: option.list({ fallback: ["lo", "veth*"], max: 50 }),
    required: option.list({ fallback: [], max: 50 }),
    max_received: option.size(null),
    max_sent: option.size(null),
    max_errors: option.number(0.01, { min: 0, max: 1 }),
    max_drops: option.number(null, { min: 0, max: 1 }),
    workflow: option.text(null),
    always: option.flag(true),
    keep: option.duration("30d"),
  });
  const isWatched = (name: string) =>
    settings.required.includes(name) ||
    settings.interfaces.some((pattern) => fits(pattern, name)) && !settings.ignore.some((each) => fits(each, name));
  return { ...settings, isWatched };
}

/** `*` stands for any characters. */
function fits(pattern: string, name: string): boolean {
  const escaped = pattern.replaceAll(/[.+^${}()|[\]\\?]/g, "\\$&");
  return new RegExp(`^${escaped.replaceAll(/\*+/g, ".*")}$`, "su").test(name);
}

async function readInterfaces(
  { isWatched }: Settings,
  first: Sample,
  second: Sample,
  windowMs: number,
): Promise<Interface[]> {
  const before = new Map(first.interfaces.map((each) => [each.name, each])), found: Interface[] = [];
  for (const now of second.interfaces.filter(({ name }) => isWatched(name)).slice(0, namesMax)) {
    const perSecond = computeRates(before.get(now.name), now, windowMs);
    found.push({ name: now.name, up: await readIsUp(now.name), perSecond });
  }
  return found;
}

function findProblems(settings: Settings, interfaces: readonly Interface[], windowMs: number): string[] {
  const { max_received, max_sent, required } = settings, problems: string[] = [];
  for (const name of required) {
    const found = interfaces.find((each) => each.name === name);
    if (found === undefined) problems.push(`${name}: there is no such interface`);
    else if (found.up === false) problems.push(`${name}: its link is down`);
  }
  for (const { name, perSecond } of interfaces) {
    if (perSecond === null) continue;
    const over = (bytes: number, most: number | null, what: string) => {
      if (most === null || bytes <= most) return;
      problems.push(`${name}: ${what} ${formatSize(Math.round(bytes))} a second, more than ${formatSize(most)}`);
    };
    over(perSecond.receivedBytes, max_received, "receives");
    over(perSecond.sentBytes, max_sent, "sends");
    const packets = perSecond.receivedPackets + perSecond.sentPackets;
    const share = (bad: number, most: number | null, what: string) => {
      if (most === null || bad * windowMs < errorsMin * 1_000) return;
      const part = bad / (packets + bad);
      if (part > most) problems.push(`${name}: ${(part * 100).toFixed(1)}% of its packets ${what}`);
    };
    share(perSecond.errors, settings.max_errors, "have errors");
    share(perSecond.drops, settings.max_drops, "are dropped");
  }
  return problems;
}

function readSample(db: SenseDatabase): Sample | null {
  const rows = db.select().from(counters).all(), [one] = rows;
  return one === undefined ? null : { ts: one.ts.getTime(), uptimeMs: one.uptimeMs, interfaces: rows };
}

function store(db: SenseDatabase, sample: Sample, found: NetworkCounters, keep: number): void {
  const ts = new Date(sample.ts), { uptimeMs } = sample;
  db.transaction((tx) => {
    tx.insert(checks).values({ ts, ok: found.ok, problems: [...found.problems] }).run();
    for (const { name, up, perSecond } of found.interfaces) {
      if (perSecond !== null) tx.insert(readings).values({ ts, name, up, ...perSecond }).run();
    }
    prune(tx, checks, checks.ts, keep);
    prune(tx, readings, readings.ts, keep);
    tx.delete(counters).run();
    for (const each of sample.interfaces.slice(0, namesMax)) {
      // An alias may be listed twice.
      tx.insert(counters).values({ ts, uptimeMs, ...each }).onConflictDoNothing().run();
    }
  });
}
