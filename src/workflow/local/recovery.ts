/**
 * What the last daemon left: puts the runs that had not ended back into memory. Called once by manager.ts, before
 * anything else happens. dispatcher.ts then does the rest: resumes the started ones with attempt + 1, starts the
 * queued ones in order as slots are free, and ends those whose workflow has left the configuration.
 * I1. The order is the one in which the runs were created.
 * I2. What is known of a role's failures comes back too: a wait between two attempts neither starts over nor is cut short.
 */
import type { ActiveRuns } from "./active_runs.ts";
import type { RunStore } from "./ports.ts";

export function recover(store: Pick<RunStore, "unfinished" | "lastFailure">, runs: ActiveRuns): void {
  for (const run of store.unfinished()) {
    // A run that was asked for before the manager started is in the table already.
    if (runs.get(run.runId) !== null) continue;
    if (run.status === "queued") {
      runs.add(run, { tag: "queued" });
    } else {
      const entry = runs.add(run, { tag: "unassigned", ready: false });
      entry.detachedBy = "the daemon was down";
      entry.failed = store.lastFailure(run.runId);
    }
  }
}
