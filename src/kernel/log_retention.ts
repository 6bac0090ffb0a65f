/**
 * Keeps the log from growing without bound: moves days older than `retention` to the archive, soon after the start,
 * then once a day, and on request. Created by wiring.ts.
 * I1. Only one archive pass runs at a time; further requests wait for it.
 * I2. A failed pass is reported and retried. It loses no data (store/archive/archiver.ts).
 */
import { messageOf } from "../base/errors.ts";
import { archiveFirstMs, archiveRetryMs } from "../base/limits.ts";
import type { CancelTimer, Clock } from "../base/time.ts";
import type { ArchiveProgress, ArchiveReply, ArchiveRequest } from "../protocol/api.ts";
import { resolveArchiveBound } from "../store/archive/archiver.ts";
import { dayMs, startOfDay } from "../store/archive/days.ts";
import type { Store } from "../store/store.ts";

export interface LogRetentionPorts {
  readonly store: Store;
  readonly clock: Clock;
  readonly archiveFolder: string;
  retentionMs(): number;
  reportProblem(message: string): void;
}

export class LogRetention {
  readonly #ports: LogRetentionPorts;
  readonly #stopping = new AbortController();
  #cancel: CancelTimer = () => {};
  #underWay: Promise<unknown> = Promise.resolve();
  #progress: ArchiveProgress | null = null;

  constructor(ports: LogRetentionPorts) {
    this.#ports = ports;
  }

  /** The first pass is delayed, so that it does not slow the start down. */
  start(): void {
    this.#cancel = this.#ports.clock.after(archiveFirstMs, () => void this.#archiveDaily());
  }

  /** Resolves when no archive pass is running; a running one ends after its current slice. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#cancel();
    // The caller that requested the pass gets the failure.
    await this.#underWay.catch(() => {});
  }

  /** The progress of the running archive pass; null when there is none. */
  get progress(): ArchiveProgress | null {
    return this.#progress;
  }

  /** Errors: USAGE for a day that is not over, STORE_FAILED. */
  archive(request: ArchiveRequest): Promise<ArchiveReply> {
    const run = this.#underWay.then(() => this.#run(request), () => this.#run(request));
    this.#underWay = run;
    return run;
  }

  async #run({ before, dryRun = false }: ArchiveRequest): Promise<ArchiveReply> {
    const { store, clock, archiveFolder, retentionMs } = this.#ports;
    const beforeMs = resolveArchiveBound(before ?? null, retentionMs(), clock.now());
    try {
      const report = await store.archive(archiveFolder, {
        beforeMs,
        dryRun,
        signal: this.#stopping.signal,
        onProgress: (progress) => this.#progress = progress,
      });
      return { ...report, days: [...report.days], beforeMs, dryRun, vacuumed: false };
    } finally {
      this.#progress = null;
    }
  }

  async #archiveDaily(): Promise<void> {
    const { clock, reportProblem } = this.#ports;
    let next = startOfDay(clock.now()) + dayMs + archiveFirstMs;
    try {
      await this.archive({});
    } catch (thrown) {
      reportProblem(`${messageOf(thrown)}; retrying in an hour`);
      next = clock.now() + archiveRetryMs;
    }
    if (!this.#stopping.signal.aborted) this.#cancel = clock.at(next, () => void this.#archiveDaily());
  }
}
