/**
 * The store as the local engine sees it beside distributed engines: writes of a run that a server keeps go to the
 * server first (session.ts), and runs that other daemons work on are not listed. Everything else is the store's own.
 */
import type { BootTime } from "../../base/boot_time.ts";
import { elsewhereLookMs } from "../../base/engine_limits.ts";
import type { Clock } from "../../base/time.ts";
import type { Moment } from "../../base/moment.ts";
import type { RunStore } from "../local/ports.ts";
import type { ClusterRuns } from "./cluster_runs.ts";
import { type JournaledCall, journaledCalls, type LocalRuns } from "./ports.ts";

/** The calls that list several runs, which must leave out the runs that are elsewhere. */
type Listing =
  | "listUnfinished"
  | "listPaused"
  | "listHeld"
  | "listPlanned"
  | "listDeliverable"
  | "listOpenParents"
  | "listWaiting"
  | "listClosings"
  | "countWaiting"
  | "listDueWaits"
  | "readNextDue";

export function createJournaledStore(store: LocalRuns, runs: ClusterRuns, clock: Pick<Clock, "now">): RunStore {
  const all: Record<string, unknown> = {};
  for (const name of namesOf(store)) {
    const value = Reflect.get(store, name) as unknown;
    if (typeof value === "function") all[name] = value.bind(store);
  }
  return {
    ...all as unknown as RunStore,
    ...createWrites(store, runs),
    get: (runId) => runs.getCertain(runId) ?? store.get(runId),
    ...createListings(store, runs, clock),
  };
}

function namesOf(object: object): string[] {
  const names: string[] = [];
  for (let each = object; each !== Object.prototype; each = Object.getPrototypeOf(each)) {
    names.push(...Object.getOwnPropertyNames(each));
  }
  return names.filter((name) => name !== "constructor");
}

function createWrites(store: LocalRuns, runs: ClusterRuns): Pick<RunStore, JournaledCall | "writeFinally"> {
  const writes = journaledCalls.map((call) => [call, (...args: readonly unknown[]) => {
    const [of] = args, runId = typeof of === "string" ? of : (of as { readonly runId: string }).runId;
    // Another daemon has the run: writes that this one still makes no longer count.
    if (runs.isElsewhere(runId)) return Promise.resolve(false);
    return runs.sessionOf(runId)?.submit({ call, args }) ?? Reflect.apply(store[call], store, args);
  }]);
  return {
    ...Object.fromEntries(writes) as Pick<RunStore, JournaledCall>,
    async writeFinally(...args) {
      await store.writeFinally(...args);
      for (const session of runs.sessions) session.look();
    },
  };
}

function createListings(store: LocalRuns, runs: ClusterRuns, clock: Pick<Clock, "now">): Pick<RunStore, Listing> {
  const isHere = (run: { readonly runId: string }) => !runs.isElsewhere(run.runId);
  /** A limit high enough that some runs are left once those elsewhere are removed. */
  const atLeast = (limit: number) => limit + runs.elsewhere;
  const listDueWaits = (now: number, boot: BootTime | null, limit: number) =>
    store.listDueWaits(now, boot, atLeast(limit)).filter(isHere).slice(0, limit);
  return {
    listUnfinished: () => store.listUnfinished().filter(isHere),
    listPaused: () => store.listPaused().filter(isHere),
    listHeld: () => store.listHeld().filter(isHere),
    listPlanned: () => new Map<string, Moment>([...store.listPlanned()].filter(([runId]) => isHere({ runId }))),
    listDeliverable: (limit) =>
      store.listDeliverable(atLeast(limit)).filter((runId) => isHere({ runId })).slice(0, limit),
    listOpenParents: (after, limit) => store.listOpenParents(after, limit),
    listWaiting: (name, limit) => store.listWaiting(name, atLeast(limit)).filter(isHere).slice(0, limit),
    listClosings: (name, limit) => store.listClosings(name, atLeast(limit)).filter(isHere).slice(0, limit),
    countWaiting() {
      const counts = new Map(store.countWaiting());
      if (runs.elsewhere === 0) return counts;
      for (const [name, count] of counts) counts.set(name, store.listWaiting(name, count).filter(isHere).length);
      return counts;
    },
    listDueWaits,
    readNextDue(boot) {
      const next = store.readNextDue(boot);
      if (runs.elsewhere === 0) return next;
      // A due run may be elsewhere and stay due: check again after a while, not immediately.
      const wall = next.wall === null ? null : Math.max(next.wall, clock.now() + elsewhereLookMs);
      const bootMs = next.bootMs === null || boot === null ? null : Math.max(next.bootMs, boot.ms + elsewhereLookMs);
      return { wall, bootMs };
    },
  };
}
