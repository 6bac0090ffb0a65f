/**
 * Wakes senses when files change: holds the watches of all reflexes, and for each sense the changed paths that no
 * compute has answered. Created by kernel/wiring.ts; sensing/manager.ts takes the paths of a compute here.
 * I1. A change counts as processed only once a compute that got it has answered. The processed state is durable, as a
 *     digest: a starting daemon compares it with the files, so that a change is reported even if a process or the
 *     daemon died, or no daemon ran.
 * I2. A compute gets at most `changedPathsMax` names, and whether there are more.
 */
import {
  changedPathsLoggedMax,
  changedPathsMax,
  changedPathsMaxChars,
  watchedPathsTotalMax,
} from "../base/watch_limits.ts";
import type { ChangedPaths } from "../protocol/signal.ts";
import type { WatchesPorts, WatchPlan } from "./ports.ts";
import { type Changes, type HeardLook, Watch } from "./watch.ts";

const prefix = "watch:";

interface Pending {
  readonly paths: Set<string>;
  chars: number;
  complete: boolean;
  /** For each set of watched patterns with changes, the scan that reported them last. */
  readonly heard: Map<string, HeardLook>;
  causeId: number;
}

export class Watches {
  readonly #ports: WatchesPorts;
  readonly #watches = new Map<string, Watch>();
  readonly #waiting = new Map<string, Pending>();
  /** The paths of running computes. */
  readonly #taken = new Map<string, Pending>();
  readonly #ending = new Set<Promise<void>>();
  #plans: readonly WatchPlan[] = [];
  #phase: "new" | "started" | "stopped" = "new";

  constructor(ports: WatchesPorts) {
    this.#ports = ports;
  }

