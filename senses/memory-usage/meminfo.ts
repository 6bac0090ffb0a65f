/** Reads how much memory there is and how much is available, from one source. Used by index.ts. */
import { readSystemFile } from "nerve";

export interface Memory {
  readonly total: number;
  readonly available: number;
  readonly swapTotal: number;
  readonly swapFree: number;
  /** The limit of the container, if there is one and it is less than the machine's memory. */
  readonly limit: number | null;
}

/** The machine's memory, or the container's share. */
export async function readMemory(): Promise<Memory> {
  const machine = await readMachine(), container = await readContainer();
  return container === null ? machine : withinLimit(machine, container);
}

/** Deno takes the total and the available memory from different sources, which may disagree in a container. */
async function readMachine(): Promise<Memory> {
  const text = await readIfThere("/proc/meminfo");
  if (text !== null) return parseMeminfo(text);
  const { total, available, swapTotal, swapFree } = Deno.systemMemoryInfo();
  return { total, available, swapTotal, swapFree, limit: null };
}

/** Throws when the text lacks a figure, or when the figures cannot be true. */
export function parseMeminfo(text: string): Memory {
  const bytes = (name: string): number => {
    const found = new RegExp(`^${name}: *(\\d+) kB$`, "m").exec(text)?.[1];
    if (found === undefined) throw new Error(`/proc/meminfo has no ${name}`);
    return Number(found) * 1024;
  };
  const [total, available] = [bytes("MemTotal"), bytes("MemAvailable")];
  if (total === 0) throw new Error("/proc/meminfo tells no memory at all");
  if (available > total) throw new Error(`/proc/meminfo tells more available memory (${available}) than there is`);
  const [swapTotal, swapFree] = [bytes("SwapTotal"), bytes("SwapFree")];
  // lxcfs reports a used amount from another moment, or below zero: then there is more free swap than swap.
  return { total, available, swapTotal, swapFree: Math.min(swapFree, swapTotal), limit: null };
}

interface Container {
  readonly limit: number;
  /** Without file caches that are given up when memory is needed. */
  readonly used: number;
  readonly swapLimit: number | null;
  readonly swapUsed: number;
}

/** Null outside a container, and in one without a limit. */
async function readContainer(): Promise<Container | null> {
  const root = "/sys/fs/cgroup", old = `${root}/memory`;
  // The root group of a machine has no such file: if it exists, it is the container's.
  const limit = await readNumber(`${root}/memory.max`);
  if (limit !== null) {
    const [current, cached] = [await readNumber(`${root}/memory.current`), await readStat(`${root}/memory.stat`, "")];
    const [swapLimit, swap] = [
      await readNumber(`${root}/memory.swap.max`),
      await readNumber(`${root}/memory.swap.current`),
    ];
    return { limit, used: Math.max(0, (current ?? 0) - cached), swapLimit, swapUsed: swap ?? 0 };
  }
  const oldLimit = await readNumber(`${old}/memory.limit_in_bytes`);
  if (oldLimit === null) return null;
  const current = await readNumber(`${old}/memory.usage_in_bytes`),
    cached = await readStat(`${old}/memory.stat`, "total_");
  return { limit: oldLimit, used: Math.max(0, (current ?? 0) - cached), swapLimit: null, swapUsed: 0 };
}

/** Null for a file that does not exist, and for "max". */
async function readNumber(path: string): Promise<number | null> {
  const text = await readIfThere(path);
  return text === null || !/^\d+$/.test(text.trim()) ? null : Number(text);
}

/** The size of files that have not been used for long: the first that are given up. */
async function readStat(path: string, prefix: string): Promise<number> {
  const text = await readIfThere(path) ?? "";
  return Number(new RegExp(`^${prefix}inactive_file (\\d+)$`, "m").exec(text)?.[1] ?? 0);
}

async function readIfThere(path: string): Promise<string | null> {
  try {
    return await readSystemFile(path);
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return null;
    throw thrown;
  }
}

export function withinLimit(machine: Memory, { limit, used, swapLimit, swapUsed }: Container): Memory {
  if (limit >= machine.total) return machine;
  const swapTotal = swapLimit === null ? machine.swapTotal : Math.min(machine.swapTotal, swapLimit);
  return {
    total: limit,
    available: Math.min(machine.available, Math.max(0, limit - used)),
    swapTotal,
    swapFree: Math.min(machine.swapFree, swapLimit === null ? Infinity : Math.max(0, swapTotal - swapUsed)),
    limit,
  };
}
