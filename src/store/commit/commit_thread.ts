/**
 * The kernel's side of the commit thread (commit_worker.ts). Used by group_commit.ts.
 * The thread runs only while it is needed: it takes 10 MiB, and a single writer on a fast disk commits faster without
 * it.
 */
import { identifyFile } from "../../base/file_identity.ts";
import { commitThreadIdleMs, commitThreadRetryMs } from "../../base/limits.ts";
import { resolveOwnEntry } from "../../base/self_exec.ts";
import type { CancelTimer, Clock } from "../../base/time.ts";
import type { FromCommitter, OpenedDatabase, OperationResult, ToCommitter } from "./commit_messages.ts";
import type { Operation } from "./operations.ts";

export interface Committed {
  readonly results: readonly OperationResult[];
  /** The duration of the commit. */
  readonly tookMs: number;
}

interface Running {
  readonly worker: Worker;
  readonly port: MessagePort;
  ready: boolean;
  /** Resolves when the thread's connection is open, or has failed to open. */
  readonly opened: PromiseWithResolvers<void>;
  /** Resolves when the thread's connection is closed, or was never open. */
  readonly closed: PromiseWithResolvers<void>;
}

export class CommitThread {
  readonly #file: OpenedDatabase;
  readonly #clock: Clock;
  #running: Running | null = null;
  #answer: PromiseWithResolvers<Committed> | null = null;
  #idle: CancelTimer = () => {};
  /** After a failure the thread does not restart before this monotonic time. */
  #notBefore = -Infinity;

  /** `path`: the database, which must exist. */
  constructor(path: string, clock: Clock) {
    this.#file = { path, identity: identifyFile(path) };
    this.#clock = clock;
  }

  /** Whether the thread can take a batch now. If it does not run, starts it for later batches. */
  ensureReady(): boolean {
    if (this.#running === null && this.#clock.monotonic() >= this.#notBefore) this.#start();
    return this.#running?.ready ?? false;
  }

  /** Resolves when the started thread has opened its connection, or has failed to. */
  async opened(): Promise<void> {
    await this.#running?.opened.promise;
  }

  /** Commits one batch at a time. Rejects when nothing of it was done. */
  commit(operations: readonly Operation[]): Promise<Committed> {
    this.#idle();
    this.#answer = Promise.withResolvers();
    this.#running?.port.postMessage(operations satisfies ToCommitter);
    return this.#answer.promise;
  }

  /** Resolves when the thread's connection is closed: closing the last connection checkpoints the write-ahead log. */
  async end(): Promise<void> {
    this.#idle();
    const running = this.#running;
    if (running === null) return;
    this.#running = null;
    // A thread that opens the database later would leave files beside a closed database.
    await running.opened.promise;
    if (running.ready) {
      running.port.postMessage(null satisfies ToCommitter);
      await running.closed.promise;
    }
    running.worker.terminate();
    running.port.close();
  }

  #start(): void {
    const worker = new Worker(resolveOwnEntry("store/commit/commit_worker.ts"), { type: "module", name: "commits" });
    const { port1: port, port2 } = new MessageChannel();
    const running: Running = this.#running = {
      ...{ worker, port, ready: false },
      opened: Promise.withResolvers(),
      closed: Promise.withResolvers(),
    };
    port.onmessage = ({ data }) => this.#handleMessage(running, data);
    worker.onerror = (event) => {
      event.preventDefault();
      this.#handleFailure(running, new Error(event.message));
    };
    worker.postMessage(this.#file satisfies ToCommitter, [port2]);
  }

  #handleMessage(running: Running, message: FromCommitter): void {
    if (message.kind === "closed") return running.closed.resolve();
    if (message.kind === "ready") {
      running.ready = true;
      running.opened.resolve();
    } else if (!running.ready) return this.#handleFailure(running, new Error(message.kind));
    else if (message.kind === "committed") this.#answer?.resolve(message);
    else this.#answer?.reject(new Error(message.message));
    if (this.#running !== running) return;
    this.#idle();
    this.#idle = this.#clock.after(commitThreadIdleMs, () => void this.end());
  }

  #handleFailure(running: Running, error: Error): void {
    this.#notBefore = this.#clock.monotonic() + commitThreadRetryMs;
    running.opened.resolve();
    running.closed.resolve();
    if (this.#running === running) void this.end();
    this.#answer?.reject(error);
  }
}
