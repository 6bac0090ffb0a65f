/**
 * Runs on disk: their current state in `workflow_runs`, their history and messages in the log. Fits the port RunStore
 * of workflow/ports.ts by its shape.
 * I1. A change of a run and its log row are one operation of the writer: both are on disk or neither is.
 * I2. The guard stands in the WHERE. When it does not hold nothing changes, and no log row is written.
 * I3. Reads see what was written so far, also what is not committed yet.
 */
import type { NewLogRow } from "../protocol/log.ts";
import type { RoleFailure, Run, RunMessage } from "../protocol/run.ts";
import { assert } from "../base/errors.ts";
import type { LogStore } from "./log_store.ts";
import { changeRow, firstRow, type RunChange, runStateTypes } from "./run_log.ts";
import {
  countMessage,
  insertRun,
  readLastFailure,
  readMessages,
  readRun,
  runColumns,
  type RunGuard,
  toRun,
  updateRun,
} from "./run_rows.ts";
import { type StatementCache, storeError } from "./sqlite.ts";
import type { Writer } from "./writer.ts";

export class RunStore {
  readonly #statements: StatementCache;
  readonly #writer: Writer;
  readonly #log: LogStore;

  constructor(statements: StatementCache, writer: Writer, log: LogStore) {
    this.#statements = statements;
    this.#writer = writer;
    this.#log = log;
  }

  /** Inserts the run with its first log row, which gets every field of the run. False, and no row: the id exists. */
  create(run: Run, row: NewLogRow): Promise<boolean> {
    const first = firstRow(row, run);
    checkRow(first, run.runId);
    return this.#writer.run(() => {
      if (!insertRun(this.#statements, run)) return false;
      this.#log.write(first);
      return true;
    });
  }

  /** Changes a run for which the guard holds; the log row gets what was changed. False, and no row: it does not hold. */
  transition(runId: string, guard: RunGuard, change: RunChange, row: NewLogRow): Promise<boolean> {
    const changed = changeRow(row, change);
    checkRow(changed, runId);
    return this.#writer.run(() => {
      if (!updateRun(this.#statements, runId, guard, change)) return false;
      this.#log.write(changed);
      return true;
    });
  }

  /** Stores the next message of a started run. The time of its row is the message's. */
  appendMessage(
    run: { readonly runId: string; readonly workflow: string; readonly attempt: number },
    { round, role, content, meta, ts }: RunMessage,
  ): Promise<boolean> {
    const { runId, workflow, attempt } = run;
    const payload = { round, role, content, meta };
    return this.#writer.run(() => {
      const counted = countMessage(this.#statements, { runId, attempt, round });
      if (counted === null) return false;
      const { causeId } = counted;
      this.#log.write({ source: `workflow:${workflow}`, type: "run.message", refId: runId, causeId, payload }, ts);
      return true;
    });
  }

  /** Writes the row of a failed attempt of the present round's role. False, and no row: the run is not there for it. */
  roleFailed(
    run: { readonly runId: string; readonly workflow: string; readonly attempt: number },
    failure: RoleFailure,
  ): Promise<boolean> {
    const { runId, workflow, attempt } = run;
    const payload = { attempt, ...failure };
    return this.#writer.run(() => {
      const now = readRun(this.#statements, runId);
      if (now?.status !== "started" || now.attempt !== attempt || now.rounds !== failure.round - 1) return false;
      const { causeId } = now;
      this.#log.write({ source: `workflow:${workflow}`, type: "run.attempt_failed", refId: runId, causeId, payload });
      return true;
    });
  }

  /** The newest failed attempt of a role of this run, whatever its round. */
  lastFailure(runId: string): RoleFailure | null {
    return readLastFailure(this.#statements, runId);
  }

  /** Throws NerveError STORE_FAILED when the file is damaged where it reads. */
  get(runId: string): Run | null {
    try {
      return readRun(this.#statements, runId);
    } catch (thrown) {
      throw storeError("the log cannot be read", thrown);
    }
  }

  /** All messages of a run, oldest first. */
  messages(runId: string): RunMessage[] {
    return readMessages(this.#statements, runId);
  }

  /** Runs that are `queued` or `started`, in the order in which they were created. */
  unfinished(): Run[] {
    const sql = `select ${runColumns} from workflow_runs where status in ('queued', 'started') order by seq`;
    return this.#statements.arrays(sql).all().map(toRun);
  }
}

/** A row of another type would not be found when the runs are rebuilt. */
function checkRow({ type, refId }: NewLogRow, runId: string): void {
  assert(runStateTypes.includes(type), `${type} is no type for a change of a run`);
  assert(refId === runId, `the row of run ${runId} refers to ${refId}`);
}
