/**
 * What SQL that nerve did not write may do, in one table: user code over its sense's own database (`judgeOwnSql`), and
 * readers of a sense's database (`judgeReading`). SQLite asks about each action of a statement while it prepares it
 * (guarded_database.ts, migrations.ts, sense_query.ts). docs/senses.md lists what is open.
 * I1. Everything that is not in the table is refused: an action, a pragma or a module that a newer SQLite adds.
 * I2. Nothing here uses what user code can replace.
 */
import { constants } from "node:sqlite";
import { uncurried } from "../../base/uncurried.ts";

/** Why an action is refused; null when it is not. `first` and `second` are SQLite's arguments for it. */
export type SqlJudge = (action: number, first: string | null, second: string | null) => string | null;

/**
 * - `read`: only reads, whatever its argument is.
 * - `set`: reads without an argument; with one, makes a setting that affects no one else.
 * - `show`: only without an argument; with one it would place, lock, checkpoint, wait, or break nerve's own statements.
 * - `do`: works on the database, and reads nothing.
 */
type PragmaUse = "read" | "set" | "show" | "do";

/** The open pragmas. All others are refused: they place files, lock, checkpoint, wait, or change the journal. */
const pragmas: Readonly<Record<PragmaUse, readonly string[]>> = {
  read: [
    ...["table_info", "table_xinfo", "table_list", "index_list", "index_info", "index_xinfo", "foreign_key_list"],
    ...["function_list", "module_list", "pragma_list", "collation_list", "database_list", "compile_options"],
    ...["foreign_key_check", "quick_check", "integrity_check"],
  ],
  set: [
    ...["user_version", "application_id", "foreign_keys", "defer_foreign_keys", "recursive_triggers", "secure_delete"],
    ...["auto_vacuum", "cache_size", "max_page_count", "analysis_limit", "legacy_alter_table"],
  ],
  show: [
    ...["data_version", "encoding", "freelist_count", "journal_mode", "page_count", "page_size", "schema_version"],
    ...["synchronous", "temp_store"],
  ],
  do: ["optimize", "incremental_vacuum", "shrink_memory"],
};

/** Functions that reach beyond the database. All others of SQLite compute. */
const closedFunctions: Readonly<Record<string, string>> = {
  fts3_tokenizer: "it takes and gives addresses of the process's memory",
  load_extension: "it loads code",
};

/** The modules with which a sense may make virtual tables. */
const modules = ["fts3", "fts4", "fts4aux", "fts3tokenize", "fts5", "fts5vocab", "rtree", "rtree_i32"];

/** SQLite's numbers of actions that node:sqlite does not name, or does not name in its types. */
const action = {
  createIndex: 1,
  createTable: 2,
  createTempIndex: 3,
  createTempTable: 4,
  createTempTrigger: 5,
  createTempView: 6,
  createTrigger: 7,
  createView: 8,
  delete: 9,
  dropIndex: 10,
  dropTable: 11,
  dropTempIndex: 12,
  dropTempTable: 13,
  dropTempTrigger: 14,
  dropTempView: 15,
  dropTrigger: 16,
  dropView: 17,
  insert: 18,
  update: 23,
  alterTable: 26,
  reindex: 27,
  analyze: 28,
  createVirtualTable: 29,
  dropVirtualTable: 30,
} as const;

const reading = [constants.SQLITE_READ, constants.SQLITE_SELECT, constants.SQLITE_RECURSIVE];
const writing = Object.values(action).filter((each) => each !== action.createVirtualTable);
const transactions = [constants.SQLITE_TRANSACTION, constants.SQLITE_SAVEPOINT];

// Objects without a prototype: a lookup finds what is written here, and nothing else.
const useOfPragma = toTable<PragmaUse>(
  (Object.keys(pragmas) as PragmaUse[]).flatMap((use) => pragmas[use].map((name) => [name, use])),
);
const whyClosed = toTable(Object.entries(closedFunctions));
const openModules = toTable(modules.map((name) => [name, true]));
const openToOwn = toTable([...reading, ...writing, ...transactions].map((each) => [`${each}`, true]));
const schemaChanges = toTable(
  [
    ...[action.createTable, action.createTempTable, action.createView, action.createTempView, action.alterTable],
    ...[action.dropTable, action.dropTempTable, action.dropView, action.dropTempView],
  ].map((each) => [`${each}`, true]),
);
const openToReaders = toTable(reading.map((each) => [`${each}`, true]));

function toTable<T>(entries: readonly (readonly [string, T])[]): Readonly<Record<string, T | undefined>> {
  return Object.freeze(Object.assign(Object.create(null), Object.fromEntries(entries)));
}

/** Whether a statement with this action may change the columns of tables and views. */
export function changesSchema(does: number): boolean {
  return schemaChanges[does] === true;
}

const toLowerCase = uncurried(String.prototype.toLowerCase);

/** The rules of user code over its sense's own database. */
export const judgeOwnSql: SqlJudge = (does, first, second) => {
  if (openToOwn[does] === true) return null;
  switch (does) {
    case constants.SQLITE_FUNCTION:
      return judgeFunction(second);
    case constants.SQLITE_PRAGMA: {
      const use = useOfPragma[toLowerCase(first ?? "")];
      return use === undefined || (use === "show" && second !== null) ? refusePragma(first, second) : null;
    }
    case action.createVirtualTable:
      return openModules[toLowerCase(second ?? "")] === true ? null : `the module ${second} is closed to a sense`;
    case constants.SQLITE_ATTACH:
    case constants.SQLITE_DETACH:
      return "attach, detach and vacuum are closed: a sense has one database, in its place";
    default:
      return `a statement does what nerve does not know (action ${does})`;
  }
};

/** The rules for readers of a database: a peer of the sense, or the command line. No transaction is left open. */
export const judgeReading: SqlJudge = (does, first, second) => {
  if (openToReaders[does] === true) return null;
  if (does === constants.SQLITE_FUNCTION) return judgeFunction(second);
  if (does !== constants.SQLITE_PRAGMA) return "it would do more than read";
  const use = useOfPragma[toLowerCase(first ?? "")];
  return use === "read" || ((use === "show" || use === "set") && second === null) ? null : refusePragma(first, second);
};

function judgeFunction(name: string | null): string | null {
  const why = whyClosed[toLowerCase(name ?? "")];
  return why === undefined ? null : `the function ${name} is closed: ${why}`;
}

function refusePragma(name: string | null, argument: string | null): string {
  const written = argument === null ? `${name}` : `${name} = ${argument}`;
  return `pragma ${written} is closed: nerve decides where a database lies and how it is locked, written and synced`;
}
