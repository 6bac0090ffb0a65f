/** Small values by key, in the table `meta` of data/logs.db. Written with the log's group commit (group_commit.ts). */
import type { GroupCommit } from "../commit/group_commit.ts";
import type { Step } from "../commit/operations.ts";
import type { StatementCache } from "../sqlite/database.ts";

/** Milliseconds: rows older than this may be in the archive only. */
export const archivedUpToKey = "archived_up_to";

/** Ids of the log begin after this one, if it is there: up to it they are in the archive of the log before. */
export const idsAfterKey = "ids_after";

export function setMeta(key: string, value: string): Step {
  return {
    sql: "insert into meta values (?, ?) on conflict (key) do update set value = excluded.value",
    values: [key, value],
  };
}

export class MetaStore {
  readonly #statements: StatementCache;
  readonly #writer: GroupCommit;
  /** What was set may be on its way to the disk: a tick that is read back as the one before would be caught up again. */
  readonly #latest = new Map<string, string>();

  constructor(statements: StatementCache, writer: GroupCommit) {
    this.#statements = statements;
    this.#writer = writer;
  }

  /** The value as last set, or null. */
  get(key: string): string | null {
    const latest = this.#latest.get(key);
    if (latest !== undefined) return latest;
    const row = this.#statements.get("select value from meta where key = ?").get(key);
    return row === undefined ? null : String(row.value);
  }

  /** Never throws for what the disk does: a value that could not be written is counted (`GroupCommit.counters`). */
  set(key: string, value: string): void {
    this.#latest.set(key, value);
    this.#writer.write([setMeta(key, value)]);
  }
}
