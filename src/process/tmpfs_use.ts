/**
 * Measures files that a unit keeps in memory: files in a file system such as /dev/shm take memory of the machine that
 * no process shows as its own. Used by memory_watch.ts. Reads /proc; without it nothing is found.
 * I1. What was there when the kernel first checked is not the unit's.
 * I2. A check yields to the event loop, and ends after `entriesMax` files.
 */
import { basename, dirname, join } from "node:path";
import { isGoneProcess, isMissing } from "../base/if_present.ts";
import { quotaDescriptorsMax } from "../base/limits.ts";

const entriesMax = 100_000, entriesPerTurn = 200, blockBytes = 512;
/** What the system keeps for each file, however small. */
const entryBytes = 1_024;

/** What each place held at first. Kept for the kernel's life: a unit ended for its use does not restart from zero. */
const heldAtFirst = new Map<string, number>();

/**
 * How many bytes these paths have gained in memory, including removed files that the process has open. Null: none of
 * the paths is in memory, as is usual.
 */
export async function measureTmpfs(written: readonly string[], pid: number): Promise<number | null> {
  const mounts = listMemoryMounts();
  const places = [...new Set(written.flatMap((path) => findPlaces(path, mounts)))], devices = new Set<number>();
  if (places.length === 0) return null;
  let gained = 0;
  for (const place of places) {
    const held = await measurePlace(place, devices), first = heldAtFirst.get(place) ?? held;
    // Files that others removed are no credit.
    heldAtFirst.set(place, Math.min(first, held));
    gained += held - Math.min(first, held);
  }
  return gained + countRemoved(pid, devices);
}

/** Where file systems in memory are mounted. */
function listMemoryMounts(): string[] {
  const text = readIfThere(() => Deno.readTextFileSync("/proc/self/mountinfo")) ?? "";
  return text.split("\n").flatMap((line) => {
    const [before = "", after = ""] = line.split(" - "), [type = ""] = after.split(" ");
    const path = before.split(" ")[4];
    return path === undefined || (type !== "tmpfs" && type !== "ramfs") ? [] : [path.replaceAll("\\040", " ")];
  });
}

/** The path itself if it is in memory, and mounts below it. */
function findPlaces(path: string, mounts: readonly string[]): string[] {
  const real = resolveExisting(path);
  const isWithin = (folder: string, each: string) => each === folder || each.startsWith(`${folder}/`);
  const below = mounts.filter((mount) => mount !== real && isWithin(real, mount));
  return mounts.some((mount) => isWithin(mount, real)) && isMemory(real, mounts) ? [real, ...below] : below;
}

/** The real path; for a missing path, below the real path of its nearest existing folder. */
function resolveExisting(path: string): string {
  const real = readIfThere(() => Deno.realPathSync(path));
  return real ?? (dirname(path) === path ? path : join(resolveExisting(dirname(path)), basename(path)));
}

/** Another file system may be mounted in between. */
function isMemory(path: string, mounts: readonly string[]): boolean {
  const device = readIfThere(() => Deno.statSync(path).dev);
  if (device === null) return dirname(path) !== path && isMemory(dirname(path), mounts);
  return mounts.some((mount) => readIfThere(() => Deno.statSync(mount).dev) === device);
}

async function measurePlace(place: string, devices: Set<number>): Promise<number> {
  const waiting = [place];
  let bytes = 0, seen = 0;
  for (let path = waiting.pop(); path !== undefined && seen < entriesMax; path = waiting.pop()) {
    const each = path, info = readIfThere(() => Deno.lstatSync(each));
    if (info === null) continue;
    if (seen === 0) devices.add(info.dev);
    else if (!devices.has(info.dev)) continue;
    bytes += (info.blocks ?? 0) * blockBytes + entryBytes;
    if (info.isDirectory) {
      for (const { name } of readIfThere(() => [...Deno.readDirSync(each)]) ?? []) waiting.push(join(each, name));
    }
    if (++seen % entriesPerTurn === 0) await new Promise<void>((resolve) => setImmediate(resolve));
  }
  return bytes;
}

function countRemoved(pid: number, devices: ReadonlySet<number>): number {
  const folder = `/proc/${pid}/fd`;
  if ((readIfThere(() => Deno.statSync(folder))?.size ?? 0) > quotaDescriptorsMax) return 0;
  const names = readIfThere(() => [...Deno.readDirSync(folder)].map(({ name }) => name)) ?? [];
  return names.reduce((bytes, name) => {
    const file = readIfThere(() => Deno.statSync(`${folder}/${name}`));
    const counts = file !== null && file.isFile && file.nlink === 0 && devices.has(file.dev);
    return counts ? bytes + (file.blocks ?? 0) * blockBytes : bytes;
  }, 0);
}

/** Null: it is gone, was never there, or may not be read. */
function readIfThere<T>(read: () => T): T | null {
  try {
    return read();
  } catch (thrown) {
    if (isMissing(thrown) || isGoneProcess(thrown) || thrown instanceof Deno.errors.PermissionDenied) return null;
    throw thrown;
  }
}
