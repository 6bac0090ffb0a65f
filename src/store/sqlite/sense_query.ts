/**
 * Questions of a person or program to a sense's database: any single statement that only reads, the newest rows of a
 * table, the schema. Used by the command line, with a daemon running or without one.
 * I1. Nothing is written: the connection is read-only, and what a statement may do is checked when it is prepared.
 * I2. Rows are streamed: a large answer is never held in memory.
 */
import { constants, type DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite";
import { messageOf, NerveError } from "../../base/errors.ts";
import { openDatabase } from "./database.ts";
import { prepareOnlyStatement } from "./sql_script.ts";

/** Integers beyond 2^53 are bigint. */
export type SqlValue = null | number | bigint | string | Uint8Array;

/** The database is closed when `rows` has come to its end or is left early, so iterate it once. */
export interface QueryAnswer {
  readonly columns: readonly string[];
  readonly rows: Iterable<SqlValue[]>;
}

/** Throws NerveError QUERY_INVALID for anything but one statement that reads, STORE_FAILED when there is no database. */
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
 * The newest rows of `table`, the newest first. Without `table`: of the sense's first table.
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
  /** As declared; empty when it was not. */
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

/** The sense's own tables, in the order in which they were made. */
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

/** `vacuum into` would write a file even from a read-only connection, and asks no authorizer: it attaches it. */
function openForQuery(databasePath: string): DatabaseSync {
  const db = openDatabase(databasePath, { readOnly: true });
  db.limits.attach = 0;
  return db;
}

/** Pragmas that only tell, whatever they are given. */
const readOnlyPragmas = new Set([
  ...["table_info", "table_xinfo", "table_list", "index_list", "index_info", "index_xinfo", "foreign_key_list"],
  ...["function_list", "module_list", "collation_list", "database_list", "compile_options"],
  ...["foreign_key_check", "quick_check", "integrity_check"],
]);
const readingActions = new Set<number>([
  ...[constants.SQLITE_SELECT, constants.SQLITE_READ, constants.SQLITE_FUNCTION, constants.SQLITE_RECURSIVE],
]);

function prepareRead(db: DatabaseSync, sql: string): StatementSync {
  let asked = false, refused = false;
  db.setAuthorizer((action, name, argument) => {
    const telling = action === constants.SQLITE_PRAGMA &&
      (argument === null || readOnlyPragmas.has(name?.toLowerCase() ?? ""));
    asked = true;
    if (telling || readingActions.has(action)) return constants.SQLITE_OK;
    refused = true;
    return constants.SQLITE_DENY;
  });
  let statement: StatementSync | null;
  try {
    statement = prepareOnlyStatement(db, sql);
  } catch (thrown) {
    const why = refused ? "it would do more than read" : messageOf(thrown);
    throw new NerveError("QUERY_INVALID", `the query is refused: ${why}`, {
      hint: refused ? "only a single select, or a pragma that tells something" : "nerve sense schema NAME",
      cause: thrown,
    });
  }
  db.setAuthorizer(null);
  // A statement that asks for nothing, such as vacuum, reads nothing.
  if (statement !== null && asked) return statement;
  throw new NerveError("QUERY_INVALID", "the query is not exactly one statement that reads", {
    hint: "give one select",
  });
}

function streamRows(db: DatabaseSync, statement: StatementSync, values: readonly SQLInputValue[]): QueryAnswer {
  const columns = statement.columns().map(({ name }) => name);
  statement.setReturnArrays(true);
  statement.setReadBigInts(true);
  return { columns, rows: iterateRows(db, statement, values) };
}

function* iterateRows(
  db: DatabaseSync,
  statement: StatementSync,
  values: readonly SQLInputValue[],
): Generator<SqlValue[]> {
  let rows = 0;
  try {
    // One snapshot for the rows and for what checks them.
    db.exec("begin");
    for (const row of statement.iterate(...values)) {
      rows++;
      yield (row as unknown as SqlValue[]).map(toShortestNumber);
    }
    if (rows !== countRows(db, statement, values)) statement.all(...values);
  } catch (thrown) {
    throw new NerveError("QUERY_INVALID", `the query failed: ${messageOf(thrown)}`, {
      hint: "nerve sense schema NAME shows the tables",
      cause: thrown,
    });
  } finally {
    db.close();
  }
}

/**
 * How many rows the statement has; null when it is none that can be counted (a pragma). On Deno 2.9.6 an error between
 * two rows ends `iterate` as if that were the last row: only the count tells, and `all` then throws the error.
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

/** Not SQLite's, not ours (`_migrations`), no views and no parts of virtual tables. */
function listUserTables(db: DatabaseSync): { name: string; sql: string; withoutRowid: boolean }[] {
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

function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
