/**
 * Detects that the -wal file of the log was removed or replaced while the kernel runs, and repairs it. SQLite would
 * keep writing to a file without a name, and a kill would lose all of that. Created by wiring.ts; store/store.ts does
 * the repair.
 * I1. What is committed at the time of a check is in the database before anything else happens.
 */
import { messageOf } from "../base/errors.ts";
import { walCheckMs } from "../base/limits.ts";
import type { CancelTimer, Clock } from "../base/time.ts";
import type { NewLogRow } from "../protocol/log.ts";
import type { Store } from "../store/store.ts";

export interface WalWatchPorts {
  readonly store: Pick<Store, "walLost" | "restoreWal">;
  readonly clock: Clock;
  append(row: NewLogRow): unknown;
  /** Replaces the processes of all units: their connections to the log no longer see anything new. */
  replaceProcesses(): void;
  reportProblem(message: string): void;
}

const message = "data/logs.db-wal was removed or replaced while the daemon runs; nothing was lost";

export class WalWatch {
  readonly #ports: WalWatchPorts;
  #cancel: CancelTimer = () => {};
  #checking: Promise<void> = Promise.resolve();
  #stopped = false;
  /** The last failure that was reported. */
  #reported = "";

  constructor(ports: WalWatchPorts) {
    this.#ports = ports;
  }

  start(): void {
    this.#cancel = this.#ports.clock.after(walCheckMs, () => {
      this.#checking = this.#check().finally(() => {
        if (!this.#stopped) this.start();
      });
    });
  }

  /** Resolves when no repair is in progress. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancel();
    await this.#checking;
  }

  async #check(): Promise<void> {
    const { store, append, replaceProcesses, reportProblem } = this.#ports;
    try {
      if (!store.walLost || !await store.restoreWal()) return;
      append({ source: "kernel", type: "kernel.log_reopened", refId: null, causeId: null, payload: { message } });
      reportProblem(message);
      replaceProcesses();
      this.#reported = "";
    } catch (thrown) {
      const text = messageOf(thrown);
      if (text !== this.#reported) {
        reportProblem(`data/logs.db-wal was removed or replaced, and is not mended yet: ${text}`);
      }
      this.#reported = text;
    }
  }
}
