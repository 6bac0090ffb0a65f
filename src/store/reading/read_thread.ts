/**
 * The kernel's side of the reading thread (read_worker.ts), for reads that may be long, or whose answer is large: the
 * event loop waits for none of them. Created by store.ts. The thread runs only while it is needed: it takes 10 MiB.
 * I1. Every read ends: with its page, an error, or because no caller waits for it any more.
 * I2. While the thread is suspended, it has no connection open; reads wait, and continue afterwards.
 */
import { NerveError } from "../../base/errors.ts";
import { identifyFile } from "../../base/file_identity.ts";
import { readMaxMs, readsActiveMax, readsWaitingMax, readThreadIdleMs, readThreadSilentMs } from "../../base/limits.ts";
import { resolveOwnEntry } from "../../base/self_exec.ts";
import type { Spelling } from "../../base/text_mask.ts";
import type { CancelTimer, Clock } from "../../base/time.ts";
import type { TextPage } from "../../protocol/text_page.ts";
import type { FromReader, OpenedLog, ReadRequest, ToReader } from "./read_messages.ts";
import { readEnded } from "./slices.ts";

export interface ReadThreadPorts {
  readonly path: string;
  readonly archiveFolder: string;
  readonly clock: Clock;
  /** Whether a connection may be opened now. If not, reads wait for `resume`. */
  mayOpen(): boolean;
}

interface Running {
  readonly worker: Worker;
  readonly port: MessagePort;
  ready: boolean;
  /** Resolves when the thread's connection is closed, or was never open. */
  readonly closed: PromiseWithResolvers<void>;
}

interface Pending {
  readonly request: ReadRequest;
  readonly page: PromiseWithResolvers<TextPage>;
  /** Whether a caller still waits for the read. */
  wanted: boolean;
}

export class ReadThread {
  readonly #ports: ReadThreadPorts;
  readonly #log: OpenedLog;
  #running: Running | null = null;
  /** Threads that were asked to end and have not closed their connection yet. */
  readonly #closing = new Set<Running>();
  #waiting: Pending[] = [];
  readonly #sent = new Map<number, Pending>();
  #lastId = 0;
  #spellings: readonly Spelling[] = [];
  #suspended = false;
  #ended = false;
  #idle: CancelTimer = () => {};
  #silent: CancelTimer = () => {};

  constructor(ports: ReadThreadPorts) {
    const { path, archiveFolder } = this.#ports = ports;
    this.#log = { path, archiveFolder, identity: identifyFile(path) };
  }

  /** How many reads wait or are in progress. */
  get load(): number {
    return this.#waiting.length + this.#sent.size;
  }

