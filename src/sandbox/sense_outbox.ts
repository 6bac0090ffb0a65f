/**
 * Delivers what the computes of one sense returned. A compute is one transaction of the sense's database, and its value
 * stays there until the kernel has it on disk: a crash in between loses neither the writes nor the value. Used by
 * sense_runtime.ts.
 */
import { messageOf } from "../base/errors.ts";
import type { FromProcess, ToProcess } from "../protocol/message.ts";
import type { ComputeTrigger } from "../protocol/signal.ts";
import { causeOf, triggerKinds } from "../protocol/signal_text.ts";
import { ComputeTransaction, readOutbox } from "../store/sqlite/compute_transaction.ts";
import type { DatabaseSync } from "node:sqlite";
import type { KernelChannel } from "./runtime.ts";

export type ComputeMessage = Extract<ToProcess, { t: "compute" }>;
type Undelivered = Extract<FromProcess, { t: "undelivered" }>;

/** The fate of a compute's writes. `kept`: its value is in the outbox. `unstored`: why they could not be stored. */
export interface ComputeCommit {
  readonly kept: boolean;
  readonly unstored: string | null;
}

export interface OutboxOptions {
  /** Whether the sense can use its database. */
  readonly canWrite: boolean;
  /** Whether a compute is one transaction. */
  readonly whole: boolean;
  /** Why the database is a copy in memory; null when it is not one. */
  readonly unstored: string | null;
}

const nothingHeld: Promise<null> = Promise.resolve(null);
const nothingWritten: ComputeCommit = { kept: false, unstored: null };

export class SenseOutbox {
  readonly #sense: string;
  readonly #kernel: KernelChannel;
  /** Null for a sense that cannot use its database. */
  readonly #transaction: ComputeTransaction | null;
  readonly #whole: boolean;
  /** Why nothing that is written will last; null when it will. */
  readonly unstored: string | null;
  /** What the outbox holds, until the kernel is known to have it. */
  #held: { readonly key: string; readonly entry: string } | null;
  #delivering: PromiseWithResolvers<string | null> | null = null;

  constructor(
    sense: string,
    database: DatabaseSync,
    kernel: KernelChannel,
    { canWrite, whole, unstored }: OutboxOptions,
  ) {
    this.#sense = sense;
    this.unstored = unstored;
    this.#kernel = kernel;
    this.#whole = whole;
    this.#transaction = canWrite ? new ComputeTransaction(database) : null;
    const entry = readOutbox(database), held = entry === null ? null : readUndelivered(entry, sense);
    this.#held = entry === null || held === null ? null : { key: held.key, entry };
  }

  /**
   * Sends the kernel the value of an earlier compute, if the kernel does not have it: `taken` is the key of the last
   * value that it has. Resolves with null, or with why the kernel could not take it.
   */
  deliver(taken: string | null): Promise<string | null> {
    if (this.#held?.key === taken) this.#held = null;
    const undelivered = this.#held === null ? null : readUndelivered(this.#held.entry, this.#sense);
    if (undelivered === null) return nothingHeld;
    if (this.#delivering === null) {
      this.#delivering = Promise.withResolvers();
      this.#kernel.send(undelivered);
    }
    return this.#delivering.promise;
  }

  /** The kernel's answer to `undelivered`. */
  onTaken({ fault }: Extract<ToProcess, { t: "taken" }>): void {
    if (fault === null) this.#held = null;
    this.#delivering?.resolve(fault);
    this.#delivering = null;
  }

  begin(): void {
    this.#transaction?.begin(this.#whole);
  }

  /** Ends the transaction of the compute. `json` is the value it returned, as JSON; null when there is none. */
  commit({ id, key }: ComputeMessage, trigger: ComputeTrigger, json: string | null): ComputeCommit {
    if (this.#transaction === null) return nothingWritten;
    let entry: string | null = null;
    if (key !== null && json !== null) {
      const head = JSON.stringify({ key, compute: id, trigger: trigger.kind, causeId: causeOf(trigger) });
      entry = `${head.slice(0, -1)},"value":${json}}`;
    }
    try {
      const kept = this.#transaction.commit(entry);
      if (this.unstored !== null) return { kept: false, unstored: this.unstored };
      if (kept && key !== null && entry !== null) this.#held = { key, entry };
      return { kept, unstored: null };
    } catch (thrown) {
      return { kept: false, unstored: messageOf(thrown) };
    }
  }

  /** Undoes what the compute wrote. */
  rollback(): void {
    this.#transaction?.rollback();
  }
}

/** Null for entries that nerve did not write: user code can reach the table, and the kernel would end the process. */
function readUndelivered(entry: string, sense: string): Undelivered | null {
  try {
    const { key, compute, trigger, causeId, value } = JSON.parse(entry) as Undelivered;
    const known = typeof key === "string" && /^[0-9A-HJKMNP-TV-Z]{26}$/.test(key) && Number.isSafeInteger(compute) &&
      triggerKinds.includes(trigger) && (causeId === null || Number.isSafeInteger(causeId)) && value !== undefined;
    return known ? { t: "undelivered", sense, key, compute, trigger, causeId, value } : null;
  } catch {
    // Not JSON.
    return null;
  }
}
