/** `nerve sense query` and `nerve sense schema`: read the database of a sense, whether or not a daemon runs. */
import { NerveError } from "../../base/errors.ts";
import { readNewestRows, readSchema, runReadOnlyQuery } from "../../store/sqlite/sense_query.ts";
import { type CliIo, exit } from "../io.ts";
import { type RowFormat, toPrintableSql, writeRows } from "../render/query_rows.ts";
import { dim, plural, print, printJson, sign } from "../render/terminal.ts";
import { findDatabase } from "../sense_database.ts";
import { openWorkspace } from "../workspace.ts";

interface QueryFlags {
  readonly format: RowFormat;
  readonly json: boolean;
  readonly limit?: number | undefined;
  readonly workspace?: string | undefined;
}

const defaultLimit = 20;

export async function senseQuery(io: CliIo, flags: QueryFlags, name: string, sql?: string): Promise<number> {
  const database = await findDatabase(await openWorkspace(io, flags.workspace), name);
  const format = flags.json ? "json" : flags.format;
  if (database === null) return answerWithoutDatabase(io, name, format, sql);
  if (sql !== undefined) {
    const count = writeRows(io, runReadOnlyQuery(database, sql), format);
    if (format === "table") print(io, dim(io, plural(count, "row")));
    return exit.ok;
  }
  const answer = readNewestRows(database, null, flags.limit ?? defaultLimit);
  const count = writeRows(io, answer, format);
  if (format === "table") {
    print(io, dim(io, `the newest ${plural(count, "row")} of ${answer.table}; tables: nerve sense schema ${name}`));
  }
  return exit.ok;
}

/** Without SQL, there are no rows to show. With SQL it fails: the result is unknown without the tables. */
function answerWithoutDatabase(io: CliIo, name: string, format: RowFormat, sql: string | undefined): number {
  if (sql !== undefined) {
    throw new NerveError("DATABASE_MISSING", `sense "${name}" has no database to query yet`, {
      hint: createComputeHint(name),
    });
  }
  if (format === "json") printJson(io, []);
  else if (format === "table") printNothingStored(io, name, "0 rows");
  return exit.ok;
}

function printNothingStored(io: CliIo, name: string, nothing: string): void {
  print(io, dim(io, nothing));
  print(io, `${sign.next} ${createComputeHint(name)}`);
}

function createComputeHint(name: string): string {
  return `its first compute creates its database: nerve start, nerve sense trigger ${name} --wait`;
}

interface SchemaFlags {
  readonly json: boolean;
  readonly workspace?: string | undefined;
}

export async function senseSchema(io: CliIo, flags: SchemaFlags, name: string): Promise<number> {
  const database = await findDatabase(await openWorkspace(io, flags.workspace), name);
  const tables = database === null ? [] : readSchema(database);
  if (flags.json) {
    printJson(io, { sense: name, tables });
    return exit.ok;
  }
  if (database === null) {
    printNothingStored(io, name, "0 tables");
    return exit.ok;
  }
  for (const { sql, indexes, rows } of tables) {
    print(io, `${toPrintableSql(sql)};`);
    for (const index of indexes) print(io, `${toPrintableSql(index)};`);
    print(io, dim(io, `-- ${plural(rows, "row")}\n`));
  }
  print(io, dim(io, plural(tables.length, "table")));
  return exit.ok;
}
