/**
 * Runs the senses of one group, in the sandbox: loads each on demand (module, database, migrations), calls `compute`,
 * and sends what it returned or threw as one `outcome`. Created by worker_main.ts.
 * I1. Every `compute` message gets exactly one `outcome`, whatever user code does. If it blocks the thread, the kernel
 *     ends the process.
 * I2. A sense that does not load does not affect the other senses of its group.
 */
import { systemClock } from "../base/clock.ts";
import { NerveError } from "../base/errors.ts";
import { payloadMaxBytes } from "../base/limits.ts";
import { type JsonObject, toJsonText } from "../protocol/json.ts";
import type { LoadProblem, ProcessSpec, SenseSpec } from "../protocol/message.ts";
import type { ComputeErrorCode, ComputeTrigger, Place } from "../protocol/signal.ts";
import type { Blobs, SenseContext } from "../sdk/sense.ts";
import { BlobStore } from "../store/blobs/blob_store.ts";
import { execAsNerve, GuardedDatabase } from "../store/sqlite/guarded_database.ts";
import {
  checkApplied,
  closeSenseDatabase,
  migrateSenseDatabase,
  openSenseOrCopy,
} from "../store/sqlite/sense_database.ts";
import { judgeOwnSql } from "../store/sqlite/sql_rules.ts";
import { canUse, describeMissingCompute, findConfigFaults } from "./compute_source.ts";
import { describeError, explainComputeError, placeOf, toLoadProblem } from "./error_text.ts";
import { createOwnSqlite } from "./own_sqlite.ts";
import { openPeers } from "./peers.ts";
import { bindSignal, runWork } from "./programs.ts";
import type { KernelChannel, Runtime, RuntimeMessage } from "./runtime.ts";
import { type ComputeMessage, SenseOutbox } from "./sense_outbox.ts";
import { createLog, deepFreeze, type OpenLogs, openLogs, readSilence } from "./context_helpers.ts";
import { importUserModule } from "./user_module.ts";
import { tidyClosedDatabase, WalTidy } from "./wal_tidy.ts";

type Compute = (context: SenseContext) => unknown;
/** The parts of a context that all computes of a sense share. */
type SharedContext = Omit<SenseContext, "signal" | "trigger">;
/** The parts that need Drizzle. */
type DrizzleContext = Pick<SharedContext, "db" | "peers">;
type Loaded =
  | {
    readonly ok: true;
    readonly compute: Compute;
    readonly shared: SharedContext;
    readonly outbox: SenseOutbox;
    /** Ends the reads that the compute left open, row by row. */
    readonly endReads: () => void;
  }
  /** `transient`: the disk caused it, not the code; the next compute tries again. */
  | { readonly ok: false; readonly problems: readonly LoadProblem[]; readonly transient?: boolean };

type LoadedSense = Extract<Loaded, { ok: true }>;

