/**
 * Reads the load averages and the pressure that the system reports: how long tasks waited for a processor, for memory,
 * for a disk (PSI). Used by index.ts.
 */
import { readSystemFile } from "nerve";

/** Shares of the time, 0 to 1, over the last 10, 60 and 300 seconds. */
export type Shares = readonly [number, number, number];

export interface Stall {
  /** At least one task waited. */
  readonly some: Shares;
  /** All tasks waited at once. Null where that means nothing, as for a machine's processors, and on old systems. */
  readonly full: Shares | null;
}

export interface Pressure {
  /** `group`: the pressure of the control group at the root, which in a container is the container's own. */
  readonly of: "group" | "machine";
  readonly cpu: Stall;
  readonly memory: Stall;
  readonly io: Stall;
}

/** The pressure, or the reason why the system reports none. */
export async function readPressure(): Promise<Pressure | string> {
  const group = await readAll((name) => `/sys/fs/cgroup/${name}.pressure`, "group");
  return typeof group === "string" ? await readAll((name) => `/proc/pressure/${name}`, "machine") : group;
}

async function readAll(pathOf: (name: string) => string, of: Pressure["of"]): Promise<Pressure | string> {
  const texts = await Promise.all(["cpu", "memory", "io"].map((name) => readIfTold(pathOf(name))));
  const missing = texts.find((text) => text.why !== null);
  if (missing !== undefined) return missing.why;
  const [cpu, memory, io] = texts.map(({ text }) => parsePressure(text ?? ""));
  if (cpu === undefined || memory === undefined || io === undefined) {
    throw new Error("nerve bug: three files were read");
  }
  // For the processors of a whole machine it is always 0: some task is running on them.
  return { of, cpu: of === "machine" ? { ...cpu, full: null } : cpu, memory, io };
}

type Told = { readonly text: string; readonly why: null } | { readonly text: null; readonly why: string };

async function readIfTold(path: string): Promise<Told> {
  try {
    return { text: await readSystemFile(path), why: null };
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) {
      return { text: null, why: `there is no ${path}: its Linux is older than 4.20, or was built without PSI` };
    }
    if (isNotSupported(thrown)) {
      return { text: null, why: `${path} is switched off: start Linux with psi=1` };
    }
    throw thrown;
  }
}

/** Where PSI is built in but switched off, the files exist and cannot be read (EOPNOTSUPP). */
export function isNotSupported(thrown: unknown): boolean {
  return thrown instanceof Error && /\bos error 95\b|operation not supported/i.test(thrown.message);
}

/** Throws when the text has no line `some`. Before Linux 5.13 processors have no line `full`. */
export function parsePressure(text: string): Stall {
  const some = parseLine(text, "some");
  if (some === null) throw new Error(`the pressure is told in an unknown form: ${text.slice(0, 100)}`);
  return { some, full: parseLine(text, "full") };
}

function parseLine(text: string, kind: string): Shares | null {
  const found = new RegExp(`^${kind} avg10=([\\d.]+) avg60=([\\d.]+) avg300=([\\d.]+)`, "m").exec(text);
  if (found === null) return null;
  const [, ten, sixty, threeHundred] = found.map((percent) => Math.round(Number(percent) * 100) / 10_000);
  return [ten ?? NaN, sixty ?? NaN, threeHundred ?? NaN];
}

export interface Load {
  /** Load averages over 1, 5 and 15 minutes. */
  readonly load: readonly [number, number, number];
  readonly cpus: number;
}

/** Reads both files from the same place: /proc in a container may describe the container, or the machine. */
export async function readLoad(): Promise<Load> {
  try {
    return parseLoad(await readSystemFile("/proc/loadavg"), await readSystemFile("/proc/stat"));
  } catch (thrown) {
    if (!(thrown instanceof Deno.errors.NotFound)) throw thrown;
    // A system without /proc.
    const [one = 0, five = 0, fifteen = 0] = Deno.loadavg();
    return { load: [one, five, fifteen], cpus: navigator.hardwareConcurrency };
  }
}

export function parseLoad(loadavg: string, stat: string): Load {
  const [, one, five, fifteen] = /^([\d.]+) ([\d.]+) ([\d.]+) /.exec(loadavg) ?? [];
  const cpus = stat.match(/^cpu\d+ /gm)?.length ?? 0;
  if (fifteen === undefined || cpus === 0) throw new Error(`/proc/loadavg says "${loadavg.slice(0, 100).trim()}"`);
  return { load: [Number(one), Number(five), Number(fifteen)], cpus };
}
