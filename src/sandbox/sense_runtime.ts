/**
 * Runs the senses of one group: loads each on demand (module, database, migrations), calls `compute`, and turns what it
 * returned or threw into one `outcome`. Created by worker_main.ts, in the sandbox.
 * I1. Every `compute` message gets exactly one `outcome`, whatever user code does (short of blocking the thread, which
 *     the kernel ends).
 * I2. A sense that cannot load holds back none of its siblings.
 */
import type { DatabaseSync } from "node:sqlite";
import { systemClock } from "../base/clock.ts";
import { NerveError } from "../base/errors.ts";
import { payloadMaxBytes } from "../base/limits.ts";
import { type JsonObject, toJsonText } from "../protocol/json.ts";
import type { LoadProblem, ProcessSpec, SenseSpec } from "../protocol/message.ts";
import type { ComputeErrorCode, Place, Trigger } from "../protocol/signal.ts";
import { authoredCompute, type Blobs, type SenseContext } from "../sdk/sense.ts";
import { BlobStore } from "../store/blobs/blob_store.ts";
import { checkApplied, openSenseDatabase } from "../store/sqlite/sense_database.ts";
import { describeError, loadProblem, placeOf } from "./error_text.ts";
import { openPeers } from "./peers.ts";
import type { KernelChannel, Runtime, RuntimeMessage } from "./runtime.ts";
import { deepFreeze, importFile, logFunction, type OpenLogs, openLogs } from "./user_context.ts";

type Compute = (context: SenseContext) => unknown;
/** Everything of a context that outlives one compute. */
type Surroundings = Omit<SenseContext, "signal" | "trigger">;
/** What of it stands on Drizzle. */
type Databases = Pick<Surroundings, "db" | "peers">;
type Loaded =
  | { readonly ok: true; readonly compute: Compute; readonly surroundings: Surroundings }
  /** `passing`: it was the disk's fault, not the code's, so that the next compute tries again. */
  | { readonly ok: false; readonly problems: readonly LoadProblem[]; readonly passing?: boolean };

export class SenseRuntime implements Runtime {
  readonly #spec: ProcessSpec;
  readonly #kernel: KernelChannel;
  readonly #loaded = new Map<string, Promise<Loaded>>();
  readonly #closers: (() => unknown)[] = [];
  readonly #running = new Map<number, AbortController>();
  readonly #blobs: Blobs;
  readonly #logs: OpenLogs;
  #allSenses: ReadonlySet<string>;

  constructor(spec: ProcessSpec, kernel: KernelChannel) {
    this.#spec = spec;
    this.#kernel = kernel;
    this.#allSenses = new Set(spec.allSenses);
    this.#blobs = new BlobStore(spec.blobs);
    this.#logs = openLogs(spec.logDatabase);
  }

  handle(message: RuntimeMessage): void {
    if (message.t === "load") void this.#load(message.sense);
    else if (message.t === "compute") void this.#compute(message.id, message.sense, message.trigger);
    else if (message.t === "abort") {
      this.#running.get(message.id)?.abort(new DOMException(message.reason, "AbortError"));
    } else if (message.t === "senses") this.#allSenses = new Set(message.all);
    else throw new Error(`nerve bug: a group's process got ${message.t}`);
  }

  close(): void {
    for (const close of [...this.#closers, this.#logs.close]) close();
  }

  /** Loads a sense once in the life of the process, unless its database could not be opened; tells the kernel how it went. */
  #load(name: string): Promise<Loaded> {
    let loading = this.#loaded.get(name);
    if (loading === undefined) {
      loading = this.#loadFresh(name);
      this.#loaded.set(name, loading);
      loading.then((loaded) => {
        if (!loaded.ok && loaded.passing === true) this.#loaded.delete(name);
        this.#tellLoaded(name, loaded);
      });
    }
    return loading;
  }

  /** As `#load`, until `signal` aborts: one module that awaits for ever must not cost its siblings the process. */
  async #loadUntil(name: string, signal: AbortSignal): Promise<Loaded> {
    const aborted = Promise.withResolvers<Loaded>();
    const giveUp = () => {
      const place = { file: this.#entry(name), line: 1, column: 1 };
      const problem = { message: "its module is not done loading: does it await something at its top level?", place };
      const unfinished: Loaded = { ok: false, problems: [problem] };
      this.#tellLoaded(name, unfinished);
      aborted.resolve(unfinished);
    };
    signal.addEventListener("abort", giveUp, { once: true });
    return await Promise.race([this.#load(name), aborted.promise]).finally(() => {
      signal.removeEventListener("abort", giveUp);
    });
  }

  #tellLoaded(name: string, loaded: Loaded): void {
    const problems = loaded.ok ? [] : loaded.problems.slice(0, 100);
    this.#kernel.send({ t: "loaded", name, problems });
  }

