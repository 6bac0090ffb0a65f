/**
 * data/logs.db as the kernel uses it: one connection that writes, with everything that writes through it, and one that
 * reads. Opened by kernel/kernel.ts and by commands that have the workspace to themselves.
 */
import { dirname, join } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { assert, type NerveError } from "../base/errors.ts";
import { identifyFile } from "../base/file_identity.ts";
import { databaseBusyMaxMs } from "../base/limits.ts";
import type { Clock } from "../base/time.ts";
import { createUlids } from "../base/ulid.ts";
import { archiveLog, type ArchiveOptions, type ArchiveReport } from "./archive/archiver.ts";
import { continueIds } from "./archive/continue_ids.ts";
import { GroupCommit } from "./commit/group_commit.ts";
import type { SpareSpace } from "./commit/reserve.ts";
import type { CommitCounters } from "./commit/write_outcomes.ts";
import { ApprovalNoticeStore } from "./approvals/approval_notices.ts";
import { SessionStore } from "./agents/session_store.ts";
import { AlertStore } from "./alerts/alert_store.ts";
import { TokenStore } from "./access/token_store.ts";
import { HookStore } from "./hooks/hook_store.ts";
import { LogStore } from "./log/log_store.ts";
import { MetaStore } from "./log/meta_store.ts";
import { prepareLogIndexes } from "./log/log_indexes.ts";
import { StoreReader } from "./log/reader.ts";
import { logMigrations } from "./log/schema.ts";
import { ReadThread } from "./reading/read_thread.ts";
import { rebuildRuns, type Rebuilt } from "./runs/rebuild.ts";
import { SqliteRunStore } from "./runs/run_store.ts";
import { migrate, openDatabase, StatementCache, toStoreError } from "./sqlite/database.ts";
import { mayBeDiskFull } from "./sqlite/disk_full.ts";

export interface StoreOptions {
  /** The folder of the log's archive: a new log continues its ids. */
  readonly archiveFolder?: string;
  /** Called for every write failure, with the number of lost operations. */
  readonly onLost?: (error: NerveError, operations: number) => void;
  /** Gives the log space when the disk is full. */
  readonly reserve?: SpareSpace;
}

/**
 * Opens or creates the log database, and its folder for this user only. Rebuilds a lost `workflow_runs` from the log.
 * Throws NerveError STORE_FAILED.
 */
export function openStore(path: string, clock: Clock, options: StoreOptions = {}): Store {
  for (;;) {
    try {
      return tryToOpenStore(path, clock, options);
    } catch (thrown) {
      if (!mayBeDiskFull(thrown) || options.reserve?.give() !== true) throw thrown;
    }
  }
}

