/**
 * `ctx.sqlite`: SQL over a sense's own database. Used by sense_runtime.ts.
 * I1. The objects here hold the database in private fields: nothing that user code can call or replace exposes its
 *     handle.
 * I2. nerve itself calls none of their methods: user code can replace them.
 */
import type {
  SenseSqlite,
  SqliteChanges,
  SqliteParameters,
  SqliteRow,
  SqliteStatement,
  SqliteStatementOptions,
} from "../sdk/sqlite.ts";
import type { GuardedDatabase } from "../store/sqlite/guarded_database.ts";
import type { RowMode } from "../store/sqlite/sql_source.ts";

export function createOwnSqlite(database: GuardedDatabase): SenseSqlite {
  return new OwnSqlite(database);
}

class OwnSqlite implements SenseSqlite {
  readonly #database: GuardedDatabase;

  constructor(database: GuardedDatabase) {
    this.#database = database;
  }

  exec(script: string): void {
    this.#database.exec(script);
  }

  prepare<Row = SqliteRow>(
    sql: string,
    { returnArrays = false, readBigInts = false }: SqliteStatementOptions = {},
  ): SqliteStatement<Row> {
    this.#database.check(sql);
    return new OwnStatement<Row>(this.#database, sql, { arrays: returnArrays === true, bigints: readBigInts === true });
  }

  transaction<T>(work: () => T): T {
    if (typeof work !== "function") throw new TypeError("sqlite.transaction takes the function that it runs");
    return this.#database.transaction("immediate", work);
  }

  get isTransaction(): boolean {
    return this.#database.isTransaction;
  }
}

class OwnStatement<Row> implements SqliteStatement<Row> {
  readonly #database: GuardedDatabase;
  readonly #sql: string;
  readonly #mode: RowMode;

  constructor(database: GuardedDatabase, sql: string, mode: RowMode) {
    this.#database = database;
    this.#sql = sql;
    this.#mode = mode;
  }

  get(...parameters: SqliteParameters): Row | undefined {
    return this.#database.get(this.#sql, parameters as unknown[], this.#mode) as Row | undefined;
  }

  all(...parameters: SqliteParameters): Row[] {
    return this.#database.all(this.#sql, parameters as unknown[], this.#mode) as Row[];
  }

  run(...parameters: SqliteParameters): SqliteChanges {
    return this.#database.run(this.#sql, parameters as unknown[], this.#mode);
  }

  iterate(...parameters: SqliteParameters): IterableIterator<Row> {
    return this.#database.iterate(this.#sql, parameters as unknown[], this.#mode) as IterableIterator<Row>;
  }
}
