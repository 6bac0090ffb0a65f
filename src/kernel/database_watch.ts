/**
 * Notices that the database of a sense, or its -wal file, was removed or replaced under the process that writes to it:
 * SQLite would go on in files that have no name. Then every process opens it anew. Made by wiring.ts.
 * I1. What the process had committed to a -wal file that was removed is in the database before the next compute.
 */
import { identifyFile } from "../base/file_identity.ts";
import { databaseCheckMs } from "../base/limits.ts";
import { makeSharedFiles } from "../base/shared_files.ts";
import type { Clock } from "../base/time.ts";
import type { NewLogRow } from "../protocol/log.ts";
import type { ToProcess } from "../protocol/message.ts";

export interface DatabaseWatchPorts {
  readonly clock: Clock;
  /** The path of a sense's database. */
  pathOf(sense: string): string;
  /** Sends to every process of a group. */
  broadcast(message: ToProcess): void;
  append(row: NewLogRow): unknown;
  reportProblem(sense: string, message: string): void;
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

  constructor(ports: DatabaseWatchPorts) {
    this.#ports = ports;
  }

  /** The sense's process has opened its database. */
  onLoaded(sense: string): void {
    const path = this.#ports.pathOf(sense), checkedAt = this.#ports.clock.monotonic();
    this.#opened.set(sense, { database: identifyFile(path), shared: identifyShared(path), checkedAt });
  }

  /**
   * A process that may not write beside the database of this sense wants to read it: SQLite needs these files then, which
   * may be empty, and the last writer took them with it.
   */
  onUnshared(sense: string): void {
    makeSharedFiles(this.#ports.pathOf(sense));
  }

  /** Its process has ended: the last connection takes the -wal file with it. */
  onEnd(senses: Iterable<string>): void {
    for (const sense of senses) this.#opened.delete(sense);
  }

  /** Call this before a compute. Looks at the files at most once each `databaseCheckMs`. */
  check(sense: string): void {
    const opened = this.#opened.get(sense), now = this.#ports.clock.monotonic();
    if (opened === undefined || now - opened.checkedAt < databaseCheckMs) return;
    opened.checkedAt = now;
    const path = this.#ports.pathOf(sense), database = identifyFile(path), shared = identifyShared(path);
    opened.shared ??= shared;
    if (database === opened.database && shared === opened.shared) return;
    const message = database === opened.database
      ? "its database's -wal file was removed or replaced while the daemon runs; nothing was lost"
      : "its database was removed or replaced while the daemon runs; it goes on with what is there now";
    // A process that opens it anew reports that it has loaded the sense.
    this.#opened.delete(sense);
    this.#ports.broadcast({ t: "reopen", sense });
    const row = { source: `sense:${sense}`, type: "sense.database_reopened", refId: sense, causeId: null } as const;
    this.#ports.append({ ...row, payload: { message } });
    this.#ports.reportProblem(sense, message);
  }
}

/** Null until both files exist. */
function identifyShared(path: string): string | null {
  const wal = identifyFile(`${path}-wal`), shm = identifyFile(`${path}-shm`);
  return wal === null || shm === null ? null : `${wal} ${shm}`;
}
