/**
 * Updates this daemon's log with the runs that other daemons work on, from what the server keeps: any daemon shows each
 * run, its thread and its requests. Used by engines.ts.
 */
import type { Clock } from "../../base/time.ts";
import type { Run } from "../../protocol/run.ts";
import { findDifference } from "../local/run_request.ts";
import { createFirstRow } from "../local/run_writer.ts";
import type { ClusterRuns } from "./cluster_runs.ts";
import type { Change, LocalRuns, RunInput } from "./ports.ts";
import { ClusterSession } from "./session.ts";

export interface MirrorParts {
  readonly store: LocalRuns;
  readonly runs: ClusterRuns;
  readonly clock: Clock;
  readonly reportProblem: (message: string) => void;
  readonly onChange: (run: Run) => void;
  /** Notifies the callers that wait for the end of the run. */
  readonly tell: (run: Run) => void;
}

export class Mirror {
  readonly #parts: MirrorParts;

  constructor(parts: MirrorParts) {
    this.#parts = parts;
  }

  /** The server has a run. Does nothing if that is known already. */
  async begin(engine: string, { run, starts }: RunInput): Promise<void> {
    const { store, runs } = this.#parts, { runId } = run, known = runs.get(runId);
    if (known?.handed === true || known === null && store.get(runId) !== null) return;
    runs.put(runId, { ...known ?? { engine, applied: 0 }, handed: true });
    await this.write({ run, starts });
  }

  /** Writes the run as the server has it, even where another of its id was started here while the server was away. */
  async write({ run, starts }: RunInput): Promise<void> {
    const { store, reportProblem } = this.#parts, existing = store.get(run.runId);
    // The run's causes are rows of another log.
    const own = { ...run, causeId: null }, row = createFirstRow(own, null, starts);
    if (existing === null) return void await store.create(own, row, null, starts);
    const { workflow, prompt, maxRounds, payload, trigger, causeId } = run;
    const difference = findDifference(existing, {
      runId: null,
      workflow,
      prompt,
      maxRounds,
      payload,
      trigger,
      causeId,
    });
    if (difference === null || !await store.replaceQueued(own, row, starts)) return;
    const where = "was started at another daemon, too, before its engine knew of this one";
    reportProblem(`run ${run.runId} ${where}, with a different ${difference}: that one counts, this one is void`);
  }

  /** The server keeps the changes as number `n`; no changes: the run is over. */
  async follow(runId: string, n: number, changes: readonly Change[]): Promise<void> {
    const { store, runs, onChange, tell } = this.#parts, known = runs.get(runId);
    // The run is over, or came here meanwhile.
    if (known === null || runs.sessionOf(runId) !== null || n <= known.applied) return;
    const before = store.get(runId);
    const isOver = await new ClusterSession(runId, {
      ...this.#parts,
      onTaken: () => Promise.resolve(),
      onEnd: () => {},
    }).apply(
      n,
      changes,
    );
    const run = store.get(runId);
    if (run !== null && (run.status !== before?.status || run.attempt !== before.attempt)) onChange(run);
    if (!isOver && changes.length > 0 || run === null) return;
    runs.forget(runId);
    tell(run);
  }
}
