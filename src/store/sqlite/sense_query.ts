/**
 * Queries of a sense's database: any single statement that only reads, the newest rows of a table, the schema. Used by
 * the command line, with or without a running daemon.
 * I1. Nothing is written: the connection is read-only, and an authorizer checks each statement as it is prepared.
 * I2. Rows are streamed: a large answer is never held in memory, and no read transaction is held open for long.
 */
import { constants, type DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite";
import { systemClock } from "../../base/clock.ts";
import { queryAheadMaxBytes, queryAheadMaxRows, queryHeldMaxMs } from "../../base/database_limits.ts";
import { formatDuration } from "../../base/duration.ts";
import { messageOf, NerveError } from "../../base/errors.ts";
import { openDatabase } from "./database.ts";
import { judgeReading } from "./sql_rules.ts";
import { prepareOnlyStatement } from "./sql_script.ts";

/** Integers beyond 2^53 are bigint. */
export type SqlValue = null | number | bigint | string | Uint8Array;

/** Iterate `rows` only once: the database closes when the iteration ends, even early. */
export interface QueryAnswer {
  readonly columns: readonly string[];
  readonly rows: Iterable<SqlValue[]>;
}

/** Throws NerveError QUERY_INVALID for anything but one reading statement, STORE_FAILED when there is no database. */
export function runReadOnlyQuery(databasePath: string, sql: string): QueryAnswer {
  const db = openForQuery(databasePath);
  try {
    return streamRows(db, prepareRead(db, sql), []);
  } catch (thrown) {
    db.close();
    throw thrown;
  }
}

/**
 * The newest rows of `table`, newest first. Without `table`, of the sense's first table.
 * Throws NerveError QUERY_INVALID when there is no such table.
 */
export function readNewestRows(
  databasePath: string,
  table: string | null,
  limit: number,
): QueryAnswer & { readonly table: string } {
  const db = openForQuery(databasePath);
  try {
    const tables = listUserTables(db);
    const found = table === null ? tables[0] : tables.find(({ name }) => name === table);
    if (found === undefined) throw noTableError(table, tables.map(({ name }) => name));
    const order = found.withoutRowid ? "" : " order by rowid desc";
    const statement = db.prepare(`select * from ${quoteName(found.name)}${order} limit ?`);
    return { table: found.name, ...streamRows(db, statement, [limit]) };
  } catch (thrown) {
    db.close();
    throw thrown;
  }
}

export interface ColumnSchema {
  readonly name: string;
  /** As declared; empty when undeclared. */
  readonly type: string;
  readonly notNull: boolean;
  readonly primaryKey: boolean;
}

export interface TableSchema {
  readonly name: string;
  readonly sql: string;
  /** The `create index` statements of the table. */
  readonly indexes: readonly string[];
  readonly columns: readonly ColumnSchema[];
  readonly rows: number;
}

/** The sense's own tables, in order of creation. */
export function readSchema(databasePath: string): TableSchema[] {
  const db = openForQuery(databasePath);
  try {
    return listUserTables(db).map(({ name, sql }) => ({
      name,
      sql,
      indexes: db.prepare("select sql from sqlite_schema where type = 'index' and tbl_name = ? and sql is not null")
        .all(name).map((row) => String(row.sql)),
      columns: db.prepare("select * from pragma_table_info(?)").all(name).map((column) => ({
        name: String(column.name),
        type: String(column.type),
        notNull: column.notnull === 1,
        primaryKey: column.pk !== 0,
      })),
      rows: Number(db.prepare(`select count(*) as rows from ${quoteName(name)}`).get()?.rows ?? 0),
    }));
  } finally {
    db.close();
  }
}

/** Attaching is disabled: `vacuum into` would write a file even over a read-only connection, without the authorizer. */
export function openForQuery(databasePath: string): DatabaseSync {
  const db = openDatabase(databasePath, { readOnly: true });
  db.limits.attach = 0;
  return db;
}

function prepareRead(db: DatabaseSync, sql: string): StatementSync {
  let authorized = false, denied: string | null = null;
  db.setAuthorizer((action, first, second) => {
    authorized = true;
    denied ??= judgeReading(action, first, second);
    return denied === null ? constants.SQLITE_OK : constants.SQLITE_DENY;
  });
  let statement: StatementSync | null;
  try {
    statement = prepareOnlyStatement(db, sql);
  } catch (thrown) {
    throw new NerveError("QUERY_INVALID", `the query was rejected: ${denied ?? messageOf(thrown)}`, {
      hint: denied !== null ? "write a single select, or a pragma that only reads" : "nerve sense schema NAME",
      cause: thrown,
    });
  }
  db.setAuthorizer(null);
  // A statement that calls no authorizer, such as vacuum, reads nothing.
  if (statement !== null && authorized) return statement;
  throw new NerveError("QUERY_INVALID", "the query is not exactly one reading statement", {
    hint: "write one select",
  });
}

function streamRows(db: DatabaseSync, statement: StatementSync, values: readonly SQLInputValue[]): QueryAnswer {
  const columns = statement.columns().map(({ name }) => name);
  statement.setReturnArrays(true);
  statement.setReadBigInts(true);
  return { columns, rows: iterateRows(db, statement, values) };
}

/**
 * Reads ahead, so that a slow consumer holds no read transaction for a usual answer: it would keep the sense from
 * emptying its -wal file. A larger answer has to be consumed within `queryHeldMaxMs`.
 */
function* iterateRows(
  db: DatabaseSync,
  statement: StatementSync,
  values: readonly SQLInputValue[],
): Generator<SqlValue[]> {
  const began = systemClock.monotonic(), ahead: SqlValue[][] = [];
  try {
    let bytes = 0, isAhead = true;
    for (const row of readRows(db, statement, values)) {
      if (isAhead) {
        ahead.push(row);
        bytes += bytesOf(row);
        isAhead = ahead.length < queryAheadMaxRows && bytes < queryAheadMaxBytes;
        continue;
      }
      yield* ahead.splice(0);
      yield row;
      if (systemClock.monotonic() - began > queryHeldMaxMs) throw new Error(tooSlow);
    }
    db.close();
    yield* ahead;
  } catch (thrown) {
    throw new NerveError("QUERY_INVALID", `the query failed: ${messageOf(thrown)}`, {
      hint: "nerve sense schema NAME shows the tables",
      cause: thrown,
    });
  } finally {
    if (db.isOpen) db.close();
  }
}

const tooSlow =
  `its rows were taken for longer than ${formatDuration(queryHeldMaxMs)}, in which the sense cannot empty ` +
  "its -wal file: ask for less at a time";

function* readRows(
  db: DatabaseSync,
  statement: StatementSync,
  values: readonly SQLInputValue[],
): Generator<SqlValue[]> {
  let rows = 0;
  // One snapshot for the rows and for their count.
  db.exec("begin");
  for (const row of statement.iterate(...values)) {
    rows++;
    yield (row as unknown as SqlValue[]).map(toShortestNumber);
  }
  if (rows !== countRows(db, statement, values)) statement.all(...values);
}

function bytesOf(row: readonly SqlValue[]): number {
  return row.reduce<number>((sum, value) => sum + (Object(value).length ?? 8), 0);
}

/**
 * The number of rows of the statement; null when it cannot be counted (a pragma). On Deno 2.9.6 an error between two
 * rows ends `iterate` as if there were no more rows: only the count reveals it, and `all` then throws the error.
 */
function countRows(db: DatabaseSync, statement: StatementSync, values: readonly SQLInputValue[]): number | null {
  if (!/^(select|with|values)\b/i.test(statement.sourceSQL)) return null;
  const sql = statement.sourceSQL.replace(/;$/, "");
  return Number(db.prepare(`select count(*) as rows from (\n${sql}\n)`).get(...values)?.rows);
}

function toShortestNumber(value: SqlValue): SqlValue {
  const fits = typeof value === "bigint" && BigInt.asIntN(54, value) === value;
  return fits ? Number(value) : value;
}

/** The tables of the sense: without SQLite's, nerve's (`_migrations`), views and parts of virtual tables. */
export function listUserTables(db: DatabaseSync): { name: string; sql: string; withoutRowid: boolean }[] {
  return db.prepare(
    "select s.name, s.sql, l.wr as withoutRowid from pragma_table_list l join sqlite_schema s on s.name = l.name" +
      " where l.schema = 'main' and l.type = 'table' and s.type = 'table'" +
      " and s.name not like 'sqlite\\_%' escape '\\' and s.name not like '\\_%' escape '\\' order by s.rowid",
  ).all().map(({ name, sql, withoutRowid }) => ({
    name: String(name),
    sql: String(sql),
    withoutRowid: withoutRowid === 1,
  }));
}

function noTableError(table: string | null, tables: readonly string[]): NerveError {
  const what = table === null ? "the database has no table yet" : `there is no table ${table}`;
  return new NerveError("QUERY_INVALID", what, {
    hint: tables.length === 0
      ? "its tables are made by the files in its folder migrations/, before its first compute"
      : `its tables: ${tables.join(", ")}`,
  });
}

export function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
