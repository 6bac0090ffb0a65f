/**
 * Deliveries of hooks, and the keys that identify repeated ones: the table `hook_keys` of data/logs.db. Used by
 * kernel/hook_wiring.ts.
 * I1. The index has every key of the table once it has learned the keys that were there before the first one was added.
 */
import { assert } from "../../base/errors.ts";
import { hookKeysKeepMs, hookKeysMax, hookKeysStep } from "../../base/hook_limits.ts";
import type { Clock } from "../../base/time.ts";
import type { LogRow, NewLogRow } from "../../protocol/log.ts";
import type { GroupCommit } from "../commit/group_commit.ts";
import type { Step } from "../commit/operations.ts";
import { keysOfRow } from "../log/hooks_schema.ts";
import type { LogStore } from "../log/log_store.ts";
import type { StatementCache } from "../sqlite/database.ts";
import { DeliveryKeyIndex } from "./delivery_key_index.ts";

export class HookStore {
  readonly #statements: StatementCache;
  readonly #writer: Pick<GroupCommit, "write">;
  readonly #log: Pick<LogStore, "appendAll">;
  readonly #clock: Clock;
  readonly #keysMax: number;
  readonly #index = new DeliveryKeyIndex();
  /** The newest key that was there before the first one was added; null until then. */
  #newestOld: number | null = null;
  #learnedTo = 0;
  #learning: Promise<void> | null = null;
  #isLearned = false;
  /** About how many keys there are, once the index has learned them. */
  #count = 0;

  constructor(
    statements: StatementCache,
    writer: Pick<GroupCommit, "write">,
    log: Pick<LogStore, "appendAll">,
    clock: Clock,
    keysMax: number = hookKeysMax,
  ) {
    this.#keysMax = keysMax;
    this.#statements = statements;
    this.#writer = writer;
    this.#log = log;
    this.#clock = clock;
  }

  /** Resolves when keys can be found: at once, but for the first time. Rejects when they are unreadable: call again. */
  learn(): Promise<void> {
    return this.#learning ??= this.#learnAll().catch((thrown) => {
      this.#learning = null;
      throw thrown;
    });
  }

  /** Writes the row and its keys in one operation. It is on disk when a later `LogStore.durable()` resolves. */
  append(row: NewLogRow, keys: readonly string[]): LogRow {
    const ts = this.#clock.now();
    let first = 0;
    if (keys.length > 0) this.#newestOld ??= this.#readNewest();
    const [made] = this.#log.appendAll([(id) => {
      first = id * keysOfRow;
      return row;
    }], () => keys.length === 0 ? [] : [insertKeys(keys, first, ts)]);
    for (const [n, key] of keys.entries()) this.#index.add(key, first + n);
    this.#count += keys.length;
    return made as LogRow;
  }

  /** Call this when the row that `append` made of these keys was lost. */
  onLost(keys: readonly string[]): void {
    this.#count -= keys.length;
  }

  /**
   * The row of a delivery that has one of the keys; null when none is known. Ignores rows that are still on their way
   * to the disk. Call it once `learn()` has resolved.
   */
  find(keys: readonly string[]): number | null {
    assert(this.#isLearned, "keys are found once they were learned");
    for (const key of keys) {
      for (const id of this.#index.find(key)) {
        const row = this.#statements.get("select key from hook_keys where id = ?").get(id);
        if (row?.key === key) return Math.floor(id / keysOfRow);
      }
    }
    return null;
  }

  /** The ids of a source's deliveries, oldest first. */
  listIds(source: string, afterId: number, limit: number): number[] {
    const sql = "select id from logs where source = ? and type = 'hook.delivery' and id > ? order by id limit ?";
    return this.#statements.get(sql).all(source, afterId, limit).map(({ id }) => Number(id));
  }

  /**
   * Removes some of the oldest keys, if they are too old or too many. A key that came while the clock was ahead keeps
   * later ones until there are too many. True when more keys must be removed.
   */
  trim(): boolean {
    // During learning, removed keys would be counted.
    if (this.#learning !== null && !this.#isLearned) return false;
    const old = this.#clock.now() - hookKeysKeepMs, over = this.#isLearned ? this.#count - this.#keysMax : 0;
    const isOver = (row: { id: number; ts: number }, at: number) => at < over || row.ts < old;
    if (!this.#readOldest(1).some(isOver)) return false;
    const oldest = this.#readOldest(hookKeysStep), end = oldest.findIndex((row, at) => !isOver(row, at));
    const removed = end < 0 ? oldest.length : end, upTo = oldest[removed - 1]?.id ?? 0;
    this.#writer.write([{ sql: "delete from hook_keys where id <= ?", values: [upTo] }]);
    this.#index.forgetUpTo(upTo);
    if (this.#isLearned) this.#count -= removed;
    return removed === hookKeysStep;
  }

  async #learnAll(): Promise<void> {
    const newest = this.#newestOld ??= this.#readNewest();
    const sql = "select id, key from hook_keys where id > ? and id <= ? order by id limit ?";
    while (this.#learnedTo < newest) {
      const rows = this.#statements.get(sql).all(this.#learnedTo, newest, hookKeysStep);
      for (const { id, key } of rows) this.#index.add(String(key), Number(id));
      this.#count += rows.length;
      this.#learnedTo = rows.length < hookKeysStep ? newest : Number(rows.at(-1)?.id);
      // Gives the event loop a turn.
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
    this.#isLearned = true;
  }

  #readNewest(): number {
    return Number(this.#statements.get("select max(id) as id from hook_keys").get()?.id ?? 0);
  }

  #readOldest(limit: number): { id: number; ts: number }[] {
    return this.#statements.get("select id, ts from hook_keys order by id limit ?").all(limit)
      .map(({ id, ts }) => ({ id: Number(id), ts: Number(ts) }));
  }
}

function insertKeys(keys: readonly string[], first: number, ts: number): Step {
  const places = keys.map(() => "(?, ?, ?)").join(", ");
  return { sql: `insert into hook_keys values ${places}`, values: keys.flatMap((key, n) => [first + n, key, ts]) };
}