  /** Errors: STORE_FAILED, CLIENTS_MANY, and DAEMON_MISSING when `gone` aborts or the store closes. */
  async read(request: ReadRequest, gone: AbortSignal): Promise<TextPage> {
    if (gone.aborted || this.#ended) throw readEnded();
    if (this.#waiting.length >= readsWaitingMax) {
      throw new NerveError("CLIENTS_MANY", `${this.#waiting.length} reads of the log already wait`, {
        hint: "ask again later, or for less",
      });
    }
    const pending: Pending = { request, page: Promise.withResolvers(), wanted: true };
    const leave = () => this.#giveUp(pending, readEnded());
    const cancel = this.#ports.clock.after(readMaxMs, () => this.#giveUp(pending, createSlowError()));
    gone.addEventListener("abort", leave, { once: true });
    this.#waiting.push(pending);
    this.#pump();
    try {
      return await pending.page.promise;
    } finally {
      cancel();
      gone.removeEventListener("abort", leave);
    }
  }

  /** Sets the secrets to mask in every page from now on. */
  mask(spellings: readonly Spelling[]): void {
    if (spellings === this.#spellings) return;
    this.#spellings = spellings;
    if (this.#running?.ready === true) this.#send(this.#running, { kind: "secrets", spellings });
  }

  /** Closes the thread's connection. False when a hanging statement keeps it open. */
  async suspend(): Promise<boolean> {
    this.#suspended = true;
    // Unfinished reads are repeated by the next thread.
    this.#waiting = [...[...this.#sent.values()].filter(({ wanted }) => wanted), ...this.#waiting];
    this.#sent.clear();
    this.#stop();
    return await this.#allClosed();
  }

  resume(): void {
    this.#suspended = false;
    this.#pump();
  }

  /** Ends all reads and closes the connection. */
  async end(): Promise<void> {
    this.#ended = true;
    for (const pending of [...this.#waiting, ...this.#sent.values()]) pending.page.reject(readEnded());
    this.#waiting = [];
    this.#sent.clear();
    this.#stop();
    await this.#allClosed();
  }

  #pump(): void {
    this.#idle();
    if (this.#suspended || this.#ended) return;
    if (this.load === 0) {
      if (this.#running !== null) this.#idle = this.#ports.clock.after(readThreadIdleMs, () => this.#stop());
      return;
    }
    if (this.#running === null && this.#ports.mayOpen()) this.#start();
    const running = this.#running;
    if (running === null || !running.ready) return;
    while (this.#sent.size < readsActiveMax) {
      const next = this.#waiting.shift();
      if (next === undefined) return;
      this.#sent.set(++this.#lastId, next);
      this.#send(running, { kind: "read", id: this.#lastId, request: next.request });
    }
  }

  #giveUp(pending: Pending, error: NerveError): void {
    pending.wanted = false;
    pending.page.reject(error);
    this.#waiting = this.#waiting.filter((each) => each !== pending);
    const [id] = [...this.#sent].find(([, each]) => each === pending) ?? [];
    if (id === undefined || this.#running === null) return;
    this.#send(this.#running, { kind: "cancel", id });
    const running = this.#running;
    this.#silent();
    this.#silent = this.#ports.clock.after(readThreadSilentMs, () => {
      if (running !== this.#running) return;
      // The connection may stay open until the thread's statement ends; then the thread receives `end`.
      this.#stop();
      this.#fail(`it has not answered for ${readThreadSilentMs / 1_000} s`, []);
    });
  }

  #start(): void {
    const worker = new Worker(resolveOwnEntry("store/reading/read_worker.ts"), { type: "module", name: "reads" });
    const { port1: port, port2 } = new MessageChannel();
    const running: Running = this.#running = { worker, port, ready: false, closed: Promise.withResolvers() };
    port.onmessage = ({ data }) => this.#handleMessage(running, data);
    worker.onerror = (event) => {
      event.preventDefault();
      this.#lose(running, event.message);
    };
    worker.postMessage(this.#log, [port2]);
  }

  #handleMessage(running: Running, message: FromReader): void {
    if (message.kind === "closed") return this.#release(running);
    if (message.kind === "broken") return this.#lose(running, message.message);
    if (running !== this.#running) return;
    this.#silent();
    if (message.kind === "ready") {
      running.ready = true;
      this.#send(running, { kind: "secrets", spellings: this.#spellings });
    } else {
      const pending = this.#sent.get(message.id);
      this.#sent.delete(message.id);
      if (message.kind === "page") pending?.page.resolve(message.page);
      else pending?.page.reject(toError(message));
    }
    this.#pump();
  }

  /** Asks the thread to close its connection and end. */
  #stop(): void {
    this.#idle();
    this.#silent();
    const running = this.#running;
    if (running === null) return;
    this.#running = null;
    this.#closing.add(running);
    // In order: a thread that is starting opens its connection first.
    this.#send(running, { kind: "end" });
  }

  /** The thread is dead: its reads fail, and the next read starts another thread. */
  #lose(running: Running, why: string): void {
    this.#release(running);
    if (running !== this.#running) return;
    this.#silent();
    this.#running = null;
    // If the thread could not even start, reads would wait for it forever.
    const waiting = running.ready ? [] : this.#waiting.splice(0);
    this.#fail(why, waiting);
  }

  #fail(why: string, waiting: readonly Pending[]): void {
    for (const { page } of [...this.#sent.values(), ...waiting]) page.reject(createLostError(why));
    this.#sent.clear();
    this.#pump();
  }

  #release(running: Running): void {
    running.worker.terminate();
    running.port.close();
    this.#closing.delete(running);
    running.closed.resolve();
  }

  async #allClosed(): Promise<boolean> {
    const late = Promise.withResolvers<boolean>();
    const cancel = this.#ports.clock.after(readThreadSilentMs, () => late.resolve(false));
    const closed = Promise.all([...this.#closing].map((running) => running.closed.promise)).then(() => true);
    return await Promise.race([closed, late.promise]).finally(cancel);
  }

  #send(running: Running, message: ToReader): void {
    running.port.postMessage(message);
  }
}

function toError({ code, message, hint }: FromReader & { readonly kind: "failed" }): Error {
  return code === null ? new Error(message) : new NerveError(code, message, hint === null ? {} : { hint });
}

function createSlowError(): NerveError {
  return new NerveError("STORE_FAILED", `reading the log took longer than ${readMaxMs / 1_000} s and was ended`, {
    hint: "ask for less: a later time, a source, a type, or fewer rows",
  });
}

function createLostError(why: string): NerveError {
  return new NerveError("STORE_FAILED", `the thread that reads the log has ended: ${why}`, {
    hint: "ask again: the next read starts another one",
  });
}
