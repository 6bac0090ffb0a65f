/**
 * What has changed in a folder since the last look. Used by index.ts. Pure: index.ts stores what it returns.
 * I1. A file is told once it has settled: it has not changed for a while.
 * I2. Each settled state of a file is told once.
 */
import type { FoundFile } from "./listing.ts";

/** What is remembered of a file. */
export interface KnownFile extends FoundFile {
  /** When it was first seen in this state. */
  readonly sinceMs: number;
  /** Whether this state was told, or was there at the first look. */
  readonly told: boolean;
  /** Whether an earlier state was. */
  readonly toldBefore: boolean;
}

export interface Changes {
  readonly added: readonly string[];
  readonly changed: readonly string[];
  readonly removed: readonly string[];
  /** Files that have not settled yet. */
  readonly growing: number;
  /** What is to be remembered: all files, as they are now. What has not changed is the same object as before. */
  readonly known: readonly KnownFile[];
}

/** `isFirst`: nothing is told, all that is there is known. */
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
    // A clock that was set back does not make it wait for longer than once more.
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
  // What was never told is not missed.
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
