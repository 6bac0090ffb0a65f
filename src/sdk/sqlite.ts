/** The types of `ctx.sqlite`: SQL over a sense's own database, without its handle. */

/** A value of a column. Integers beyond 2^53 are an error, or bigint where they are asked for. */
export type SqliteValue = null | number | bigint | string | Uint8Array;
/** A value for a parameter. A number is stored as a real where the column has no type: give a bigint for an integer. */
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

/** One statement. It holds nothing open: it may be kept and run as often as you like. */
export interface SqliteStatement<Row = SqliteRow> {
  /** The first row; undefined when there is none. */
  get(...parameters: SqliteParameters): Row | undefined;
  all(...parameters: SqliteParameters): Row[];
  run(...parameters: SqliteParameters): SqliteChanges;
  /** Row by row, for an answer that is too large for memory. It ends with the compute. */
  iterate(...parameters: SqliteParameters): IterableIterator<Row>;
}

export interface SqliteStatementOptions {
  /** Rows are arrays of values. Default: false, objects. */
  readonly returnArrays?: boolean;
  /** Every integer is a bigint. Default: false. */
  readonly readBigInts?: boolean;
}

/**
 * SQL over a sense's own database. What it refuses, such as `attach`, `vacuum` and pragmas that place or lock the
 * database, throws an error that says "not authorized".
 * @example
 * ```ts
 * sqlite.exec("create table if not exists words (word text primary key) strict");
 * sqlite.prepare("insert or ignore into words values (?)").run("hello");
 * const { n } = sqlite.prepare("select count(*) as n from words").get() ?? {};
 * ```
 */
export interface SenseSqlite {
  /** Runs a script of any number of statements, which returns nothing. */
  exec(script: string): void;
  /** One statement, checked now. The same text is prepared once. */
  prepare<Row = SqliteRow>(sql: string, options?: SqliteStatementOptions): SqliteStatement<Row>;
  /**
   * Runs `work`, which must be synchronous, as one transaction, or as a savepoint inside of one (a compute is one
   * already): what it wrote stays as a whole, or is undone when it throws. Returns what `work` returns.
   */
  transaction<T>(work: () => T): T;
  /** Whether a transaction is under way. */
  readonly isTransaction: boolean;
}
