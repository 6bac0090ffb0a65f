/**
 * Loads the runs that the last daemon left unfinished, and counts those that wait or are paused. Called once by
 * manager.ts, before anything else happens. dispatcher.ts then resumes the started ones with attempt + 1, starts the
 * queued ones in order as slots become free, and ends those whose workflow left the configuration.
 * I1. Runs are added in the order in which they were created.
 * I2. A role that runs once and was running is known: its run asks a person.
 * I3. The last failure of a role is loaded too: a wait between two attempts neither starts over nor is cut short.
 */
import type { ActiveRuns } from "./active_runs.ts";
import type { PlannedStarts } from "./planned_starts.ts";
import type { RunStore } from "./ports.ts";

export function recoverRuns(
  store: Pick<
    RunStore,
    "listUnfinished" | "readLastFailure" | "readBegun" | "countWaiting" | "listPaused" | "listPlanned"
  >,
  runs: ActiveRuns,
  planned: Pick<PlannedStarts, "restore">,
): void {
  const starts = store.listPlanned();
  for (const [workflow, count] of store.countWaiting()) runs.getOrAddQueue(workflow).waiting = count;
  for (const { runId, workflow, from } of store.listPaused()) {
    runs.getOrAddQueue(workflow).paused.set(runId, from !== "queued");
  }
  for (const run of store.listUnfinished()) {
    // A run that was requested before the manager started is in memory already.
    if (runs.get(run.runId) !== null) continue;
    if (run.status === "queued") {
      const entry = runs.add(run, { tag: "queued" }), at = starts.get(run.runId);
      if (at !== undefined) planned.restore(entry, at);
    } else {
      const entry = runs.add(run, { tag: "unassigned", ready: false });
      entry.detachReason = "the daemon was down";
      entry.lastFailure = store.readLastFailure(run.runId);
      const role = store.readBegun(run.runId);
      if (role !== null) entry.begun = { role, stored: true };
    }
  }
}
