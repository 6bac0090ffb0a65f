/**
 * The interface through which Drizzle and `ctx.sqlite` run their SQL: a database without its handle.
 * guarded_database.ts implements it for a sense's own database, sandbox/peers.ts for those of others.
 */

/** How rows are returned. Each text has one prepared statement, whatever the modes. */
export interface RowMode {
  /** Arrays of values; otherwise objects without a prototype. */
  readonly arrays: boolean;
  /** Every integer as bigint; otherwise one beyond 2^53 is an error. */
  readonly bigints: boolean;
}

export const objectRows: RowMode = { arrays: false, bigints: false };
export const arrayRows: RowMode = { arrays: true, bigints: false };

export const transactionKinds = ["deferred", "immediate", "exclusive"] as const;
export type TransactionKind = typeof transactionKinds[number];

export interface SqlChanges {
  changes: number | bigint;
  lastInsertRowid: number | bigint;
}

/** Each method throws SQLite's error, or why the statement is refused. The callee may change the array of values. */
export interface SqlSource {
  /** Throws unless `sql` is one statement that may run. */
  check(sql: string): void;
  /** The first row; undefined when there is none. */
  get(sql: string, values: unknown[], mode: RowMode): unknown;
  all(sql: string, values: unknown[], mode: RowMode): unknown[];
  run(sql: string, values: unknown[], mode: RowMode): SqlChanges;
  /** Runs `work`, which must be synchronous, as one transaction, or as a savepoint inside of one. */
  transaction<T>(kind: TransactionKind, work: () => T): T;
}