function tryToOpenStore(path: string, clock: Clock, options: StoreOptions): Store {
  const db = openDatabase(path);
  try {
    migrate(db, logMigrations, path);
    prepareLogIndexes(db);
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
  readonly alerts: AlertStore;
  readonly hooks: HookStore;
  readonly tokens: TokenStore;
  readonly sessions: SessionStore;
  readonly notices: ApprovalNoticeStore;
  /** Sees committed rows only. */
  readonly reader: StoreReader;
  /** The thread for reads that may be long. */
  readonly reads: ReadThread;
  /** Makes a run id; ids sort by creation time. */
  readonly newRunId: () => string;
  readonly #path: string;
  #db: DatabaseSync;
  readonly #clock: Clock;
  readonly #writer: GroupCommit;
  /** Identifies the database, and its -wal and -shm files, that the connections use. */
  readonly #file: string | null;
  #sharedFiles: string | null;
  #archiving = false;

  constructor(path: string, db: DatabaseSync, reader: StoreReader, clock: Clock, options: StoreOptions) {
    const { onLost, reserve = null, archiveFolder = join(dirname(path), "archive") } = options;
    this.#path = path;
    this.#db = db;
    this.#clock = clock;
    this.reader = reader;
    this.#file = identifyFile(path);
    this.#sharedFiles = identifySharedFiles(path);
    this.reads = new ReadThread({ path, archiveFolder, clock, mayOpen: () => !this.walLost });
    const statements = new StatementCache(db);
    this.#writer = new GroupCommit(db, statements, onLost, clock, reserve);
    this.log = new LogStore(statements, this.#writer, clock);
    this.runs = new SqliteRunStore(statements, this.#writer, this.log);
    this.meta = new MetaStore(statements, this.#writer);
    this.alerts = new AlertStore(statements, this.log);
    this.hooks = new HookStore(statements, this.#writer, this.log, clock);
    this.tokens = new TokenStore(statements, this.#writer, this.log);
    this.sessions = new SessionStore(statements, this.log);
    this.notices = new ApprovalNoticeStore(statements, this.#writer);
    this.newRunId = createUlids(() => clock.now());
  }

  /** Calls `fire` after each commit from now on: there may be new rows. `fire` must not throw. */
  onCommit(fire: () => void): void {
    this.#writer.onCommit = fire;
  }

  /** Moves whole days into the files of `folder`. One call at a time. Throws STORE_FAILED. */
  async archive(folder: string, options: ArchiveOptions): Promise<ArchiveReport> {
    const ports = { folder, databasePath: this.#path, clock: this.#clock };
    if (this.walLost) throw toStoreError("the log cannot be archived", new Error("its -wal file was removed"));
    this.#archiving = true;
    try {
      return await archiveLog({ ...ports, writer: this.#writer }, options);
    } catch (thrown) {
      throw toStoreError("the log cannot be archived", thrown);
    } finally {
      this.#archiving = false;
    }
  }

  /** Rebuilds `workflow_runs` from the log and its archive. No run may be in memory meanwhile. */
  rebuildRuns(archiveFolder: string): Rebuilt {
    this.#writer.flush();
    return rebuildRuns(this.#db, archiveFolder);
  }

  /** Returns free pages to the disk, and builds missing indexes of the log. Takes long, and blocks all other writes. */
  vacuum(): void {
    this.#writer.flush();
    prepareLogIndexes(this.#db, Infinity);
    this.#db.exec("vacuum; pragma wal_checkpoint(truncate)");
  }

  /** Whether the -wal or -shm file was removed or replaced: then no other program sees new commits. */
  get walLost(): boolean {
    // A log that was removed as a whole is not restored here: that would bring back a workspace that the user removed.
    if (identifyFile(this.#path) !== this.#file) return false;
    const now = identifySharedFiles(this.#path);
    this.#sharedFiles ??= now;
    return now !== this.#sharedFiles;
  }

  /**
   * Moves everything that was committed into the database itself and continues with a new -wal file. False: the archive
   * is at work over a connection of its own, and this must be called again. Throws STORE_FAILED.
   */
  async restoreWal(): Promise<boolean> {
    this.#writer.keepOnThread();
    try {
      // A reader would block the checkpoints.
      if (!await this.reads.suspend()) throw toStoreError("the log cannot be opened anew", new Error("a read hangs"));
      return await this.#reopenAll();
    } finally {
      this.reads.resume();
    }
  }

  async #reopenAll(): Promise<boolean> {
    if (this.#db.isOpen) {
      // At once, so that only later commits depend on the file that no other process can open.
      this.#writer.flush();
      checkpoint(this.#db);
    }
    if (this.#archiving) return false;
    await this.#writer.replaceDatabase(() => {
      if (this.#archiving) throw toStoreError("the log cannot be opened anew", new Error("the archive is at work"));
      // All connections: SQLite shares its state of the files among the connections of a process.
      if (this.#db.isOpen) {
        checkpoint(this.#db);
        this.reader.close();
        this.#db.close();
      }
      const db = openDatabase(this.#path, { existing: true });
      try {
        this.reader.reopen(this.#path);
      } catch (thrown) {
        db.close();
        throw thrown;
      }
      return this.#db = db;
    });
    // Without both files, the -wal file counts as lost again.
    this.#sharedFiles = identifySharedFiles(this.#path) ?? "";
    return true;
  }

  /**
   * Commits every write on this thread now, for a read that must see it; not writes off the thread (see `recorded`).
   */
  flush(): void {
    this.#writer.flush();
  }

  /** Resolves when every write so far can be read, or is lost. */
  recorded(): Promise<void> {
    return this.#writer.recorded();
  }

  /** Why the log cannot be written now, or null. */
  get writeFailure(): NerveError | null {
    return this.#writer.outcomes.writeFailure;
  }

  /** Operations, commits and lost operations since the start. */
  get counters(): Readonly<CommitCounters> {
    return this.#writer.outcomes.counters;
  }

  /** Commits pending writes and closes. Nothing may be written afterwards. */
  async close(): Promise<void> {
    await Promise.all([this.#writer.close(), this.reads.end()]);
    this.reader.close();
    this.#db.close();
  }
}

/** Null until both files exist. */
function identifySharedFiles(path: string): string | null {
  const wal = identifyFile(`${path}-wal`), shm = identifyFile(`${path}-shm`);
  return wal === null || shm === null ? null : `${wal} ${shm}`;
}

/** Moves commits from the -wal file into the database. Throws STORE_FAILED when a reader keeps some of them there. */
function checkpoint(db: DatabaseSync): void {
  // The checkpoint waits for no reader: the event loop would wait too.
  db.exec("pragma busy_timeout = 0");
  const [row] = db.prepare("pragma wal_checkpoint(truncate)").all();
  db.exec(`pragma busy_timeout = ${databaseBusyMaxMs}`);
  if (row?.busy !== 0) throw toStoreError("the log's -wal file cannot be emptied", new Error("a reader holds it"));
}
