/**
 * The input and the ports of the watches. The kernel connects them to the configuration, the scheduler, the log and the
 * store.
 */
import type { PathPattern } from "../base/path_pattern.ts";
import type { Clock } from "../base/time.ts";
import type { LogRow, NewLogRow } from "../protocol/log.ts";
import type { Trigger } from "../protocol/signal.ts";

/** The paths that one reflex of a sense watches. */
export interface WatchPlan {
  readonly sense: string;
  readonly patterns: readonly PathPattern[];
  readonly debounceMs: number;
  /** What the sense may read, as absolute paths; null: everything. */
  readonly readable: readonly string[] | null;
}

export interface WatchesPorts {
  readonly clock: Clock;
  /** Folders that the kernel writes: never scanned. */
  readonly ownFolders: readonly string[];
  readonly meta: {
    get(key: string): string | null;
    /** The stored keys that begin with `prefix`. */
    keys(prefix: string): readonly string[];
    setAll(values: readonly (readonly [key: string, value: string])[]): void;
  };
  append(row: NewLogRow): LogRow;
  trigger(sense: string, trigger: Trigger): unknown;
  reportProblem(sense: string, message: string): void;
}
