/**
 * The kernel's side of the thread that commits behind it (commit_worker.ts). Used by group_commit.ts.
 * It is there while it is needed: it takes 10 MiB, and who is alone on a fast disk has his commit sooner without it.
 */
import { identifyFile } from "../../base/file_identity.ts";
import { commitThreadIdleMs, commitThreadRetryMs } from "../../base/limits.ts";
import { resolveOwnEntry } from "../../base/self_exec.ts";
import type { CancelTimer, Clock } from "../../base/time.ts";
import type { FromCommitter, OpenedDatabase, OperationResult, ToCommitter } from "./commit_messages.ts";
import type { Operation } from "./operations.ts";

export interface Committed {
  readonly results: readonly OperationResult[];
  /** What the disk needed. */
  readonly tookMs: number;
}

interface Running {
  readonly worker: Worker;
  readonly port: MessagePort;
  ready: boolean;
  /** It has opened its connection, or cannot. */
  readonly opened: PromiseWithResolvers<void>;
  /** Its connection is closed, or never was open. */
  readonly closed: PromiseWithResolvers<void>;
}

export class CommitThread {
  readonly #file: OpenedDatabase;
  readonly #clock: Clock;
  #running: Running | null = null;
  #answer: PromiseWithResolvers<Committed> | null = null;
  #idle: CancelTimer = () => {};
  /** Not started again before: it has failed. Monotonic. */
  #notBefore = -Infinity;

  /** `path`: of the database, which exists. */
  constructor(path: string, clock: Clock) {
    this.#file = { path, identity: identifyFile(path) };
    this.#clock = clock;
  }

  /** Whether it would take a batch now. If it is not there it is started, for the batches to come. */
  ensureReady(): boolean {
    if (this.#running === null && this.#clock.monotonic() >= this.#notBefore) this.#start();
    return this.#running?.ready ?? false;
  }

  /** Resolves when the thread that was started has opened its connection, or cannot. */
  async opened(): Promise<void> {
    await this.#running?.opened.promise;
  }

  /** One batch at a time. Rejects when nothing of it was done. */
  commit(operations: readonly Operation[]): Promise<Committed> {
    this.#idle();
    this.#answer = Promise.withResolvers();
    this.#running?.port.postMessage(operations satisfies ToCommitter);
    return this.#answer.promise;
  }

  /** Resolves when its connection is closed: whoever closes the last one empties the write-ahead log. */
  async end(): Promise<void> {
    this.#idle();
    const running = this.#running;
    if (running === null) return;
    this.#running = null;
    // One that is still about to open it would leave files beside a database that is closed.
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

  #handleMessage(running: Running, said: FromCommitter): void {
    if (said.kind === "closed") return running.closed.resolve();
    if (said.kind === "ready") {
      running.ready = true;
      running.opened.resolve();
    } else if (!running.ready) return this.#handleFailure(running, new Error(said.kind));
    else if (said.kind === "committed") this.#answer?.resolve(said);
    else this.#answer?.reject(new Error(said.message));
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
