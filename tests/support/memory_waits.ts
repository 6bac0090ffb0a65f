/** Queries of waits and events, for memory_run_store.ts. */
import type { BootTime } from "../../src/base/boot_time.ts";
import type { Run } from "../../src/protocol/run.ts";
import type { KeptEvent, NewRunEvent, PausedRun, RunPause, RunWait, WaitingRun } from "../../src/protocol/run_wait.ts";

export interface SentEvent {
  readonly runId: string;
  readonly sent: NewRunEvent;
  readonly taken: number | null;
}

export function findNextDue(
  waits: Iterable<RunWait>,
  boot: BootTime | null,
): { wall: number | null; bootMs: number | null } {
  const least = (times: (number | null | undefined)[]) => {
    const known = times.filter((time) => typeof time === "number");
    return known.length === 0 ? null : Math.min(...known);
  };
  const all = [...waits], here = all.filter(({ dueBoot }) => dueBoot?.id === boot?.id);
  return { wall: least(all.map(({ due }) => due)), bootMs: least(here.map(({ dueBoot }) => dueBoot?.ms)) };
}

export function findDue(
  waits: ReadonlyMap<string, RunWait>,
  now: number,
  boot: BootTime | null,
  limit: number,
): WaitingRun[] {
  const isDue = ({ due, dueBoot }: RunWait) =>
    (due ?? Infinity) <= now || (boot !== null && dueBoot?.id === boot.id && dueBoot.ms <= boot.ms);
  const due = [...waits].map(([runId, wait]) => ({ runId, wait })).filter(({ wait }) => isDue(wait));
  return due.sort((a, b) => (a.wait.due ?? 0) - (b.wait.due ?? 0)).slice(0, limit);
}

export function findKept(events: Iterable<SentEvent>, runId: string, name: string): KeptEvent | null {
  const found = [...events].find((each) => each.runId === runId && each.taken === null && each.sent.name === name);
  return found === undefined ? null : { key: found.sent.key, payload: found.sent.payload };
}

export function countWaitingOf(runs: Iterable<Run>): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { status, workflow } of runs) {
    if (status === "waiting") counts.set(workflow, (counts.get(workflow) ?? 0) + 1);
  }
  return counts;
}

export function listPausedOf(
  { pauses, runs }: { readonly pauses: ReadonlyMap<string, RunPause>; readonly runs: ReadonlyMap<string, Run> },
): PausedRun[] {
  return [...pauses].map(([runId, { from }]) => ({ runId, workflow: runs.get(runId)?.workflow ?? "", from }));
}
