/**
 * The log: appends rows and assigns their ids. Neighbours: group_commit.ts commits them, reader.ts lists them,
 * run_store.ts writes the rows of runs through it, schema.ts keeps the table append-only.
 * I1. Ids are assigned at once and only grow, also across restarts: the kernel is the only writer.
 * I2. Appending never throws for a disk failure: a lost row is counted (`GroupCommit.counters`).
 */
import { assert } from "../../base/errors.ts";
import type { Clock } from "../../base/time.ts";
import { stringifyWellFormed } from "../../protocol/json.ts";
import type { LogRow, NewLogRow } from "../../protocol/log.ts";
import type { GroupCommit } from "../commit/group_commit.ts";
import type { Step } from "../commit/operations.ts";
import { isRunState } from "../runs/run_log_rows.ts";
import type { StatementCache } from "../sqlite/database.ts";
import { readLastId, setMeta } from "./meta_store.ts";

export class LogStore {
  readonly #writer: GroupCommit;
  readonly #clock: Clock;
  #lastId: number;

  constructor(statements: StatementCache, writer: GroupCommit, clock: Clock) {
    this.#writer = writer;
    this.#clock = clock;
    this.#lastId = readLastId(statements);
  }

  /**
   * Returns the row with its id and time at once; it is on disk when a later `durable()` resolves. `values` go into
   * `meta` in the same commit.
   */
  append(row: NewLogRow, values: readonly (readonly [key: string, value: string])[] = []): LogRow {
    assert(!isRunState(row), `only the run store writes ${row.type} with a status`);
    const made = this.#createRow(row, this.#clock.now());
    this.#writer.write([insertRow(made), ...values.map(([key, value]) => setMeta(key, value))]);
    return made;
  }

  /** Writes rows and further steps as one operation. Each row is made with its id, before the steps are made. */
  appendAll(rows: readonly ((id: number) => NewLogRow)[], complete: () => readonly Step[]): LogRow[] {
    const now = this.#clock.now(), made = rows.map((make) => this.#createRow(make(this.#lastId + 1), now));
    const steps = [...made.map(insertRow), ...complete()];
    if (steps.length > 0) this.#writer.write(steps);
    return made;
  }

  /** The id of the newest row, which may not be on disk yet. */
  get lastId(): number {
    return this.#lastId;
  }

  /**
   * Resolves when every row so far is on disk; rejects with NerveError STORE_FAILED if one of this turn is lost.
   * Without `hurry` it waits for a commit that comes anyway.
   */
  durable(hurry = true): Promise<void> {
    return this.#writer.durable(hurry);
  }

  /** The first of `count` ids for rows that a step itself inserts. */
  takeIds(count: number): number {
    this.#lastId += count;
    return this.#lastId - count + 1;
  }

  /** A row as a step of a writer's operation. */
  toStep(row: NewLogRow, ts: number = this.#clock.now()): Step {
    return insertRow(this.#createRow(row, ts));
  }

  #createRow({ source, type, refId, causeId, payload }: NewLogRow, ts: number): LogRow {
    return { id: ++this.#lastId, ts, source, type, refId, causeId, payload };
  }
}

function insertRow({ id, ts, source, type, refId, causeId, payload }: LogRow): Step {
  return {
    sql: "insert into logs values (?, ?, ?, ?, ?, ?, ?)",
    values: [id, ts, source, type, refId, causeId, stringifyWellFormed(payload) ?? "null"],
  };
}
