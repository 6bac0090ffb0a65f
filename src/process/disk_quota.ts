/**
 * How much the databases of a group hold on disk, and whether that is more than it may. Used by supervisor.ts before a
 * process starts and by memory_watch.ts while it runs.
 * I1. What a process hides counts as well: a file that it has removed and still holds open (temporary tables of SQLite
 *     are such files), and a folder under the name of a database.
 */
import { formatSize } from "../base/duration.ts";
import { isGoneProcess } from "../base/if_present.ts";
import { quotaDescriptorsMax } from "../base/limits.ts";

export interface DiskQuota {
  readonly limitBytes: number;
  /** Absolute paths of every file that counts; those that are missing hold nothing. */
  readonly files: readonly string[];
}

/** A sentence when it is over its quota, else null. `pid`: its process, or null when there is none. */
export function overQuota(quota: DiskQuota | null, pid: number | null): string | null {
  if (quota === null) return null;
  let bytes = 0;
  for (const file of quota.files) {
    const found = statOrNull(file);
    if (found?.isDirectory === true) {
      return `has a folder where a file of its database belongs, which its disk limit cannot measure: remove ${file}`;
    }
    bytes += found?.size ?? 0;
  }
  if (pid !== null) {
    const removed = removedBytes(pid);
    if (removed === null) {
      return `has more than ${quotaDescriptorsMax} files open, too many for its disk limit to be measured`;
    }
    bytes += removed;
  }
  if (bytes <= quota.limitBytes) return null;
  return `has ${formatSize(bytes)} in its databases, over its disk limit of ${formatSize(quota.limitBytes)}: ` +
    "delete rows and vacuum, or raise the limit";
}

/** Bytes of files that the process holds open and that have no name any more; null: it has too many open to look at. */
function removedBytes(pid: number): number | null {
  const folder = `/proc/${pid}/fd`;
  // Its size is the number of descriptors (Linux 6.2), 0 before.
  if ((statOrNull(folder)?.size ?? 0) > quotaDescriptorsMax) return null;
  let bytes = 0;
  for (const name of namesIn(folder)) {
    const file = statOrNull(`${folder}/${name}`);
    if (file?.isFile === true && file.nlink === 0) bytes += file.size;
  }
  return bytes;
}

function namesIn(folder: string): string[] {
  try {
    return [...Deno.readDirSync(folder)].map(({ name }) => name);
  } catch (thrown) {
    if (isGone(thrown)) return [];
    throw thrown;
  }
}

function statOrNull(file: string): Deno.FileInfo | null {
  try {
    return Deno.statSync(file);
  } catch (thrown) {
    if (isGone(thrown)) return null;
    throw thrown;
  }
}

/** Not made yet, a journal that has just been removed, a process that has ended, or no /proc on this system. */
function isGone(thrown: unknown): boolean {
  return isGoneProcess(thrown);
}
