/**
 * Opens and migrates every SQLite database of nerve, with the same safe options. Neighbours: everything else in this
 * room. Also used in the sandbox, where Deno grants only the database's own path: SQLite itself makes the -wal and -shm
 * files, which Deno's permissions do not cover.
 * I1. No database reads a double-quoted word as a string, loads an extension, or lets SQL write to its schema.
 * I2. A file made here is readable by its owner only; SQLite gives -wal and -shm the mode of the database.
 * I3. A transaction is atomic: what `inTransaction` runs is committed as a whole or not at all.
 */
import { dirname } from "node:path";
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { toFileUrl } from "../../base/file_url.ts";
import { walKeptMaxBytes } from "../../base/database_limits.ts";
import { ifPresent } from "../../base/if_present.ts";
import { assert, messageOf, NerveError } from "../../base/errors.ts";
import { databaseBusyMaxMs, lockRetryMs, preparedStatementsMax } from "../../base/limits.ts";
import { type Clock, delay } from "../../base/time.ts";
import { uncurried } from "../../base/uncurried.ts";

/** Parts of node:sqlite on Deno 2.9.6 that its bundled types lack. */
declare module "node:sqlite" {
  interface DatabaseSyncOptions {
    defensive?: boolean;
  }
  interface DatabaseSync {
    readonly limits: {
      /** The maximum of attached databases; `vacuum` attaches one. */
      attach: number;
    };
    /** `decide` returns a code of `constants` for each action of a statement being prepared; null removes it. */
    setAuthorizer(decide: ((action: number, first: string | null, second: string | null) => number) | null): void;
  }
  interface StatementSync {
    setReturnArrays(on: boolean): void;
    setReadBigInts(on: boolean): void;
  }
  namespace constants {
    const SQLITE_OK: number;
    const SQLITE_DENY: number;
    const SQLITE_PRAGMA: number;
    const SQLITE_READ: number;
    const SQLITE_SELECT: number;
    const SQLITE_TRANSACTION: number;
    const SQLITE_ATTACH: number;
    const SQLITE_DETACH: number;
    const SQLITE_FUNCTION: number;
    const SQLITE_SAVEPOINT: number;
    const SQLITE_RECURSIVE: number;
  }
}

const memory = ":memory:";

export interface OpenOptions {
  /** Default: false. A read-only database must exist. */
  readonly readOnly?: boolean;
  /** Default: false. True: the database must exist; neither it nor its folder is made. */
  readonly existing?: boolean;
  /** "full" fsyncs each commit; "normal" may lose the newest commits in a power cut. Default: "full". */
  readonly synchronous?: "full" | "normal";
}

/**
 * Opens the database at `path`, or one in memory for ":memory:". Creates a missing file (0600) and folder (0700),
 * unless it is read-only. Throws NerveError STORE_FAILED.
 */
export function openDatabase(path: string, options: OpenOptions = {}): DatabaseSync {
  const { readOnly = false, existing = false, synchronous = "full" } = options;
  let db: DatabaseSync | null = null;
  try {
    if (!readOnly && !existing && path !== memory) makePrivateFile(path);
    db = open(existing ? withoutCreating(path) : path, readOnly);
    if (!readOnly) db.exec(`pragma journal_mode = wal; pragma synchronous = ${synchronous}; ${boundWal}`);
    else if (cannotShare(db) && ifPresent(() => Deno.lstatSync(`${path}-wal`)) === null) {
      // On a read-only medium SQLite has no place for its -shm file, and no other process can change the database.
      db.close();
      db = open(immutable(path), readOnly);
    }
    return db;
  } catch (thrown) {
    db?.close();
    throw toStoreError(`the database ${path} cannot be opened`, thrown);
  }
}

/** A -wal file that readers made large becomes small again, so that readers and quotas see its real size. */
const boundWal = `pragma journal_size_limit = ${walKeptMaxBytes}`;

function open(path: string | URL, readOnly: boolean): DatabaseSync {
  const options = {
    // Options that are not named here keep their defaults, whatever user code adds to the prototype of objects.
    __proto__: null,
    readOnly,
    timeout: databaseBusyMaxMs,
    defensive: true,
    enableForeignKeyConstraints: true,
    enableDoubleQuotedStringLiterals: false,
    allowExtension: false,
  };
  return new DatabaseSync(path, options);
}

function withoutCreating(path: string): URL {
  const url = toFileUrl(path);
  url.searchParams.set("mode", "rw");
  return url;
}

function immutable(path: string): URL {
  const url = toFileUrl(path);
  url.searchParams.set("immutable", "1");
  return url;
}

/** Whether the database is in WAL mode and SQLite cannot make the files that its readers share. */
function cannotShare(db: DatabaseSync): boolean {
  try {
    db.prepare("select 1 from sqlite_schema limit 1").get();
    return false;
  } catch (thrown) {
    // Other faults are left to the reader, which meets them again.
    return /unable to open database file/.test(messageOf(thrown));
  }
}

function makePrivateFile(path: string): void {
  const make = () => Deno.openSync(path, { createNew: true, write: true, mode: 0o600 }).close();
  try {
    make();
  } catch (thrown) {
    if (thrown instanceof Deno.errors.AlreadyExists) return;
    if (!(thrown instanceof Deno.errors.NotFound)) throw thrown;
    Deno.mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    make();
  }
}

