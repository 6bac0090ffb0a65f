/**
 * The watch of one reflex: reports which paths have changed since its last report. Owned by watches.ts.
 * I1. The system's events only trigger scans; the changes are the differences from the scan before. A lost event delays
 *     a change, but loses none: scans also run without events.
 * I2. Changes are reported together, once writing pauses for the debounce. A writer that never pauses delays them by
 *     `watchBusyShare` debounces or `watchBusyMinMs`, whichever is longer. Writes into new folders are included.
 * I3. Memory is bounded. If there are more paths than the watch may remember, it reports those that events name, and
 *     that there may be more.
 */
import { FolderWatchers } from "../base/folder_watchers.ts";
import { messageOf } from "../base/errors.ts";
import { matchesPattern, pathBelow } from "../base/path_pattern.ts";
import type { CancelTimer, Clock } from "../base/time.ts";
import {
  changedPathsMax,
  fileTickMs,
  fileTimeSlackMs,
  watchBusyMinMs,
  watchBusyShare,
  watchedFoldersMax,
  watchedPathsMax,
  watchLookMaxMs,
  watchScanMinMs,
  watchScanShare,
} from "../base/watch_limits.ts";
import { digestOf, type PathScan, scanPaths } from "./path_scan.ts";
import type { WatchPlan } from "./ports.ts";

/** A scan that a sense has processed: its `digest`, and when it began (`at`, in wall milliseconds). */
export interface HeardLook {
  readonly digest: string;
  readonly at: number;
}

export interface Changes {
  /** Sorted. */
  readonly paths: readonly string[];
  /** False: other paths may have changed too. */
  readonly complete: boolean;
}

export interface WatchPorts {
  readonly clock: Clock;
  readonly ownFolders: readonly string[];
  /** How many paths this watch may remember, given those that all others remember. */
  room(): number;
  /** `changes` null: everything in the scan counts as processed. */
  onLook(heard: HeardLook, changes: Changes | null): void;
  reportProblem(message: string): void;
}

export class Watch {
  readonly plan: WatchPlan;
  readonly #ports: WatchPorts;
  readonly #watchers: FolderWatchers;
  /** The marks of the last scan; null before the first one, and while there are too many paths. */
  #marks: ReadonlyMap<string, number> | null = null;
  #earlier: HeardLook | null;
  #isFirst = true;
  /** The paths that events named since the last scan began, and whether these are all. */
  #named = new Set<string>();
  #allNamed = true;
  /** Since when changes have been waiting, in monotonic time; null when none wait. */
  #since: number | null = null;
  #timer: CancelTimer | null = null;
  #looking: Promise<void> = Promise.resolve();
  #lastProblem: string | null = null;
  #stopped = false;
  /** When the watch was created, in wall milliseconds. */
  readonly #beganAt: number;

