/** The types of `ctx.sqlite`: SQL over a sense's own database, without its handle. */

/** A value of a column. An integer beyond 2^53 is an error, unless bigints are requested. */
export type SqliteValue = null | number | bigint | string | Uint8Array;
/** A value for a parameter. In a column without a type, a number is stored as a real: pass a bigint for an integer. */
export type SqliteInput = null | number | bigint | string | ArrayBufferView;
/** Named parameters, with or without their prefix: `{ id: 1 }` for `:id`, `@id` or `$id`. */
export type SqliteNamed = Readonly<Record<string, SqliteInput>>;
export type SqliteParameters = readonly [SqliteNamed, ...SqliteInput[]] | readonly SqliteInput[];
export type SqliteRow = Record<string, SqliteValue>;

export interface SqliteChanges {
  /** How many rows the statement inserted, updated or deleted. */
  changes: number | bigint;
  lastInsertRowid: number | bigint;
}

/** One statement. It holds nothing open: keep it and run it as often as you like. */
export interface SqliteStatement<Row = SqliteRow> {
  /** The first row; undefined when there is none. */
  get(...parameters: SqliteParameters): Row | undefined;
  all(...parameters: SqliteParameters): Row[];
  run(...parameters: SqliteParameters): SqliteChanges;
  /** Iterates row by row, for a result that is too large for memory. It ends with the compute. */
  iterate(...parameters: SqliteParameters): IterableIterator<Row>;
}

export interface SqliteStatementOptions {
  /** Rows are arrays of values. Default: false, objects. */
  readonly returnArrays?: boolean;
  /** Every integer is a bigint. Default: false. */
  readonly readBigInts?: boolean;
}

/**
 * SQL over a sense's own database. Refused statements, such as `attach`, `vacuum` and pragmas that place or lock the
 * database, throw an error with "not authorized" in its message.
 * @example
 * ```ts
 * sqlite.exec("create table if not exists words (word text primary key) strict");
 * sqlite.prepare("insert or ignore into words values (?)").run("hello");
 * const { n } = sqlite.prepare("select count(*) as n from words").get() ?? {};
 * ```
 */
export interface SenseSqlite {
  /** Runs a script of any number of statements and discards their results. */
  exec(script: string): void;
  /** Prepares one statement and checks it now. The same text is prepared only once. */
  prepare<Row = SqliteRow>(sql: string, options?: SqliteStatementOptions): SqliteStatement<Row>;
  /**
   * Runs `work`, which must be synchronous, in a transaction, or in a savepoint within one (a compute is a transaction
   * already): its writes are kept as a whole, or rolled back when it throws. Returns what `work` returns.
   */
  transaction<T>(work: () => T): T;
  /** Whether a transaction is under way. */
  readonly isTransaction: boolean;
}