export class SenseRuntime implements Runtime {
  readonly #spec: ProcessSpec;
  readonly #kernel: KernelChannel;
  readonly #loaded = new Map<string, Promise<Loaded>>();
  readonly #outboxes = new Map<string, SenseOutbox>();
  /** The functions that close each open database: a sense's own, and its connections as a peer of other senses. */
  readonly #closers = new Map<string, (() => void)[]>();
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
    if (message.t === "load") void this.#prepare(message.sense, message.taken);
    else if (message.t === "compute") void this.#compute(message);
    else if (message.t === "reopen") this.#closeDatabase(message.sense);
    else if (message.t === "tidy") { for (const { database } of this.#spec.senses) tidyClosedDatabase(database); }
    else if (message.t === "taken") this.#outboxes.get(message.sense)?.onTaken(message);
    else if (message.t === "abort") {
      this.#running.get(message.id)?.abort(new DOMException(message.reason, "AbortError"));
    } else if (message.t === "senses") this.#allSenses = new Set(message.all);
    else throw new Error(`nerve bug: a group's process got ${message.t}`);
  }

  close(): void {
    for (const close of [...[...this.#closers.values()].flat(), this.#logs.close]) close();
  }

  #onOpened(sense: string, close: () => void): void {
    const closers = this.#closers.get(sense);
    if (closers === undefined) this.#closers.set(sense, [close]);
    else closers.push(close);
  }

  /** The next compute loads the sense again, and its next use as a peer opens the database again. */
  #closeDatabase(sense: string): void {
    for (const close of this.#closers.get(sense) ?? []) close();
    this.#closers.delete(sense);
    this.#loaded.delete(sense);
    this.#outboxes.delete(sense);
  }

  /** Loads a sense once per process, unless its database could not be opened, and reports the result to the kernel. */
  #load(name: string): Promise<Loaded> {
    let loading = this.#loaded.get(name);
    if (loading === undefined) {
      loading = this.#loadModule(name);
      this.#loaded.set(name, loading);
      loading.then((loaded) => {
        if (!loaded.ok && loaded.transient === true) this.#loaded.delete(name);
        this.#reportLoaded(name, loaded);
      });
    }
    return loading;
  }

  /** Like `#load`, until `signal` aborts: one module that never finishes loading must not end the whole group. */
  async #loadUntil(name: string, signal: AbortSignal): Promise<Loaded> {
    const aborted = Promise.withResolvers<Loaded>();
    const giveUp = () => {
      const place = { file: this.#entryOf(name), line: 1, column: 1 };
      const problem = {
        message: "its module did not finish loading: does it await something at the top level?",
        place,
      };
      const unfinished: Loaded = { ok: false, problems: [problem] };
      this.#reportLoaded(name, unfinished);
      aborted.resolve(unfinished);
    };
    signal.addEventListener("abort", giveUp, { once: true });
    return await Promise.race([this.#load(name), aborted.promise]).finally(() => {
      signal.removeEventListener("abort", giveUp);
    });
  }

  #reportLoaded(name: string, loaded: Loaded): void {
    const problems = loaded.ok ? [] : loaded.problems.slice(0, 100);
    this.#kernel.send({ t: "loaded", name, problems });
  }

  async #loadModule(name: string): Promise<Loaded> {
    const sense = this.#spec.senses.find((each) => each.name === name);
    if (sense === undefined) throw new Error(`nerve bug: sense ${name} is not of group ${this.#spec.name}`);
    try {
      // The handle stays in this function and in private fields: see GuardedDatabase.
      const { sqlite, unstored } = openSenseOrCopy(sense.database);
      const problems = await migrateSenseDatabase(sqlite, sense.database, sense.migrations);
      const database = new GuardedDatabase(sqlite, judgeOwnSql);
      this.#onOpened(name, () => closeSenseDatabase(sqlite, (script) => execAsNerve(database, script)));
      if (sense.tryFor !== null) problems.push(...await checkApplied(sense.tryFor, sense.migrations));
      // Senses that share a file must not share the variables of its module.
      const shares = this.#spec.senses.some((other) => other !== sense && other.entry === sense.entry);
      const module = await importUserModule(sense.entry, shares ? name : null).catch((thrown: unknown) => {
        problems.push(toLoadProblem(thrown, folderOf(sense.entry)));
        return null;
      });
      const compute = module?.compute;
      if (module !== null && typeof compute !== "function") {
        problems.push({ message: describeMissingCompute(module), place: { file: sense.entry, line: 1, column: 1 } });
      }
      if (sense.tryFor !== null) problems.push(...findConfigFaults(compute, sense.config));
      if (problems.length > 0) return { ok: false, problems };
      const shared: SharedContext = {
        name,
        // A sense that cannot use these gets none.
        ...canUse(compute, ["db", "peers"]) ? await this.#openDatabases(sense, database) : {} as DrizzleContext,
        sqlite: createOwnSqlite(database),
        logs: this.#logs.logs,
        blobs: this.#blobs,
        config: deepFreeze((sense.config ?? {}) as JsonObject),
        log: createLog(this.#kernel, name),
      };
      const outbox = new SenseOutbox(name, sqlite, this.#kernel, {
        canWrite: canUse(compute, ["db", "sqlite"]),
        unstored,
        whole: module?.transaction !== false,
      });
      this.#outboxes.set(name, outbox);
      const tidy = new WalTidy(sense.database, database),
        endReads = () => {
          database.endRows();
          tidy.lookSoon();
        };
      return { ok: true, compute: compute as Compute, shared, outbox, endReads };
    } catch (thrown) {
      const transient = thrown instanceof NerveError && thrown.code === "STORE_FAILED";
      return { ok: false, problems: [toLoadProblem(thrown, folderOf(sense.entry))], transient };
    }
  }

