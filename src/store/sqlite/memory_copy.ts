/**
 * Copies a database into memory, for a sense on a full disk: SQLite cannot open a database without space for the file
 * that its connections share. Used by sense_database.ts.
 * I1. The database on disk is only read, without locks: no other process can write to it meanwhile.
 */
import { constants, type DatabaseSync } from "node:sqlite";
import { toFileUrl } from "../../base/file_url.ts";
import { memoryCopyMaxBytes } from "../../base/database_limits.ts";
import { ifPresent } from "../../base/if_present.ts";
import { openDatabase } from "./database.ts";
import { judgeOwnSql } from "./sql_rules.ts";

/**
 * A database in memory with the contents of the one at `path`; an empty one, if there is none. Rows that a crash left
 * in its -wal file are missing. Null when the database is too large or has tables that are not plain.
 */
export function copyIntoMemory(path: string): DatabaseSync | null {
  const size = ifPresent(() => Deno.statSync(path).size) ?? 0;
  if (size > memoryCopyMaxBytes) return null;
  const copy = openDatabase(":memory:");
  try {
    // As for the database itself: see sense_database.ts.
    copy.exec("pragma temp_store = memory");
    if (size > 0) copyFrom(path, copy);
    return copy;
  } catch {
    // The error from opening the database says more.
    copy.close();
    return null;
  }
}

function copyFrom(path: string, copy: DatabaseSync): void {
  const url = toFileUrl(path);
  url.searchParams.set("immutable", "1");
  copy.prepare("attach ? as disk").run(url.href);
  // The sense itself may have written this schema.
  copy.setAuthorizer((action, first, second) =>
    judgeOwnSql(action, first, second) === null ? constants.SQLITE_OK : constants.SQLITE_DENY
  );
  const parts = copy.prepare("select type, name, sql from disk.sqlite_schema where sql is not null order by rowid")
    .all();
  const ofKind = (wanted: (type: unknown) => boolean) =>
    parts.filter(({ type, name }) => wanted(type) && !isInternal(name));
  for (const { name, sql } of ofKind((type) => type === "table")) {
    if (/^create virtual/i.test(String(sql))) throw new Error(`${name} is no plain table`);
    copy.exec(String(sql));
    const quoted = `"${String(name).replaceAll('"', '""')}"`;
    copy.exec(`insert into main.${quoted} select * from disk.${quoted}`);
  }
  for (const { sql } of ofKind((type) => type !== "table")) copy.exec(String(sql));
  copy.setAuthorizer(null);
  copy.exec("detach disk");
}

function isInternal(name: unknown): boolean {
  return String(name).startsWith("sqlite_");
}
