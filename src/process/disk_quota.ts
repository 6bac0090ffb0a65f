/** How much the databases of a group hold on disk, and whether that is more than it may. Used by supervisor.ts. */
import { formatSize } from "../base/duration.ts";

export interface DiskQuota {
  readonly limitBytes: number;
  /** Absolute paths of every file that counts; those that are missing hold nothing. */
  readonly files: readonly string[];
}

/** A sentence when it is over its quota, else null. */
export function overQuota(quota: DiskQuota | null): string | null {
  if (quota === null) return null;
  const bytes = quota.files.reduce((sum, file) => sum + sizeOf(file), 0);
  if (bytes <= quota.limitBytes) return null;
  return `has ${formatSize(bytes)} in its databases, over its disk limit of ${formatSize(quota.limitBytes)}: ` +
    "delete rows and vacuum, or raise the limit";
}

function sizeOf(file: string): number {
  try {
    return Deno.statSync(file).size;
  } catch (thrown) {
    // Not made yet, or a journal that has just been removed.
    if (thrown instanceof Deno.errors.NotFound) return 0;
    throw thrown;
  }
}