  async #loadFresh(name: string): Promise<Loaded> {
    const sense = this.#spec.senses.find((each) => each.name === name);
    if (sense === undefined) throw new Error(`nerve bug: sense ${name} is not of group ${this.#spec.name}`);
    try {
      const { sqlite, problems } = await openSenseDatabase(sense.database, sense.migrations);
      this.#closers.push(() => sqlite.isOpen && sqlite.close());
      if (sense.tryFor !== null) problems.push(...await checkApplied(sense.tryFor, sense.migrations));
      const module = await importFile(sense.entry).catch((thrown: unknown) => {
        problems.push(loadProblem(thrown, folderOf(sense.entry)));
        return null;
      });
      const compute = module?.compute;
      if (module !== null && typeof compute !== "function") {
        problems.push({ message: missingCompute(module), place: { file: sense.entry, line: 1, column: 1 } });
      }
      if (problems.length > 0) return { ok: false, problems };
      const surroundings: Surroundings = {
        name,
        // One that cannot reach them does without.
        ...needsDatabases(compute) ? await this.#databases(sense, sqlite) : {} as Databases,
        sqlite,
        logs: this.#logs.logs,
        blobs: this.#blobs,
        config: deepFreeze((sense.config ?? {}) as JsonObject),
        log: logFunction(this.#kernel, name),
      };
      return { ok: true, compute: compute as Compute, surroundings };
    } catch (thrown) {
      const passing = thrown instanceof NerveError && thrown.code === "STORE_FAILED";
      return { ok: false, problems: [loadProblem(thrown, folderOf(sense.entry))], passing };
    }
  }

  /** Drizzle takes 15 ms and 8 MiB: it is loaded when a sense of this process needs it. */
  async #databases(sense: SenseSpec, sqlite: DatabaseSync): Promise<Databases> {
    const { createDrizzle } = await import("../store/sqlite/drizzle.ts");
    const onClose = (close: () => void) => void this.#closers.push(close);
    return {
      db: createDrizzle(sqlite),
      peers: openPeers(this.#spec, sense, () => this.#allSenses, onClose, createDrizzle),
    };
  }

  async #compute(id: number, name: string, trigger: Trigger): Promise<void> {
    const controller = new AbortController();
    this.#running.set(id, controller);
    const loaded = await this.#loadUntil(name, controller.signal);
    if (!loaded.ok) {
      const [first] = loaded.problems;
      this.#fail(id, null, "load", first?.message ?? "cannot be loaded", first?.place ?? null);
    } else {
      const began = systemClock.monotonic(), ranMs = () => systemClock.monotonic() - began;
      try {
        const value = await loaded.compute({ ...loaded.surroundings, signal: controller.signal, trigger });
        this.#succeed(id, ranMs(), value);
      } catch (thrown) {
        this.#fail(id, ranMs(), "throw", describeError(thrown), placeOf(thrown, folderOf(this.#entry(name))));
      }
    }
    this.#running.delete(id);
  }

  #succeed(id: number, ranMs: number, value: unknown): void {
    if (value === undefined) {
      return this.#kernel.send({ t: "outcome", id, ranMs, outcome: { kind: "null", returned: "undefined" } });
    }
    const text = toJsonText(value, payloadMaxBytes);
    if (!text.ok) return this.#fail(id, ranMs, "output", `what compute returned ${text.error}`, null);
    if (text.value === "null") return this.#kernel.send({ t: "outcome", id, ranMs, outcome: { kind: "null" } });
    const { value: json } = text;
    this.#kernel.sendText(`{"t":"outcome","id":${id},"ranMs":${ranMs},"outcome":{"kind":"value","value":${json}}}`);
  }

  #fail(id: number, ranMs: number | null, code: ComputeErrorCode, message: string, place: Place | null): void {
    this.#kernel.send({ t: "outcome", id, ranMs, outcome: { kind: "error", code, message, place } });
  }

  #entry(name: string): string {
    return this.#spec.senses.find((each) => each.name === name)?.entry ?? "";
  }
}

function folderOf(entry: string): string {
  return entry.slice(0, entry.lastIndexOf("/") + 1);
}

function missingCompute(module: Record<string, unknown>): string {
  const exports = Object.keys(module);
  const found = exports.length === 0 ? "nothing" : exports.join(", ");
  return `does not export a function named compute (it exports ${found}): write export function compute(ctx) { ... }`;
}

/** Bound before user code can replace it. */
const textOf: (of: unknown) => string = Function.prototype.call.bind(Function.prototype.toString);
/** `(`, or `({ a, b: c })`: the plain names that a function takes out of its only parameter, without a rest. */
const parameters = /^[\w$\s]*\(\s*(?:\{([\w$\s,:]*)\}\s*,?\s*)?\)/;
/** Other ways to what a function was called with. */
const backDoor = /\barguments\b|\beval\b|\[native code\]/;

/**
 * Whether `compute` can reach `db` or `peers`, told from its text: a process loads no more than its senses need. True
 * where it cannot be told.
 */
export function needsDatabases(compute: unknown): boolean {
  const authored: unknown = Reflect.get(Object(compute), authoredCompute);
  const text = textOf(typeof authored === "function" ? authored : compute), match = parameters.exec(text);
  if (match === null || backDoor.test(text)) return true;
  const names = (match[1] ?? "").split(",").map((part) => part.split(":")[0]?.trim());
  return names.includes("db") || names.includes("peers");
}
