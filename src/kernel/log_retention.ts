/**
 * Keeps the log from growing without bound: moves the days that are older than `retention` into the archive, soon after
 * the start and then once a day, and whenever somebody asks for it. Made by wiring.ts.
 * I1. One archive run at a time; whoever asks meanwhile is served after it.
 * I2. A run that fails is told, and tried again: nothing is lost by it (store/archive/archiver.ts).
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
  problem(message: string): void;
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

  /** The start has enough to do without it. */
  start(): void {
    this.#cancel = this.#ports.clock.after(archiveFirstMs, () => void this.#daily());
  }

  /** Resolves when no archive run is under way any more; one that is ends within a slice. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#cancel();
    // Whoever asked for it hears of a failure.
    await this.#underWay.catch(() => {});
  }

  /** Where the archive run that is under way has come to, or null. */
  get progress(): ArchiveProgress | null {
    return this.#progress;
  }

  /** Throws USAGE for a day that is not over, STORE_FAILED. */
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

  async #daily(): Promise<void> {
    const { clock, problem } = this.#ports;
    let next = startOfDay(clock.now()) + dayMs + archiveFirstMs;
    try {
      await this.archive({});
    } catch (thrown) {
      problem(`${messageOf(thrown)}; it is tried again in an hour`);
      next = clock.now() + archiveRetryMs;
    }
    if (!this.#stopping.signal.aborted) this.#cancel = clock.at(next, () => void this.#daily());
  }
}
