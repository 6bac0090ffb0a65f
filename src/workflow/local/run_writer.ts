/**
 * Writes every change of a run: first to disk, then to memory, then to whoever follows the run.
 * Called by the rest of this room; the store behind it is store/runs/run_store.ts.
 * I1. Memory never says more than the disk.
 * I2. A move that the table of transitions does not know is never asked of the store.
 * I3. What the store refuses for the moment (a full disk) is tried again until it succeeds or the manager stops;
 *     a caller who waits for an answer is told at once instead.
 */
import { calculateBackoff } from "../../base/backoff.ts";
import { messageOf } from "../../base/errors.ts";
import { backoffFirstMs, backoffMaxMs, reasonMaxChars } from "../../base/limits.ts";
import type { Clock } from "../../base/time.ts";
import type { Json } from "../../protocol/json.ts";
import type { LogType, NewLogRow } from "../../protocol/log.ts";
import { exitCode, type RoleFailure, type Run, type RunChange, type RunMessage } from "../../protocol/run.ts";
import { isTerminal, sourcesOf } from "../transitions.ts";
import type { RunEntry } from "./active_runs.ts";
import type { RunStore } from "./ports.ts";
import { storable } from "./run_request.ts";

export interface RunWriterOptions {
  readonly store: RunStore;
  readonly clock: Clock;
  /** Called after each durable change of status or attempt. */
  readonly changed: (entry: RunEntry) => void;
  readonly problem: (message: string) => void;
}

export class RunWriter {
  readonly #options: RunWriterOptions;
  readonly #pending = new Set<Promise<unknown>>();
  /** Ends the pauses between tries. */
  readonly #pauses = new Set<() => void>();
  #closed = false;

  constructor(options: RunWriterOptions) {
    this.#options = options;
  }

  /** Writes a new run. False: the id exists. Fails with the store's error. */
  async create(entry: RunEntry): Promise<boolean> {
    const written = await this.#track(this.#options.store.create(entry.run, firstRow(entry.run)));
    if (written) this.#options.changed(entry);
    return written;
  }

  /**
   * Tries once. False: somebody was first. Fails with the store's error. `rounds`: only in the present attempt, and when
   * the run holds so many messages by then, of which the last may be on its way.
   */
  async changeOnce(entry: RunEntry, change: RunChange, row: NewLogRow, rounds?: number): Promise<boolean> {
    const from = sourcesOf(change.status), fence = entry.run.attempt;
    const guard = rounds === undefined ? { from } : { from, fence, rounds };
    const written = await this.#track(this.#options.store.transition(entry.run.runId, guard, change, row));
    if (written) this.#apply(entry, rounds === undefined ? change : { ...change, rounds });
    return written;
  }

