/**
 * Notices that the database of a sense, or its -wal file, was removed or replaced under the process that writes to it:
 * SQLite would go on in files that have no name. Then every process opens it anew. Made by wiring.ts.
 * I1. What the process had committed to a -wal file that was removed is in the database before the next compute.
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
  /** The files beside each database when its process had restricted itself: others are closed to it. */
  readonly #granted = new Map<string, string | null>();

  constructor(ports: DatabaseWatchPorts) {
    this.#ports = ports;
  }

  /** The process of these senses is restricted, and has opened nothing yet. */
  onReady(senses: Iterable<string>): void {
    for (const sense of senses) this.#granted.set(sense, identifyShared(this.#pathOf(sense)));
  }

  /** The sense's process has opened its database. */
  onLoaded(sense: string): void {
    const path = this.#pathOf(sense), checkedAt = this.#ports.clock.monotonic();
    this.#opened.set(sense, { database: identifyFile(path), shared: identifyShared(path), checkedAt });
  }

  /**
   * A process that may not write beside the database of this sense wants to read it: SQLite needs these files then, which
   * may be empty, and the last writer took them with it.
   */
  onUnshared(sense: string): void {
    makeSharedFiles(this.#pathOf(sense));
  }

  /** Its process has ended: the last connection takes the -wal file with it. */
  onEnd(senses: Iterable<string>): void {
    for (const sense of senses) {
      this.#opened.delete(sense);
      this.#granted.delete(sense);
    }
  }

  /** Call this before a compute. Looks at the files at most once each `databaseCheckMs`. */
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
    // A process that opens it anew reports that it has loaded the sense.
    this.#opened.delete(sense);
    this.#reopen(sense);
    const row = { source: `sense:${sense}`, type: "sense.database_reopened", refId: sense, causeId: null } as const;
    this.#ports.append({ ...row, payload: { message } });
    this.#ports.emit({ kind: "problem", source: `sense:${sense}`, message, ts: this.#ports.clock.now() });
  }

  #pathOf(sense: string): string {
    return `${this.#ports.folder}/${sense}.db`;
  }

  /** Has every process open the database anew. */
  #reopen(sense: string): void {
    const { current, supervisor } = this.#ports;
    for (const { key, spec } of current.units) {
      const process = supervisor.findProcess(key), own = spec.senses.some(({ name }) => name === sense);
      // New files are closed to a confined process, and the old ones must be closed before anybody opens those.
      if (own && process !== null && process.grantWatch !== null) supervisor.replaceProcess(key, true);
      else process?.send({ t: "reopen", sense });
    }
  }

  /**
   * Whether a confined process finds what it was granted. Another program that reads the database, and is the last one to
   * close it, takes these files with it; the next one makes others.
   */
  #mayOpen(sense: string): boolean {
    const path = this.#pathOf(sense), granted = this.#granted.get(sense);
    return isComplete(path) && (granted === undefined || granted === identifyShared(path));
  }

  /** Its process has not opened the database, and may not make the missing files if it is confined. */
  #renew(sense: string): void {
    const { current: { config }, supervisor } = this.#ports, key = groupKey(config.senses.get(sense)?.group ?? sense);
    const process = supervisor.findProcess(key);
    if (process !== null && process.ready && process.grantWatch !== null) supervisor.replaceProcess(key, true);
  }
}

/** Whether it exists, with the files that a process behind Landlock finds beside it. */
function isComplete(path: string): boolean {
  return identifyFile(path) !== null && identifyShared(path) !== null;
}

/** Null until both files exist. */
function identifyShared(path: string): string | null {
  const wal = identifyFile(`${path}-wal`), shm = identifyFile(`${path}-shm`);
  return wal === null || shm === null ? null : `${wal} ${shm}`;
}
