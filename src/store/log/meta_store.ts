/** Small values by key, in the table `meta` of data/logs.db. group_commit.ts commits them with the log. */
import type { GroupCommit } from "../commit/group_commit.ts";
import type { Step } from "../commit/operations.ts";
import type { StatementCache } from "../sqlite/database.ts";

/** The archive's watermark (milliseconds): older rows may be only in the archive. */
export const archivedUpToKey = "archived_up_to";

/** If set, the log's ids start after this one: the archive of an earlier log has the ids up to it. */
export const idsAfterKey = "ids_after";

/** The largest id that a row of this log has, or that is reserved. */
export function readLastId(statements: StatementCache): number {
  const sql = "select max(id) as id from (select max(id) as id from logs union all" +
    " select cast(value as integer) from meta where key = ?)";
  return Number(statements.get(sql).get(idsAfterKey)?.id ?? 0);
}

export function setMeta(key: string, value: string): Step {
  return {
    sql: "insert into meta values (?, ?) on conflict (key) do update set value = excluded.value",
    values: [key, value],
  };
}

export class MetaStore {
  readonly #statements: StatementCache;
  readonly #writer: GroupCommit;
  /** Values that may not be on disk yet: if an older tick were read back, it would be caught up again. */
  readonly #latest = new Map<string, string>();

  constructor(statements: StatementCache, writer: GroupCommit) {
    this.#statements = statements;
    this.#writer = writer;
  }

  /** The value that was set last, or null. */
  get(key: string): string | null {
    const latest = this.#latest.get(key);
    if (latest !== undefined) return latest;
    const row = this.#statements.get("select value from meta where key = ?").get(key);
    return row === undefined ? null : String(row.value);
  }

  /** The keys on disk that begin with `prefix`. */
  keys(prefix: string): string[] {
    const rows = this.#statements.get("select key from meta where key >= ? and key < ?").all(
      prefix,
      `${prefix}\u{10FFFF}`,
    );
    return rows.map(({ key }) => String(key));
  }

  /** Never throws for a disk failure: a lost value is counted (`GroupCommit.counters`). */
  set(key: string, value: string): void {
    this.setAll([[key, value]]);
  }

  /** Like `set`, never throws for a disk failure. */
  remove(key: string): void {
    this.#latest.delete(key);
    this.#writer.write([{ sql: "delete from meta where key = ?", values: [key] }]);
  }

  /** Like `set`, for several values in one operation: all of them are stored, or none. */
  setAll(values: readonly (readonly [key: string, value: string])[]): void {
    for (const [key, value] of values) this.#latest.set(key, value);
    this.#writer.write(values.map(([key, value]) => setMeta(key, value)));
  }
}
