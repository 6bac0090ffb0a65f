/**
 * Kills runs. Called by manager.ts.
 * I1. A kill ends the run in any phase, even while it waits. If its end cannot be written, the work ends nevertheless,
 *     and the end is recorded as soon as the store allows.
 */
import { NerveError } from "../../base/errors.ts";
import type { Clock } from "../../base/time.ts";
import type { Run } from "../../protocol/run.ts";
import { isTerminal } from "../transitions.ts";
import type { ActiveRuns, RunEntry } from "./active_runs.ts";
import type { Assignments } from "./assignments.ts";
import { createEnding } from "./endings.ts";
import type { RunStore } from "./ports.ts";
import { toStoreFailed } from "./run_admission.ts";
import type { RunWriter } from "./run_writer.ts";
import type { Waits } from "./waits.ts";

export interface KillsParts {
  readonly runs: ActiveRuns;
  readonly writer: RunWriter;
  readonly assignments: Assignments;
  readonly waits: Waits;
  readonly store: Pick<RunStore, "get">;
  readonly clock: Clock;
}

export class Kills {
  readonly #parts: KillsParts;

  constructor(parts: KillsParts) {
    this.#parts = parts;
  }

  /** `found`: its entry, or the stored run when it is not in memory. See `WorkflowManager.killRun` for the errors. */
  async kill(found: RunEntry | Run, reason: string | null): Promise<Run> {
    const { store, clock, writer, assignments, waits } = this.#parts;
    if (!("queue" in found) && found.status !== "waiting" && found.status !== "paused") throw toRunEnded(found);
    const entry = "queue" in found ? found : waits.load(found), { runId } = entry.run;
    const why = reason ?? "killed on request", how = createEnding(entry.run, "killed", why, clock.now());
    entry.endsPending++;
    try {
      if (await writer.tryChange(entry, ...how)) return entry.run;
    } catch (thrown) {
      assignments.abandon(entry, why);
      void this.#record(entry, how);
      throw toStoreFailed(`run ${runId} was ended; that is recorded when the log can be written`, thrown);
    }
    entry.endsPending--;
    waits.unload(entry);
    throw toRunEnded(store.get(runId) ?? entry.run);
  }

  async #record(entry: RunEntry, how: ReturnType<typeof createEnding>): Promise<void> {
    const { writer, runs } = this.#parts;
    while (!await writer.change(entry, ...how)) {
      // Another change came first: an end, or one in progress when the kill was requested, such as a new attempt.
      const stored = writer.closed || !runs.has(entry) ? null : writer.read(entry.run.runId);
      if (stored === null || isTerminal(stored.status)) break;
      entry.run = stored;
    }
    entry.endsPending--;
    if (runs.has(entry)) writer.reconcile(entry);
  }
}

export function toRunEnded(run: Run): NerveError {
  const code = run.exitCode === null ? "" : `, exit code ${run.exitCode}`;
  return new NerveError("RUN_ENDED", `run ${run.runId} has already ended: ${run.status}${code}`, {
    hint: `nerve workflow inspect ${run.runId}`,
  });
}
