/** Small values by key, in the table `meta` of data/logs.db. Written with the log's group commit (writer.ts). */
import type { StatementCache } from "./sqlite.ts";
import type { Writer } from "./writer.ts";

export class MetaStore {
  readonly #statements: StatementCache;
  readonly #writer: Writer;

  constructor(statements: StatementCache, writer: Writer) {
    this.#statements = statements;
    this.#writer = writer;
  }

  /** The value as last set, or null. */
  get(key: string): string | null {
    const row = this.#statements.get("select value from meta where key = ?").get(key);
    return row === undefined ? null : String(row.value);
  }

  /** Never throws for what the disk does: a value that could not be written is counted (`Writer.counters`). */
  set(key: string, value: string): void {
    const sql = "insert into meta values (?, ?) on conflict (key) do update set value = excluded.value";
    this.#writer.write(() => this.#statements.get(sql).run(key, value));
  }
}