  /** `earlier`: the last scan that the sense processed before this daemon started. */
  constructor(plan: WatchPlan, earlier: HeardLook | null, ports: WatchPorts) {
    this.plan = plan;
    this.#earlier = earlier;
    this.#ports = ports;
    this.#beganAt = ports.clock.now();
    this.#watchers = new FolderWatchers({
      onEvent: (event) => this.#onEvent(event),
      reportProblem: (message) => this.#reportProblem(message),
    });
  }

  /** How many paths this watch remembers. */
  get size(): number {
    return this.#marks?.size ?? 0;
  }

  start(): void {
    this.#look();
  }

  /** Resolves when the current scan has ended. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#timer?.();
    this.#watchers.close();
    await this.#looking;
  }

  #onEvent({ flag, paths }: Deno.FsEvent): void {
    const relevant = paths.filter((path) => this.#isRelevant(path));
    if (flag !== "rescan" && relevant.length === 0) return;
    if (flag === "rescan") this.#allNamed = false;
    for (const path of relevant) {
      if (!this.plan.patterns.some((pattern) => matchesPattern(pattern, path))) continue;
      if (this.#named.size < changedPathsMax) this.#named.add(path);
      else this.#allNamed = false;
    }
    this.#lookSoon();
  }

  #isRelevant(path: string): boolean {
    return this.plan.patterns.some((pattern) => {
      const below = pathBelow(pattern.base, path);
      // A path above the base counts. A path below it counts if it matches, or may be a folder with matches.
      if (below === null) return pathBelow(path, pattern.base) !== null;
      return below === "" || below.split("/").length < pattern.levels || matchesPattern(pattern, path);
    });
  }

  #lookSoon(): void {
    if (this.#stopped) return;
    const { clock } = this.#ports, { debounceMs } = this.plan, now = clock.monotonic();
    this.#since ??= now;
    this.#arm(Math.max(0, Math.min(debounceMs, this.#overdueAt(this.#since) - now)));
  }

  #overdueAt(since: number): number {
    return since + Math.max(watchBusyMinMs, this.plan.debounceMs * watchBusyShare);
  }

  #arm(waitMs: number): void {
    this.#timer?.();
    this.#timer = this.#stopped ? null : this.#ports.clock.after(waitMs, () => this.#look());
  }

  #look(): void {
    this.#timer?.();
    this.#timer = null;
    this.#looking = this.#looking.then(async () => {
      if (this.#stopped) return;
      try {
        await this.#lookNow();
      } catch (thrown) {
        this.#reportProblem(`the watch failed: ${messageOf(thrown)}`);
        this.#arm(watchLookMaxMs);
      }
    });
  }

  async #lookNow(): Promise<void> {
    const { clock, ownFolders, room } = this.#ports, { patterns, readable, debounceMs } = this.plan;
    const since = this.#since, from = clock.monotonic(), at = clock.now(), named = this.#named;
    const allNamed = this.#allNamed;
    this.#since = null;
    this.#named = new Set();
    this.#allNamed = true;
    const pathsMax = Math.max(1, Math.min(watchedPathsMax, room()));
    const began = this.#earlier === null ? this.#beganAt - fileTickMs : this.#earlier.at - fileTimeSlackMs;
    const recentFrom = this.#isFirst ? began : Infinity;
    const look = await scanPaths(patterns, { pathsMax, readable, ownFolders, since: recentFrom });
    if (this.#stopped) return;
    const opened = this.#follow(look), wasFirst = this.#isFirst;
    this.#report(look);
    // Writing may continue in new folders, from which no events have come yet.
    const now = clock.monotonic(), isOverdue = since !== null && now >= this.#overdueAt(since);
    if (opened > 0 && !wasFirst && !isOverdue) {
      for (const path of named) if (this.#named.size < changedPathsMax) this.#named.add(path);
      this.#allNamed &&= allNamed;
      this.#since = since ?? from;
      return this.#arm(debounceMs);
    }
    this.#compare(look, at, [...named].sort(), allNamed);
    if (this.#since !== null) return;
    if (opened > 0) return this.#arm(debounceMs);
    // After an event, scan again soon: events are mostly lost in bursts.
    const costMs = since === null ? (now - from) * watchScanShare : 0;
    this.#arm(Math.min(watchLookMaxMs, Math.max(watchScanMinMs, costMs)));
  }

  #follow({ folders }: PathScan): number {
    return this.#watchers.follow([...folders].slice(0, watchedFoldersMax));
  }

  /** Reports the differences from the scan before. */
  #compare(look: PathScan, at: number, named: readonly string[], allNamed: boolean): void {
    const before = this.#marks, heard = { digest: digestOf(look), at }, earlier = this.#earlier;
    this.#marks = look.complete ? look.marks : null;
    const wasFirst = this.#isFirst;
    this.#isFirst = false;
    if (!wasFirst && before !== null && look.complete) {
      const paths = listChanged(before, look.marks);
      if (paths.length > 0) this.#ports.onLook(heard, { paths, complete: true });
    } else if (wasFirst && earlier === null) this.#begin(heard, look.recent.sort());
    else if (wasFirst && earlier !== null && earlier.digest === heard.digest) return;
    // Changed while no daemon ran. The names of paths that were removed then are unknown.
    else if (wasFirst) this.#ports.onLook(heard, { paths: look.recent.sort(), complete: false });
    else if (named.length > 0 || !allNamed) this.#ports.onLook(heard, { paths: named, complete: false });
  }

  /** Existing paths count as processed, except those that changed since the watch began. */
  #begin(heard: HeardLook, recent: readonly string[]): void {
    if (recent.length === 0) return this.#ports.onLook(heard, null);
    this.#ports.onLook({ digest: "", at: this.#beganAt }, null);
    this.#ports.onLook(heard, { paths: recent, complete: true });
  }

  #report({ complete, problem, marks }: PathScan): void {
    const many = complete ? null : `more than ${marks.size} paths are watched; ` +
      "changes of the others are noticed only when the system reports them";
    const what = problem ?? many;
    if (what === null) this.#lastProblem = null;
    else this.#reportProblem(what);
  }

  #reportProblem(message: string): void {
    if (message === this.#lastProblem) return;
    this.#lastProblem = message;
    this.#ports.reportProblem(message);
  }
}

function listChanged(before: ReadonlyMap<string, number>, now: ReadonlyMap<string, number>): string[] {
  const changed: string[] = [];
  for (const [path, mark] of now) if (before.get(path) !== mark) changed.push(path);
  for (const path of before.keys()) if (!now.has(path)) changed.push(path);
  return changed.sort();
}
