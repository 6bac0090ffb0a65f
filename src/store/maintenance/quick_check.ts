/**
 * SQLite's own check of a database, without the expressions of its schema: check constraints and computed columns,
 * either of which may take hours. Used by database_health.ts, verify.ts and backup.ts.
 */
import type { DatabaseSync } from "node:sqlite";

/** At most `max` problems; none for a sound database. Throws SQLite's error when the database cannot even be read. */
export function quickCheck(db: DatabaseSync, max: number): string[] {
  db.exec("pragma ignore_check_constraints = on");
  const computing = new Set(listComputingTables(db));
  if (computing.size === 0) return readProblems(db, `pragma quick_check(${max})`);
  return listTables(db).filter((name) => !computing.has(name))
    .flatMap((name) => readProblems(db, `pragma quick_check("${name.replaceAll('"', '""')}")`)).slice(0, max);
}

function readProblems(db: DatabaseSync, sql: string): string[] {
  const rows = db.prepare(sql).all().map((row) => String(row.quick_check));
  if (rows.length === 0) return ["no answer"];
  return rows.join() === "ok" ? [] : rows;
}

function listTables(db: DatabaseSync): string[] {
  return db.prepare("select name from sqlite_schema where type = 'table' and sql not like 'create virtual%'").all()
    .map(({ name }) => String(name));
}

/** Tables with columns that are computed whenever they are read. */
function listComputingTables(db: DatabaseSync): string[] {
  const columns = db.prepare("select 1 from pragma_table_xinfo(?) where hidden = 2 limit 1");
  return listTables(db).filter((name) => columns.get(name) !== undefined);
}

/** The columns of a table whose values are stored. */
export function listStoredColumns(db: DatabaseSync, table: string): string[] {
  return db.prepare("select name from pragma_table_xinfo(?) where hidden in (0, 3)").all(table)
    .map(({ name }) => String(name));
}