  /** Replaces all watches. Before `start` they are only recorded. */
  setPlans(plans: readonly WatchPlan[]): void {
    this.#plans = plans;
    if (this.#phase === "started") this.#apply();
  }

  start(): void {
    this.#phase = "started";
    this.#apply();
  }

  async stop(): Promise<void> {
    this.#phase = "stopped";
    for (const watch of this.#watches.values()) this.#end(watch);
    await Promise.all(this.#ending);
  }

  /** The changed paths for the sense's next compute. Call `settle` when it has ended. */
  take(sense: string): ChangedPaths {
    const waiting = this.#waiting.get(sense);
    if (waiting === undefined) return { paths: [], complete: true };
    this.#waiting.delete(sense);
    this.#taken.set(sense, waiting);
    return { paths: [...waiting.paths].sort(), complete: waiting.complete };
  }

  /** The compute of the last `take` has ended; `answered`: it processed the taken paths. */
  settle(sense: string, answered: boolean): void {
    const taken = this.#taken.get(sense);
    if (taken === undefined) return;
    this.#taken.delete(sense);
    if (answered) return this.#remember(sense, [...taken.heard]);
    const waiting = this.#waiting.get(sense);
    if (waiting === undefined) return void this.#waiting.set(sense, taken);
    merge(waiting, { paths: [...taken.paths], complete: taken.complete });
    for (const [watched, heard] of taken.heard) if (!waiting.heard.has(watched)) waiting.heard.set(watched, heard);
  }

  /** Triggers the sense again if paths wait for it, after its process died or it was paused. */
  resume(sense: string): void {
    const waiting = this.#waiting.get(sense);
    if (waiting !== undefined) this.#trigger(sense, waiting.causeId);
  }

  #apply(): void {
    const wanted = new Map(this.#plans.map((plan) => [keyOf(plan), plan]));
    for (const [key, watch] of this.#watches) {
      if (wanted.delete(key)) continue;
      this.#watches.delete(key);
      this.#end(watch);
    }
    this.#forget();
    for (const [key, plan] of wanted) {
      const watch: Watch = new Watch(plan, this.#heardOf(plan.sense)[watchedBy(plan)] ?? null, {
        ...this.#ports,
        room: () => watchedPathsTotalMax - this.#countOthers(watch),
        onLook: (heard, changes) => this.#onLook(plan, heard, changes),
        reportProblem: (message) => this.#ports.reportProblem(plan.sense, message),
      });
      this.#watches.set(key, watch);
      watch.start();
    }
  }

  /** How many paths the other watches remember. */
  #countOthers(watch: Watch): number {
    return [...this.#watches.values()].reduce((sum, other) => sum + (other === watch ? 0 : other.size), 0);
  }

  #end(watch: Watch): void {
    const ending: Promise<void> = watch.stop().finally(() => this.#ending.delete(ending));
    this.#ending.add(ending);
  }

  /** Forgets the stored scans of patterns that are no longer watched, so that they start fresh when watched again. */
  #forget(): void {
    const senses = new Set(this.#plans.map(({ sense }) => sense));
    for (const sense of [...this.#waiting.keys(), ...this.#taken.keys()]) {
      if (senses.has(sense)) continue;
      this.#waiting.delete(sense);
      this.#taken.delete(sense);
    }
    const changed: [string, string][] = [];
    for (const stored of this.#ports.meta.keys(prefix)) {
      const sense = stored.slice(prefix.length), heard = Object.entries(this.#heardOf(sense));
      const kept = heard.filter(([watched]) => this.#isWatched(sense, watched));
      if (kept.length < heard.length) changed.push([stored, JSON.stringify(Object.fromEntries(kept))]);
    }
    if (changed.length > 0) this.#ports.meta.setAll(changed);
  }

  #isWatched(sense: string, watched: string): boolean {
    return this.#plans.some((plan) => plan.sense === sense && watchedBy(plan) === watched);
  }

  #onLook(plan: WatchPlan, heard: HeardLook, changes: Changes | null): void {
    const { sense } = plan, watched = watchedBy(plan);
    if (changes === null) return this.#remember(sense, [[watched, heard]]);
    const { paths, complete } = changes, shown = paths.slice(0, changedPathsLoggedMax);
    const row = this.#ports.append({
      source: `sense:${sense}`,
      type: "sense.paths_changed",
      refId: sense,
      causeId: null,
      payload: { paths: shown, changed: paths.length, complete },
    });
    let waiting = this.#waiting.get(sense);
    if (waiting === undefined) {
      waiting = { paths: new Set(), chars: 0, complete: true, heard: new Map(), causeId: row.id };
      this.#waiting.set(sense, waiting);
    }
    merge(waiting, changes);
    waiting.heard.set(watched, heard);
    waiting.causeId = row.id;
    this.#trigger(sense, row.id);
  }

  #trigger(sense: string, causeId: number): void {
    this.#ports.trigger(sense, { kind: "watch", causeId, coalesced: 0 });
  }

  #heardOf(sense: string): Record<string, HeardLook> {
    return JSON.parse(this.#ports.meta.get(`${prefix}${sense}`) ?? "{}") as Record<string, HeardLook>;
  }

  #remember(sense: string, heard: readonly (readonly [watched: string, heard: HeardLook])[]): void {
    const current = heard.filter(([watched]) => this.#isWatched(sense, watched));
    const all = { ...this.#heardOf(sense), ...Object.fromEntries(current) };
    this.#ports.meta.setAll([[`${prefix}${sense}`, JSON.stringify(all)]]);
  }
}

/** A key that changes when the watched paths or the settings of the watch change. */
function keyOf(plan: WatchPlan): string {
  return JSON.stringify([plan.sense, watchedBy(plan), plan.debounceMs, plan.readable]);
}

/** The watched patterns, as the key of their processed scan, which outlives a change of the debounce. */
function watchedBy({ patterns }: WatchPlan): string {
  return JSON.stringify(patterns.map(({ base, text }) => [base, text]));
}

function merge(waiting: Pending, { paths, complete }: Changes): void {
  waiting.complete &&= complete;
  for (const path of paths) {
    if (waiting.paths.has(path)) continue;
    if (waiting.paths.size >= changedPathsMax || waiting.chars + path.length > changedPathsMaxChars) {
      waiting.complete = false;
      return;
    }
    waiting.paths.add(path);
    waiting.chars += path.length;
  }
}
