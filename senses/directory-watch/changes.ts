/**
 * Finds what has changed in a folder since the last compute. Used by index.ts. Pure: index.ts stores the result.
 * I1. A file is reported once it has settled: it has not changed for a while.
 * I2. Each settled state of a file is reported once.
 */
import type { FoundFile } from "./listing.ts";

/** What is remembered about a file. */
export interface KnownFile extends FoundFile {
  /** When it was first seen in this state. */
  readonly sinceMs: number;
  /** Whether this state was reported, or existed at the first compute. */
  readonly told: boolean;
  /** Whether an earlier state was reported. */
  readonly toldBefore: boolean;
}

export interface Changes {
  readonly added: readonly string[];
  readonly changed: readonly string[];
  readonly removed: readonly string[];
  /** Files that have not settled yet. */
  readonly growing: number;
  /** What to remember: all files, as they are now. The object of a file that has not changed is the same as before. */
  readonly known: readonly KnownFile[];
}

/** `isFirst`: nothing is reported, and every file counts as known. */
export function findChanges(
  before: ReadonlyMap<string, KnownFile>,
  now: readonly FoundFile[],
  { nowMs, settleMs, isFirst }: { readonly nowMs: number; readonly settleMs: number; readonly isFirst: boolean },
): Changes {
  const added: string[] = [], changed: string[] = [], known: KnownFile[] = [], there = new Set<string>();
  let growing = 0;
  for (const file of now) {
    there.add(file.path);
    const state = toState(before.get(file.path), file, nowMs);
    // If the clock was set back, the file waits for the settling time once more, but not longer.
    const isSettled = nowMs - Math.min(state.sinceMs, nowMs) >= settleMs || settleMs === 0;
    if (state.told) known.push(state);
    else if (isFirst) known.push({ ...state, told: true, toldBefore: true });
    else if (!isSettled) {
      growing++;
      known.push(state.sinceMs <= nowMs ? state : { ...state, sinceMs: nowMs });
    } else {
      (state.toldBefore ? changed : added).push(file.path);
      known.push({ ...state, told: true, toldBefore: true });
    }
  }
  // A file that was never reported is not reported as removed.
  const removed = [...before.values()].filter(({ path, toldBefore }) => toldBefore && !there.has(path))
    .map(({ path }) => path);
  return { added: added.sort(), changed: changed.sort(), removed: removed.sort(), growing, known };
}

function toState(before: KnownFile | undefined, file: FoundFile, nowMs: number): KnownFile {
  const isSame = before !== undefined && before.bytes === file.bytes && before.modifiedMs === file.modifiedMs &&
    before.inode === file.inode;
  if (isSame) return before;
  return { ...file, sinceMs: nowMs, told: false, toldBefore: before?.toldBefore ?? false };
}
