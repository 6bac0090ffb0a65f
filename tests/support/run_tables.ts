/** The tables of runs in memory, for tests of the statements that read and change them. */
import assert from "node:assert/strict";
import type { Run, RunChange } from "../../src/protocol/run.ts";
import type { NewChild, RunWait } from "../../src/protocol/run_wait.ts";
import { runStep, type Step } from "../../src/store/commit/operations.ts";
import { logMigrations } from "../../src/store/log/schema.ts";
import { insertChild } from "../../src/store/runs/child_sql.ts";
import { insertRun, readRun, updateRun } from "../../src/store/runs/run_sql.ts";
import { insertWait } from "../../src/store/runs/wait_sql.ts";
import { migrate, openDatabase, StatementCache } from "../../src/store/sqlite/database.ts";
import { newRun, sleepOf } from "./store_bench.ts";

export class RunTables implements Disposable {
  readonly #db = openDatabase(":memory:");
  readonly statements: StatementCache = new StatementCache(this.#db);

  constructor() {
    migrate(this.#db, logMigrations, "the log");
  }

  /** How many rows each statement changed. */
  take(...steps: readonly Step[]): number[] {
    return steps.map((step) => runStep(this.statements, step));
  }

  run(runId: string): Run {
    return readRun(this.statements, runId) ?? assert.fail(`there is no run ${runId}`);
  }

  /** Runs of the workflow `cleanup` that have started. */
  create(...runIds: readonly string[]): void {
    for (const id of runIds) this.take(insertRun(newRun(id)));
  }

  move(runId: string, change: RunChange): void {
    assert.deepEqual(this.take(updateRun(runId, { from: [this.run(runId).status] }, change)), [1]);
  }

  /** A started run waits: without a change, it sleeps before its next message. */
  wait(runId: string, change: Partial<RunWait> = {}, children: readonly NewChild[] = []): RunWait {
    const wait = { ...sleepOf(this.run(runId).rounds + 1), ...change };
    this.move(runId, { status: "waiting", reason: "it waits" });
    this.take(insertWait(runId, wait), ...children.map((each, at) => insertChild(runId, wait.round, at + 1, each)));
    return wait;
  }

  end(runId: string, change: Partial<RunChange> = {}): void {
    this.move(runId, { status: "killed", exitCode: 137, endedAt: 9, ...change });
  }

  /** What a query says, as rows of values. */
  values(sql: string): unknown[] {
    return this.statements.arrays(sql).all();
  }

  [Symbol.dispose](): void {
    this.#db.close();
  }
}
