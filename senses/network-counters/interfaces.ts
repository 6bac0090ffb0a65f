/**
 * Reads the counters of each network interface and compares two readings. Used by index.ts.
 * I1. The time between two readings comes from the system's uptime, never from the wall clock.
 * I2. A counter that went back gives no rate, unless it clearly wrapped around.
 */
import { readSystemFile } from "nerve";

/** The counters of one interface since it was created. */
export interface Counters {
  readonly name: string;
  /** A number that no other interface has had since the machine was started; null where it is not known. */
  readonly index: number | null;
  readonly receivedBytes: number;
  readonly receivedPackets: number;
  readonly receivedErrors: number;
  readonly receivedDrops: number;
  readonly sentBytes: number;
  readonly sentPackets: number;
  readonly sentErrors: number;
  readonly sentDrops: number;
}

export interface Sample {
  /** Wall time: it may be set, so no duration is computed from it. */
  readonly ts: number;
  /** Since the machine was started, sleep included. */
  readonly uptimeMs: number;
  readonly interfaces: readonly Counters[];
}

/** Rates per second. */
export interface Rates {
  readonly receivedBytes: number;
  readonly sentBytes: number;
  readonly receivedPackets: number;
  readonly sentPackets: number;
  /** In both directions. */
  readonly errors: number;
  readonly drops: number;
}

/** A longer span would hide what happens now; in a shorter one the 10 ms steps of the uptime show. */
const windowMaxMs = 60 * 60_000, windowMinMs = 250;
/** How much wall time and uptime may differ in normal operation. */
const driftMaxMs = 3_000, driftMaxShare = 0.2;

export async function takeSample(): Promise<Sample> {
  const [text, uptime] = [await readSystemFile("/proc/net/dev"), await readSystemFile("/proc/uptime")];
  const found = parseCounters(text), all: Counters[] = [];
  for (const each of found) all.push({ ...each, index: await readNumber(each.name, "ifindex") });
  return { ts: Date.now(), uptimeMs: parseUptime(uptime), interfaces: all };
}

export function parseUptime(text: string): number {
  const seconds = Number(/^(\d+\.\d+) /.exec(text)?.[1] ?? NaN);
  if (Number.isNaN(seconds)) throw new Error(`/proc/uptime says "${text.slice(0, 100)}"`);
  return Math.round(seconds * 1_000);
}

/**
 * A name may contain colons, as aliases do (`eth0:1`), and the first number may follow its colon directly: the last
 * colon of a line ends the name.
 */
export function parseCounters(text: string): Omit<Counters, "index">[] {
  return [...text.matchAll(/^\s*(\S.*):\s*(\d[\d\s]*)$/gm)].map(([, name = "", numbers = ""]) => {
    const fields = numbers.trim().split(/\s+/).map(Number);
    if (fields.length < 16) throw new Error(`/proc/net/dev has ${fields.length} numbers for ${name}, not 16`);
    const [receivedBytes = 0, receivedPackets = 0, receivedErrors = 0, receivedDrops = 0] = fields;
    const [sentBytes = 0, sentPackets = 0, sentErrors = 0, sentDrops = 0] = fields.slice(8);
    return {
      name,
      ...{ receivedBytes, receivedPackets, receivedErrors, receivedDrops },
      ...{ sentBytes, sentPackets, sentErrors, sentDrops },
    };
  });
}

/** Whether it can send and receive: the state is `up`, or `unknown` for interfaces without such a state. */
export async function readIsUp(name: string): Promise<boolean | null> {
  const state = (await readOf(name, "operstate"))?.trim() ?? null;
  return state === null ? null : state === "up" || state === "unknown";
}

async function readNumber(name: string, file: string): Promise<number | null> {
  const text = await readOf(name, file);
  return text === null || !/^\d+\s*$/.test(text) ? null : Number(text);
}

/** Null when the interface no longer exists, and for an alias, which has no entry of its own. */
async function readOf(name: string, file: string): Promise<string | null> {
  if (name.includes("/") || name === "." || name === "..") return null;
  try {
    return await readSystemFile(`/sys/class/net/${name}/${file}`);
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound || isGone(thrown)) return null;
    throw thrown;
  }
}

/** Whether an interface vanished while it was read: no such device, invalid argument. */
function isGone(thrown: unknown): boolean {
  return thrown instanceof Error && /\bos error (?:19|22)\b/.test(thrown.message);
}

/**
 * False when the first sample is missing, too old, too recent, or from before the machine was started; also when the
 * wall clock disagrees with the uptime: the clock was set, or the uptime is from another start.
 */
export function areComparable(first: Sample | null, second: Sample): first is Sample {
  if (first === null) return false;
  const windowMs = second.uptimeMs - first.uptimeMs, drift = Math.abs(second.ts - first.ts - windowMs);
  return windowMs >= windowMinMs && windowMs <= windowMaxMs && drift <= driftMaxMs + windowMs * driftMaxShare;
}

/** Null when the rates are unknown: the interface is new or another one, or its counters began anew. */
export function computeRates(before: Counters | undefined, now: Counters, windowMs: number): Rates | null {
  if (before === undefined || before.index !== now.index) return null;
  const keys = [
    "receivedBytes",
    "receivedPackets",
    "sentBytes",
    "sentPackets",
    "receivedErrors",
    "sentErrors",
  ] as const;
  const wentBack = keys.filter((key) => now[key] < before[key]);
  // Counters wrap around one at a time. Where several are smaller, all began anew.
  if (wentBack.length > 1) return null;
  const grown: Record<string, number> = {};
  for (const key of [...keys, "receivedDrops", "sentDrops"] as const) {
    const by = growth(before[key], now[key]);
    if (by === null) return null;
    grown[key] = by;
  }
  const rate = (...names: (keyof Counters)[]) => {
    return Math.round((names.reduce((sum, name) => sum + (grown[name] ?? 0), 0) / windowMs) * 100_000) / 100;
  };
  return {
    receivedBytes: rate("receivedBytes"),
    sentBytes: rate("sentBytes"),
    receivedPackets: rate("receivedPackets"),
    sentPackets: rate("sentPackets"),
    errors: rate("receivedErrors", "sentErrors"),
    drops: rate("receivedDrops", "sentDrops"),
  };
}

/** Counters of some drivers, and of 32-bit systems, wrap around at 2^32. */
const around = 2 ** 32;

function growth(before: number, now: number): number | null {
  if (now >= before) return now - before;
  const isAround = before < around && before >= around / 2 && now < around / 2;
  return isAround ? now + around - before : null;
}