/** Runs `work` as one write transaction. `work` must be synchronous; an error undoes all of it. */
export function inTransaction<T>(db: DatabaseSync, work: () => T): T {
  db.exec("begin immediate");
  try {
    const result = work();
    db.exec("commit");
    return result;
  } catch (thrown) {
    // On a full disk, SQLite itself rolls back.
    if (db.isTransaction) db.exec("rollback");
    throw thrown;
  }
}

/**
 * Like `inTransaction`, for a connection that does not wait for locks (`pragma busy_timeout = 0`): while another
 * program holds the lock, it retries by the clock and does not block the event loop. Calls `prepare` before each try.
 */
export async function inTransactionWhenFree<T>(
  db: DatabaseSync,
  clock: Clock,
  work: () => T,
  prepare: () => void,
): Promise<T> {
  for (const until = clock.monotonic() + databaseBusyMaxMs;;) {
    prepare();
    try {
      return inTransaction(db, work);
    } catch (thrown) {
      if (!messageOf(thrown).includes("database is locked") || clock.monotonic() >= until) throw thrown;
    }
    await delay(clock, lockRetryMs);
  }
}

/**
 * Migrates `db` with `list`, an append-only list of SQL scripts. `user_version` counts the scripts that have run; each
 * runs in its own transaction. Throws NerveError STORE_FAILED for a database of a newer nerve.
 */
export function migrate(db: DatabaseSync, list: readonly string[], name: string): void {
  for (let version = readUserVersion(db); version !== list.length; version = readUserVersion(db)) {
    checkVersion(version, list.length, name);
    inTransaction(db, () => {
      // Another process may have been first.
      if (readUserVersion(db) !== version) return;
      const script = list[version];
      assert(script !== undefined, `migration ${version} of ${name}`);
      db.exec(script);
      db.exec(`pragma user_version = ${version + 1}`);
    });
  }
}

/** Throws NerveError STORE_FAILED when the database has a newer version than this program knows. */
export function checkVersion(version: number, known: number, name: string): void {
  if (version <= known) return;
  throw new NerveError("STORE_FAILED", `${name} has version ${version}, but this nerve knows only version ${known}`, {
    hint: "use the newer nerve that wrote it, or another workspace",
  });
}

export function readUserVersion(db: DatabaseSync): number {
  return Number(db.prepare("pragma user_version").get()?.user_version ?? 0);
}

type Statements = Map<string, StatementSync>;
// Captured: in the sandbox, user code that replaces a method of maps must not get hold of a statement.
const find = uncurried(Map.prototype.get) as (map: Statements, sql: string) => StatementSync | undefined;
const put = uncurried(Map.prototype.set) as (map: Statements, sql: string, statement: StatementSync) => void;
const drop = uncurried(Map.prototype.delete) as (map: Statements, sql: string) => boolean;
const keysOf = uncurried(Map.prototype.keys) as (map: Statements) => IterableIterator<string>;
const nextKey = uncurried(new Map<string, unknown>().keys().next) as (
  keys: IterableIterator<string>,
) => IteratorResult<string>;

/** Prepared statements by text; drops the least recently used one when there are too many. */
export class StatementCache {
  #db: Pick<DatabaseSync, "prepare">;
  readonly #max: number;
  #statements: Statements = new Map();
  #size = 0;

  constructor(db: Pick<DatabaseSync, "prepare">, max: number = preparedStatementsMax) {
    this.#db = db;
    this.#max = max;
  }

  /** Prepares statements for this connection from now on. */
  useDatabase(db: Pick<DatabaseSync, "prepare">): void {
    this.#db = db;
    this.#statements = new Map();
    this.#size = 0;
  }

  get(sql: string): StatementSync {
    const known = find(this.#statements, sql), statement = known ?? this.#db.prepare(sql);
    if (known !== undefined) drop(this.#statements, sql);
    else if (this.#size < this.#max) this.#size++;
    else drop(this.#statements, nextKey(keysOf(this.#statements)).value);
    put(this.#statements, sql, statement);
    return statement;
  }

  /**
   * Like `get`, with rows as arrays. Use only one of the two for a text. For many rows, arrays are 16 times as fast as
   * objects (measured, Deno 2.9.6).
   */
  arrays(sql: string): StatementSync {
    const statement = this.get(sql);
    statement.setReturnArrays(true);
    return statement;
  }

  get size(): number {
    return this.#size;
  }
}

/** Turns an error of SQLite or the disk into STORE_FAILED with a hint. Returns a NerveError unchanged. */
export function toStoreError(what: string, thrown: unknown): NerveError {
  if (thrown instanceof NerveError) return thrown;
  const reason = messageOf(thrown);
  const hint = findStoreHint(reason);
  return new NerveError("STORE_FAILED", `${what}: ${reason}`, { cause: thrown, ...(hint === null ? {} : { hint }) });
}

/** The hint for an error of SQLite or of the disk, by its text; null when there is none. */
export function findStoreHint(reason: string): string | null {
  return hints.find(([pattern]) => pattern.test(reason))?.[1] ?? null;
}

const hints: readonly (readonly [RegExp, string])[] = [
  [/is full|ENOSPC|No space left/i, "free some disk space; nerve then continues without a restart"],
  [/is locked/, "another program holds a lock on it: end that program"],
  [
    /malformed|not a database/,
    "the file is damaged: nerve store verify shows more, nerve store restore DIR restores a backup",
  ],
  [
    /readonly|read-only|Permission denied|unable to open database file/i,
    "make the file and its folder writable for this user; a disk that is read-only must be mounted writable",
  ],
  [/I\/O error/i, "the disk may be failing, or was made read-only because it does: dmesg and nerve doctor say more"],
];
