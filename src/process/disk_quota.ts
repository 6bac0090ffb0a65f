/**
 * Measures the databases of a group against its disk limit. Used by unit_supervisor.ts before a process starts and by
 * memory_watch.ts while it runs.
 * I1. Hidden use counts too: a removed file that is still open (such as SQLite's temporary tables), and a folder in
 *     place of a database.
 * I2. Readers do not cost a group its quota: a -wal file that another process keeps from being emptied does not count
 *     meanwhile, nor until its owner has had the time to empty it (sandbox/sense_runtime.ts).
 */
import { walExcusedMaxBytes, walExcusedMs } from "../base/database_limits.ts";
import { formatSize } from "../base/duration.ts";
import { isGoneProcess } from "../base/if_present.ts";
import { quotaDescriptorsMax } from "../base/limits.ts";

export interface DiskQuota {
  readonly limitBytes: number;
  /** Absolute paths of every file that counts. A missing file counts as empty. */
  readonly files: readonly string[];
}

/** The process that is measured, and when. */
export interface Measurement {
  /** The group's process; null when there is none. */
  readonly pid: number | null;
  /** Monotonic time. */
  readonly now: number;
  /** The process is about to start, and may then empty its -wal files. */
  readonly starting?: boolean;
}

/** Until when the -wal files of a group do not count. */
const excused = new WeakMap<DiskQuota, number>();

/** How the group exceeds its quota; null when it does not. */
export function findQuotaFault(quota: DiskQuota | null, { pid, now, starting = false }: Measurement): string | null {
  if (quota === null) return null;
  let bytes = 0, walBytes = 0;
  for (const file of quota.files) {
    const found = tryStat(file);
    if (found?.isDirectory === true) {
      return `has a folder in place of a database file, which its disk limit cannot measure: remove ${file}`;
    }
    bytes += found?.size ?? 0;
    if (file.endsWith("-wal")) walBytes += found?.size ?? 0;
  }
  if (pid !== null) {
    const removed = countRemovedBytes(pid);
    if (removed === null) {
      return `has more than ${quotaDescriptorsMax} files open, too many to measure its disk limit`;
    }
    bytes += removed;
  }
  if (bytes <= quota.limitBytes) return null;
  if (bytes - Math.min(walBytes, walExcusedMaxBytes) <= quota.limitBytes) {
    if (starting || isReadByOthers(quota, pid)) excused.set(quota, now + walExcusedMs);
    if (now < (excused.get(quota) ?? -Infinity)) return null;
  }
  return `has ${formatSize(bytes)} in its databases, over its disk limit of ${formatSize(quota.limitBytes)}: ` +
    "delete rows and vacuum, or raise the limit";
}

/** The bytes of a -shm file that readers of the -wal file lock (SQLite's WAL_READ_LOCK). */
const readLocks = { first: 123, last: 127 } as const;

/** Whether a process other than `owner` is reading one of the databases. */
function isReadByOthers({ files }: DiskQuota, owner: number | null): boolean {
  const shared = new Set(files.filter((file) => file.endsWith("-shm")).map((file) => `${tryStat(file)?.ino}`));
  return readLines("/proc/locks").some((line) => {
    const [, how, , kind, pid, file = "", from, to] = line.split(/\s+/);
    return how === "POSIX" && kind === "READ" && pid !== `${owner}` && shared.has(file.split(":")[2] ?? "") &&
      Number(from) <= readLocks.last && Number(to) >= readLocks.first;
  });
}

/** Empty on a system without that file. */
function readLines(file: string): string[] {
  try {
    return Deno.readTextFileSync(file).split("\n");
  } catch (thrown) {
    if (isGone(thrown)) return [];
    throw thrown;
  }
}

/** Bytes of files that are removed but still open in the process; null when it has too many files open to check. */
function countRemovedBytes(pid: number): number | null {
  const folder = `/proc/${pid}/fd`;
  // The folder's size is the number of descriptors since Linux 6.2, and 0 before.
  if ((tryStat(folder)?.size ?? 0) > quotaDescriptorsMax) return null;
  let bytes = 0;
  for (const name of listNames(folder)) {
    const file = tryStat(`${folder}/${name}`);
    if (file?.isFile === true && file.nlink === 0) bytes += file.size;
  }
  return bytes;
}

function listNames(folder: string): string[] {
  try {
    return [...Deno.readDirSync(folder)].map(({ name }) => name);
  } catch (thrown) {
    if (isGone(thrown)) return [];
    throw thrown;
  }
}

function tryStat(file: string): Deno.FileInfo | null {
  try {
    return Deno.statSync(file);
  } catch (thrown) {
    if (isGone(thrown)) return null;
    throw thrown;
  }
}

/** The file does not exist yet, a journal was just removed, the process has exited, or the system has no /proc. */
function isGone(thrown: unknown): boolean {
  return isGoneProcess(thrown);
}
