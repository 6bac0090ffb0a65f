/**
 * The watch of one reflex: tells which paths have changed since it told it last. Owned by watches.ts.
 * I1. The system's events only say when to look; what changed is what differs from the look before. A lost event costs
 *     time and no change: a look follows also without one.
 * I2. Changes are told once writing pauses for the debounce, together; a writer that never pauses delays them by
 *     `watchBusyShare` debounces at most, and by `watchBusyMinMs`. What is written into new folders belongs to them.
 * I3. Memory is bounded. Where there are more paths than it may remember, it tells what the events name, and that there
 *     may be more.
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

/** What a sense has heard of: `digest` of the look that began at `at`, in wall milliseconds. */
export interface HeardLook {
  readonly digest: string;
  readonly at: number;
}

export interface Changes {
  /** Sorted. */
  readonly paths: readonly string[];
  /** False: more than these may have changed. */
  readonly complete: boolean;
}

export interface WatchPorts {
  readonly clock: Clock;
  readonly ownFolders: readonly string[];
  /** How many more paths all watches may remember, beside those that this one remembers. */
  room(): number;
  /** `changes` null: all that it saw counts as heard. */
  onLook(heard: HeardLook, changes: Changes | null): void;
  reportProblem(message: string): void;
}

export class Watch {
  readonly plan: WatchPlan;
  readonly #ports: WatchPorts;
  readonly #watchers: FolderWatchers;
  /** The last look that was told; null before the first one, and while there are too many paths. */
  #marks: ReadonlyMap<string, number> | null = null;
  #earlier: HeardLook | null;
  #isFirst = true;
  /** What events named since the last look began, and whether they named all. */
  #named = new Set<string>();
  #allNamed = true;
  /** Changes wait since then, in monotonic time; null when none do. */
  #since: number | null = null;
  #timer: CancelTimer | null = null;
  #looking: Promise<void> = Promise.resolve();
  #lastProblem: string | null = null;
  #stopped = false;
  /** In wall milliseconds. */
  readonly #beganAt: number;

  /** `earlier`: what the sense has heard of before this daemon started. */
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

  /** How many paths it remembers. */
  get size(): number {
    return this.#marks?.size ?? 0;
  }

  start(): void {
    this.#look();
  }

  /** Resolves when the current look is over. */
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
      // Something above the base, or perhaps a folder in which there will be matches.
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
    // Writing goes on in folders that are new, and until now no event told of it.
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
    // After an event soon again: lost ones usually come with others.
    const costMs = since === null ? (now - from) * watchScanShare : 0;
    this.#arm(Math.min(watchLookMaxMs, Math.max(watchScanMinMs, costMs)));
  }

  #follow({ folders }: PathScan): number {
    return this.#watchers.follow([...folders].slice(0, watchedFoldersMax));
  }

  /** Tells what differs from the look before. */
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
    // While no daemon ran; what was removed then has no name any more.
    else if (wasFirst) this.#ports.onLook(heard, { paths: look.recent.sort(), complete: false });
    else if (named.length > 0 || !allNamed) this.#ports.onLook(heard, { paths: named, complete: false });
  }

  /** What is there counts as heard, but for what changed while this look was under way. */
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
