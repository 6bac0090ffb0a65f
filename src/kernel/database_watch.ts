/**
 * Detects that the database of a sense, or its -wal file, was removed or replaced while a process writes to it: SQLite
 * would keep writing to files that no longer have a name. Every process then reopens the database. Created by
 * wiring.ts.
 * I1. What the process committed to a removed -wal file is in the database before the next compute.
 */
import { identifyFile } from "../base/file_identity.ts";
import { databaseCheckMs } from "../base/limits.ts";
import { makeSharedFiles } from "../base/shared_files.ts";
import type { Clock } from "../base/time.ts";
import type { CurrentConfig } from "../deploy/current_config.ts";
import type { UnitSupervisor } from "../process/unit_supervisor.ts";
import type { KernelEvent } from "../protocol/event.ts";
import type { NewLogRow } from "../protocol/log.ts";
import { groupKey } from "../protocol/unit.ts";

export interface DatabaseWatchPorts {
  readonly clock: Clock;
  /** The folder of all sense databases. */
  readonly folder: string;
  readonly current: Pick<CurrentConfig, "config" | "units">;
  readonly supervisor: Pick<UnitSupervisor, "findProcess" | "replaceProcess">;
  append(row: NewLogRow): unknown;
  emit(event: KernelEvent): void;
}

/** The files that a process has opened. `shared` is null until SQLite has made them. */
interface Opened {
  readonly database: string | null;
  shared: string | null;
  checkedAt: number;
}

export class DatabaseWatch {
  readonly #ports: DatabaseWatchPorts;
  readonly #opened = new Map<string, Opened>();
  /** The shared files beside each database when its process restricted itself: it cannot open any others. */
  readonly #granted = new Map<string, string | null>();

  constructor(ports: DatabaseWatchPorts) {
    this.#ports = ports;
  }

  /** The process of these senses is restricted, and has not opened anything yet. */
  onReady(senses: Iterable<string>): void {
    for (const sense of senses) this.#granted.set(sense, identifyShared(this.#pathOf(sense)));
  }

  /** The sense's process has opened its database. */
  onLoaded(sense: string): void {
    const path = this.#pathOf(sense), checkedAt = this.#ports.clock.monotonic();
    this.#opened.set(sense, { database: identifyFile(path), shared: identifyShared(path), checkedAt });
  }

  /**
   * A process that may not write beside this sense's database wants to read it. SQLite then needs the shared files,
   * which may be empty; the last writer removed them when it closed the database.
   */
  onUnshared(sense: string): void {
    makeSharedFiles(this.#pathOf(sense));
  }

  /** The senses' process has ended: the last connection removes the -wal file. */
  onEnd(senses: Iterable<string>): void {
    for (const sense of senses) {
      this.#opened.delete(sense);
      this.#granted.delete(sense);
    }
  }

  /** Call this before a compute. Checks the files at most once per `databaseCheckMs`. */
  check(sense: string): void {
    const opened = this.#opened.get(sense), now = this.#ports.clock.monotonic();
    if (opened === undefined && !this.#mayOpen(sense)) this.#renew(sense);
    if (opened === undefined || now - opened.checkedAt < databaseCheckMs) return;
    opened.checkedAt = now;
    const path = this.#pathOf(sense), database = identifyFile(path), shared = identifyShared(path);
    opened.shared ??= shared;
    if (database === opened.database && shared === opened.shared) return;
    const message = database === opened.database
      ? "its database's -wal file was removed or replaced while the daemon runs; nothing was lost"
      : "its database was removed or replaced while the daemon runs; it goes on with what is there now";
    // A process that reopens the database reports that it has loaded the sense.
    this.#opened.delete(sense);
    this.#reopen(sense);
    const row = { source: `sense:${sense}`, type: "sense.database_reopened", refId: sense, causeId: null } as const;
    this.#ports.append({ ...row, payload: { message } });
    this.#ports.emit({ kind: "problem", source: `sense:${sense}`, message, ts: this.#ports.clock.now() });
  }

  #pathOf(sense: string): string {
    return `${this.#ports.folder}/${sense}.db`;
  }

  /** Makes every process reopen the database. */
  #reopen(sense: string): void {
    const { current, supervisor } = this.#ports;
    for (const { key, spec } of current.units) {
      const process = supervisor.findProcess(key), own = spec.senses.some(({ name }) => name === sense);
      // A confined process cannot open new files, and must close the old ones before any process opens the new.
      if (own && process !== null && process.grantWatch !== null) supervisor.replaceProcess(key, true);
      else process?.send({ t: "reopen", sense });
    }
  }

  /**
   * Whether a confined process finds the files that it was granted. Another program that reads the database, and is the
   * last to close it, removes these files; the next one creates new ones.
   */
  #mayOpen(sense: string): boolean {
    const path = this.#pathOf(sense), granted = this.#granted.get(sense);
    return isComplete(path) && (granted === undefined || granted === identifyShared(path));
  }

  /** Replaces a process that has not opened the database: if confined, it may not create the missing files. */
  #renew(sense: string): void {
    const { current: { config }, supervisor } = this.#ports, key = groupKey(config.senses.get(sense)?.group ?? sense);
    const process = supervisor.findProcess(key);
    if (process !== null && process.ready && process.grantWatch !== null) supervisor.replaceProcess(key, true);
  }
}

/** Whether the database exists, with the files that a process behind Landlock needs beside it. */
function isComplete(path: string): boolean {
  return identifyFile(path) !== null && identifyShared(path) !== null;
}

/** Null until both files exist. */
function identifyShared(path: string): string | null {
  const wal = identifyFile(`${path}-wal`), shm = identifyFile(`${path}-shm`);
  return wal === null || shm === null ? null : `${wal} ${shm}`;
}
