/**
 * data/logs.db as the kernel has it: one connection that writes, with everything that writes over it, and one that
 * reads. Made by kernel.ts.
 */
import type { DatabaseSync } from "node:sqlite";
import { assert, type NerveError } from "../base/errors.ts";
import type { Clock } from "../base/time.ts";
import { createUlids } from "../base/ulid.ts";
import { archiveLog, type ArchiveOptions, type ArchiveReport } from "./archive/archiver.ts";
import { continueIds } from "./archive/continue_ids.ts";
import { type CommitCounters, GroupCommit } from "./commit/group_commit.ts";
import { LogStore } from "./log/log_store.ts";
import { MetaStore } from "./log/meta_store.ts";
import { StoreReader } from "./log/reader.ts";
import { logMigrations } from "./log/schema.ts";
import { rebuildRuns, type Rebuilt } from "./runs/rebuild.ts";
import { SqliteRunStore } from "./runs/run_store.ts";
import { migrate, openDatabase, StatementCache, toStoreError } from "./sqlite/database.ts";

export interface StoreOptions {
  /** Where the log is archived to: one that is made anew goes on from there. */
  readonly archiveFolder?: string;
  /** Told of everything that could not be written, with the number of operations. */
  readonly onLost?: (error: NerveError, operations: number) => void;
}

/**
 * Opens or makes the log database; its folder is made too, for this user only. When `workflow_runs` is lost it is made
 * again out of the log. Throws NerveError STORE_FAILED.
 */
export function openStore(path: string, clock: Clock, options: StoreOptions = {}): Store {
  const db = openDatabase(path);
  try {
    migrate(db, logMigrations, path);
    if (options.archiveFolder !== undefined) continueIds(db, options.archiveFolder);
    if (runsAreLost(db)) rebuildRuns(db);
    const reader = StoreReader.open(path);
    assert(reader !== null, "the log exists once it is migrated");
    return new Store(path, db, reader, clock, options);
  } catch (thrown) {
    db.close();
    throw toStoreError(`the log ${path} cannot be opened`, thrown);
  }
}

function runsAreLost(db: DatabaseSync): boolean {
  const sql = "select not exists (select 1 from workflow_runs) and" +
    " exists (select 1 from logs where type in ('run.queued', 'run.started', 'run.dropped')) as lost";
  return db.prepare(sql).get()?.lost === 1;
}

export class Store {
  readonly log: LogStore;
  readonly runs: SqliteRunStore;
  readonly meta: MetaStore;
  /** Sees what is committed. */
  readonly reader: StoreReader;
  /** A new id for a run; ids sort by the time at which they were made. */
  readonly newRunId: () => string;
  readonly #path: string;
  readonly #db: DatabaseSync;
  readonly #clock: Clock;
  readonly #writer: GroupCommit;

  constructor(path: string, db: DatabaseSync, reader: StoreReader, clock: Clock, { onLost }: StoreOptions) {
    this.#path = path;
    this.#db = db;
    this.#clock = clock;
    this.reader = reader;
    const statements = new StatementCache(db);
    this.#writer = new GroupCommit(db, statements, onLost, clock);
    this.log = new LogStore(statements, this.#writer, clock);
    this.runs = new SqliteRunStore(statements, this.#writer, this.log);
    this.meta = new MetaStore(statements, this.#writer);
    this.newRunId = createUlids(() => clock.now());
  }

  /** Calls `fire` after each commit from now on: there may be new rows to read. `fire` must not throw. */
  onCommit(fire: () => void): void {
    this.#writer.onCommit = fire;
  }

  /** Moves whole days into the files of `folder`; not to be called again before it has ended. Throws STORE_FAILED. */
  async archive(folder: string, options: ArchiveOptions): Promise<ArchiveReport> {
    const ports = { folder, databasePath: this.#path, clock: this.#clock };
    try {
      return await archiveLog({ ...ports, writer: this.#writer }, options);
    } catch (thrown) {
      throw toStoreError("the log cannot be archived", thrown);
    }
  }

  /** Makes `workflow_runs` again out of the log and its archive; nobody may hold runs in memory meanwhile. */
  rebuildRuns(archiveFolder: string): Rebuilt {
    this.#writer.flush();
    return rebuildRuns(this.#db, archiveFolder);
  }

  /** Gives free pages back to the disk; nothing else can be written meanwhile, and it lasts. */
  vacuum(): void {
    this.#writer.flush();
    this.#db.exec("vacuum; pragma wal_checkpoint(truncate)");
  }

  /** Commits now what was written so far, for a read that must not miss it; not what is written behind (`recorded`). */
  flush(): void {
    this.#writer.flush();
  }

  /** Resolves when what was written so far can be read, or is lost. */
  recorded(): Promise<void> {
    return this.#writer.recorded();
  }

  /** Why the log cannot be written at present, or null. */
  get writeFailure(): NerveError | null {
    return this.#writer.writeFailure;
  }

  /** Operations, commits, and operations that were lost, since the start. */
  get counters(): Readonly<CommitCounters> {
    return this.#writer.counters;
  }

  /** Commits what is left and closes; nothing may be written after it. */
  async close(): Promise<void> {
    await this.#writer.close();
    this.reader.close();
    this.#db.close();
  }
}