  /** Tries until it is written. False: somebody was first, or the manager has stopped. Never fails. */
  async change(entry: RunEntry, change: RunChange, row: NewLogRow): Promise<boolean> {
    const guard = { from: sourcesOf(change.status), fence: entry.run.attempt };
    const what = `run ${entry.run.runId} could not be written as ${change.status}`;
    const written = await this.#insist(what, () => {
      return this.#options.store.transition(entry.run.runId, guard, change, row);
    });
    if (written) this.#apply(entry, change);
    return written;
  }

  /** Stores the next message, until it is written. False as of `change`. Never fails. */
  async append(entry: RunEntry, message: RunMessage): Promise<boolean> {
    const { run } = entry;
    const written = await this.#insist(`message ${message.round} of run ${run.runId} could not be written`, () => {
      return this.#options.store.appendMessage(run, message);
    });
    if (written && !isTerminal(entry.run.status)) entry.run = { ...entry.run, rounds: message.round };
    return written;
  }

  /** Writes the row of a failed attempt of a role, until it is written. False as of `change`. Never fails. */
  roleFailed(entry: RunEntry, failure: RoleFailure): Promise<boolean> {
    const { run } = entry;
    return this.#insist(`a failure in round ${failure.round} of run ${run.runId} could not be written`, () => {
      return this.#options.store.roleFailed(run, failure);
    });
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** The run as the store has it; null when it has none or cannot be read. */
  read(runId: string): Run | null {
    try {
      return this.#options.store.get(runId);
    } catch (thrown) {
      this.#options.problem(`run ${runId} cannot be read: ${messageOf(thrown)}`);
      return null;
    }
  }

  /**
   * After a refusal: the disk is right, and the run is taken as it stands there. False when nothing is left to do
   * for it: it has ended there, or the manager has stopped.
   */
  reconcile(entry: RunEntry): boolean {
    if (this.#closed) return false;
    // Whoever makes it leave was first and will tell what became of it.
    if (entry.endsPending > 0) return true;
    const disk = this.read(entry.run.runId);
    const gone: Run = { ...entry.run, status: "interrupted", reason: "its row has gone from the store" };
    entry.run = disk ?? gone;
    if (!isTerminal(entry.run.status)) return true;
    this.#options.problem(`run ${entry.run.runId} was changed by somebody else: it is ${entry.run.status}`);
    this.#options.changed(entry);
    return false;
  }

  /** No further tries. Ends when nothing is under way in the store. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const end of [...this.#pauses]) end();
    await this.settled();
  }

  /** Ends when nothing is under way in the store at the moment, whatever became of it. */
  async settled(): Promise<void> {
    while (this.#pending.size > 0) await Promise.allSettled(this.#pending);
  }

  #apply(entry: RunEntry, change: Partial<Run>): void {
    // A kill that came later was told earlier: promises of one commit do not keep their order. It has the last word.
    if (isTerminal(entry.run.status)) return;
    const run = { ...entry.run, ...change };
    // Whoever ended it did not see the message that may have been stored just before; nothing can have come after.
    entry.run = isTerminal(run.status) && entry.endsPending > 0 ? this.read(run.runId) ?? run : run;
    this.#options.changed(entry);
  }

  async #insist(what: string, write: () => Promise<boolean>): Promise<boolean> {
    for (let failures = 1; !this.#closed; failures++) {
      try {
        return await this.#track(write());
      } catch (thrown) {
        if (failures === 1) this.#options.problem(`${what}, trying again: ${messageOf(thrown)}`);
      }
      if (!this.#closed) await this.#pause(calculateBackoff(failures, backoffFirstMs, backoffMaxMs));
    }
    return false;
  }

  #track<T>(writing: Promise<T>): Promise<T> {
    this.#pending.add(writing);
    const done = () => void this.#pending.delete(writing);
    // The caller deals with a failure; here it only means that nothing is under way any more.
    writing.then(done, done);
    return writing;
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const end = () => {
        cancel();
        this.#pauses.delete(end);
        resolve();
      };
      const cancel = this.#options.clock.after(ms, end);
      this.#pauses.add(end);
    });
  }
}

/** A row about a run. Its cause is what asked for the run: `refId` already strings the rows of a run together. */
export function runRow(run: Run, type: LogType, payload: Json): NewLogRow {
  return { source: `workflow:${run.workflow}`, type, refId: run.runId, causeId: run.causeId, payload };
}

/** What the run is made of, the store adds to its first row by itself, and to each later one what it changed. */
function firstRow(run: Run): NewLogRow {
  const type = run.status === "started" ? "run.started" : run.status === "queued" ? "run.queued" : "run.dropped";
  return runRow(run, type, null);
}

/** Every way in which a run ends; `maxRounds` is a failure with an exit code of its own. */
export type Ending = "completed" | "failed" | "maxRounds" | "killed" | "crashed" | "interrupted" | "dropped";

const codes: Readonly<Partial<Record<Ending, number>>> = exitCode;

/** The change that ends a run, and its row. */
export function ending(run: Run, how: Ending, reason: string | null, now: number): [RunChange, NewLogRow] {
  const status = how === "maxRounds" ? "failed" : how;
  const code = codes[how] ?? null;
  const whole = reason === null ? null : storable(reason);
  const text = whole === null || whole.length <= reasonMaxChars
    ? whole
    : storable(`${whole.slice(0, reasonMaxChars)}...`);
  const change: RunChange = { status, exitCode: code, reason: text, endedAt: now };
  return [change, runRow(run, `run.${status}`, { attempt: run.attempt, rounds: run.rounds })];
}
