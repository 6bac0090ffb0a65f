/**
 * Deliveries of hooks, and the keys by which a repeated one is known: the table `hook_keys` of data/logs.db. Used by
 * kernel/hooking.ts.
 */
import { hookKeysKeepMs, hookKeysMax, hookKeysStep } from "../../base/hook_limits.ts";
import type { Clock } from "../../base/time.ts";
import type { LogRow, NewLogRow } from "../../protocol/log.ts";
import type { GroupCommit } from "../commit/group_commit.ts";
import type { Step } from "../commit/operations.ts";
import type { LogStore } from "../log/log_store.ts";
import type { StatementCache } from "../sqlite/database.ts";
import { NewKeys } from "./new_keys.ts";

export class HookStore {
  readonly #statements: StatementCache;
  readonly #writer: GroupCommit;
  readonly #log: LogStore;
  readonly #clock: Clock;
  readonly #newKeys: NewKeys;
  /** About how many keys there are; null until they are counted. */
  #count: number | null = null;

  constructor(statements: StatementCache, writer: GroupCommit, log: LogStore, clock: Clock) {
    this.#statements = statements;
    this.#writer = writer;
    this.#log = log;
    this.#clock = clock;
    this.#newKeys = new NewKeys(statements, () => log.durable(false));
  }

  /** In one write. It is on disk when a later `LogStore.durable()` resolves. */
  append(row: NewLogRow, keys: readonly string[]): LogRow {
    const ts = this.#clock.now();
    let rowId = 0;
    this.#newKeys.add(keys);
    const [made] = this.#log.appendAll([(id) => {
      rowId = id;
      return row;
    }], () => keys.length === 0 ? [] : [insertKeys(keys, rowId, ts)]);
    if (this.#count !== null) this.#count += keys.length;
    return made as LogRow;
  }

  /** The row of a delivery that has one of the keys; null when none is known. Does not see what is on the way to the disk. */
  find(keys: readonly string[]): number | null {
    const likely = keys.filter((key) => !this.#newKeys.isNew(key));
    if (likely.length === 0) return null;
    // One statement: each one takes the locks of the database, and reads pages again that a commit off the thread changed.
    const places = likely.map(() => "?").join(", ");
    const row = this.#statements.get(`select log_id as id from hook_keys where key in (${places}) limit 1`).get(
      ...likely,
    );
    return row === undefined ? null : Number(row.id);
  }

  /** The ids of deliveries of a source, oldest first. */
  listIds(source: string, afterId: number, limit: number): number[] {
    const sql = "select id from logs where source = ? and type = 'hook.delivery' and id > ? order by id limit ?";
    return this.#statements.get(sql).all(source, afterId, limit).map(({ id }) => Number(id));
  }

  /** Removes some keys that are too old, or too many: the oldest. True when more are left to remove. */
  trim(): boolean {
    this.#count ??= Number(this.#statements.get("select count(*) as count from hook_keys").get()?.count ?? 0);
    const old = this.#clock.now() - hookKeysKeepMs, over = Math.max(0, this.#count - hookKeysMax);
    const sql = "select count(*) as count from (select 1 from hook_keys where ts < ? limit ?)";
    const tooOld = Number(this.#statements.get(sql).get(old, hookKeysStep)?.count ?? 0);
    const removed = Math.min(hookKeysStep, Math.max(over, tooOld));
    if (removed === 0) return false;
    const oldest = "select key from hook_keys order by ts limit ?";
    this.#writer.write([{ sql: `delete from hook_keys where key in (${oldest})`, values: [removed] }]);
    this.#count -= removed;
    return removed === hookKeysStep;
  }
}

function insertKeys(keys: readonly string[], rowId: number, ts: number): Step {
  const places = keys.map(() => "(?, ?, ?)").join(", ");
  return { sql: `insert into hook_keys values ${places}`, values: keys.flatMap((key) => [key, rowId, ts]) };
}