  /** Drizzle costs 15 ms and 8 MiB: it is loaded only if a sense of this process needs it. */
  async #openDatabases(sense: SenseSpec, database: GuardedDatabase): Promise<DrizzleContext> {
    const { createDrizzle } = await import("../store/sqlite/drizzle.ts");
    return {
      db: createDrizzle(database),
      peers: openPeers(this.#spec, { sense: sense.name, peers: sense.peers }, {
        allSenses: () => this.#allSenses,
        onOpened: (name, close) => this.#onOpened(name, close),
        onUnshared: (name) => this.#kernel.sendNow({ t: "unshared", sense: name }),
        limit: this.#kernel.reads,
        createDrizzle,
      }),
    };
  }

  /** Loads a sense ahead of its compute, and sends the kernel the value that it does not have yet. */
  async #prepare(name: string, taken: string | null): Promise<void> {
    const isKnown = this.#loaded.has(name), loaded = await this.#load(name);
    if (isKnown) this.#reportLoaded(name, loaded);
    if (loaded.ok) await loaded.outbox.deliver(taken);
  }

  async #compute(message: ComputeMessage): Promise<void> {
    const { id, sense } = message;
    const controller = new AbortController();
    this.#running.set(id, controller);
    const loaded = await this.#loadUntil(sense, controller.signal);
    if (!loaded.ok) {
      const [first] = loaded.problems;
      this.#fail(id, null, "load", first?.message ?? "cannot be loaded", first?.place ?? null);
    } else {
      const fault = await loaded.outbox.deliver(message.taken);
      if (fault === null) await this.#run(message, loaded, controller.signal);
      else this.#fail(id, null, "output", `what an earlier compute returned is not on disk: ${fault}`, null);
      // The next load may find space on the disk.
      if (loaded.outbox.unstored !== null) this.#closeDatabase(sense);
    }
    this.#running.delete(id);
  }

  async #run(
    message: ComputeMessage,
    { compute, shared, outbox, endReads }: LoadedSense,
    signal: AbortSignal,
  ): Promise<void> {
    const { id, sense } = message, trigger = toTrigger(message);
    const began = systemClock.monotonic(), ranMs = () => systemClock.monotonic() - began;
    try {
      outbox.begin();
      const value = await runWork(sense, () => compute({ ...shared, signal: bindSignal(signal), trigger })),
        took = ranMs();
      endReads();
      const text = value === undefined ? null : toJsonText(value, payloadMaxBytes);
      if (text?.ok === false) {
        outbox.rollback();
        return this.#fail(id, took, "output", `what compute returned ${text.error}`, null);
      }
      const returned = text === null || text.value === "null" ? null : text.value, silent = readSilence(returned);
      const json = silent === null ? returned : null;
      const { kept, unstored } = outbox.commit(message, trigger, json);
      if (json === null && unstored !== null) return this.#fail(id, took, "output", toUnstored(unstored), null);
      if (json === null) return this.#tellNull(id, took, value, silent);
      // On a full disk a warning still gets out; the sense will not remember that it was sent.
      if (unstored !== null) shared.log("warn", `${toUnstored(unstored)}; what it returned is delivered nonetheless`);
      const outcome = `{"kind":"value","value":${json}}`;
      this.#kernel.sendText(`{"t":"outcome","id":${id},"ranMs":${took},"kept":${kept},"outcome":${outcome}}`);
    } catch (thrown) {
      endReads();
      outbox.rollback();
      this.#fail(
        id,
        ranMs(),
        "throw",
        explainComputeError(describeError(thrown)),
        placeOf(thrown, folderOf(this.#entryOf(sense))),
      );
    }
  }

  #tellNull(id: number, ranMs: number, value: unknown, silent: string | null): void {
    const why = silent !== null ? { silent } : value === undefined ? { returned: "undefined" } as const : {};
    this.#kernel.send({ t: "outcome", id, ranMs, outcome: { kind: "null", ...why } });
  }

  #fail(id: number, ranMs: number | null, code: ComputeErrorCode, message: string, place: Place | null): void {
    this.#kernel.send({ t: "outcome", id, ranMs, outcome: { kind: "error", code, message, place } });
  }

  #entryOf(name: string): string {
    return this.#spec.senses.find((each) => each.name === name)?.entry ?? "";
  }
}

function toUnstored(why: string): string {
  return `what compute wrote could not be stored: ${why}`;
}

function toTrigger({ trigger, signals, deliveries, changed }: ComputeMessage): ComputeTrigger {
  const heard = { signals, deliveries, paths: changed?.paths ?? [], morePaths: changed?.complete === false };
  if (trigger.kind !== "signal") return { ...trigger, ...heard };
  const signal = signals.at(-1);
  if (signal === undefined) throw new Error("nerve bug: a compute was triggered by no signal");
  return { ...trigger, signal, ...heard };
}

function folderOf(entry: string): string {
  return entry.slice(0, entry.lastIndexOf("/") + 1);
}
