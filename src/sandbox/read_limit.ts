/**
 * Bounds how long one read of another sense's database may take: during the read, SQLite holds a read transaction, and
 * the database's -wal file grows. A running statement cannot be interrupted from its own thread, so the worker counts
 * its reads in memory that it shares with the shim, and the shim ends the process. Used by peers.ts and shim.ts.
 */
import { systemClock } from "../base/clock.ts";
import { peerReadLookMs, peerReadMaxMs } from "../base/database_limits.ts";
import { formatDuration } from "../base/duration.ts";

/** The worker's side. `begin` and `end` enclose each read. */
export interface ReadLimit {
  begin(): void;
  end(): void;
}

/** The message that the worker sends to the shim before its first read. */
export const readsBegin = "reads begin";

const { add } = Atomics;

/** `reads` is shared with the shim: odd during a read. */
export function createReadLimit(reads: Int32Array, tellShim: (text: string) => void): ReadLimit {
  let reported = false;
  return {
    begin() {
      if (!reported) tellShim(readsBegin);
      reported = true;
      add(reads, 0, 1);
    },
    end: () => void add(reads, 0, 1),
  };
}

/** The shim's side: calls `onOver` when one read takes too long. Call it once. */
export function watchReads(reads: Int32Array, onOver: (message: string) => void): void {
  let last = 0, since = systemClock.monotonic();
  const look = () => {
    const now = systemClock.monotonic(), current = Atomics.load(reads, 0);
    if (current !== last || current % 2 === 0) [last, since] = [current, now];
    else if (now - since >= peerReadMaxMs) return onOver(overLong);
    systemClock.after(peerReadLookMs, look);
  };
  look();
}

const overLong =
  `a query of another sense's database took longer than ${formatDuration(peerReadMaxMs)}, in which that ` +
  "sense cannot empty its -wal file: ask for less at a time";
