/**
 * Writes every change of a run: first to the store, then to memory, then calls `onChanged`. Called by the rest of this
 * folder; the store behind it is store/runs/run_store.ts.
 * I1. Memory is never ahead of the disk.
 * I2. The store is never asked for a move that the table of transitions does not have.
 * I3. A write that fails (a full disk) is retried until it succeeds or the manager stops. Methods that try once fail
 *     immediately instead: a caller waits for their answer.
 */
import { calculateBackoff } from "../../base/backoff.ts";
import { messageOf } from "../../base/errors.ts";
import { backoffFirstMs, backoffMaxMs, reasonMaxChars } from "../../base/limits.ts";
import { toStorableText } from "../../base/storable_text.ts";
import type { Clock } from "../../base/time.ts";
import type { Json } from "../../protocol/json.ts";
import type { ApprovalDecision, NewApproval } from "../../protocol/approval.ts";
import type { LogType, NewLogRow } from "../../protocol/log.ts";
import type { RoleBegun, RoleFailure, Run, RunChange, RunMessage, RunStatus } from "../../protocol/run.ts";
import type { NewChild, RunPause, RunWait, Settlement } from "../../protocol/run_wait.ts";
import type { Moment } from "../../base/moment.ts";
import type { Fork, RunRequest } from "../engine.ts";
import { guardOf, isTerminal } from "../transitions.ts";
import type { RunEntry } from "./active_runs.ts";
import type { RunStore } from "./ports.ts";

export interface RunWriterOptions {
  readonly store: RunStore;
  readonly clock: Clock;
  /** Called after each durable change of status or attempt; `before`: the previous status. */
  readonly onChanged: (entry: RunEntry, before: RunStatus) => void;
  readonly reportProblem: (message: string) => void;
}

export class RunWriter {
  readonly #options: RunWriterOptions;
  readonly #pending = new Set<Promise<unknown>>();
  /** Ends the pauses between retries. */
  readonly #pauses = new Set<() => void>();
  #closed = false;

  constructor(options: RunWriterOptions) {
    this.#options = options;
  }

  /** Writes a new run. False: the id exists. Rejects with the store's error. */
  async create(entry: RunEntry, { fork = null, starts = null }: Pick<RunRequest, "fork" | "starts">): Promise<boolean> {
    const row = createFirstRow(entry.run, fork, starts);
    const written = await this.#track(this.#options.store.create(entry.run, row, fork, starts));
    if (written) this.#options.onChanged(entry, entry.run.status);
    return written;
  }

  /**
   * Tries once. False: another change came first. Rejects with the store's error. With `rounds`, the change applies
   * only in the current attempt, and only if the run then has that many messages; the last may still be being written.
   */
  async tryChange(entry: RunEntry, change: RunChange, row: NewLogRow, rounds?: number): Promise<boolean> {
    const from = guardOf(change.status), fence = entry.run.attempt;
    const guard = rounds === undefined ? { from } : { from, fence, rounds };
    this.#assertOpen();
    const written = await this.#track(this.#options.store.transition(entry.run.runId, guard, change, row));
    if (written) this.#apply(entry, rounds === undefined ? change : { ...change, rounds });
    return written;
  }

  /**
   * Retries until it is written. False: another change came first, the run has left memory, or the manager has stopped.
   * Never rejects.
   */
  async change(entry: RunEntry, change: RunChange, row: NewLogRow): Promise<boolean> {
    const guard = { from: guardOf(change.status), fence: entry.run.attempt };
    const what = `run ${entry.run.runId} could not be written as ${change.status}`;
    const written = await this.retryUntilWritten(entry, what, () => {
      return this.#options.store.transition(entry.run.runId, guard, change, row);
    });
    if (written) this.#apply(entry, change);
    return written;
  }

  /** Retries until the next message is written. False as for `change`. Never rejects. */
  async append(entry: RunEntry, message: RunMessage): Promise<boolean> {
    const { run } = entry;
    const written = await this.retryUntilWritten(
      entry,
      `message ${message.round} of run ${run.runId} could not be written`,
      () => {
        return this.#options.store.appendMessage(run, message);
      },
    );
    if (written && !isTerminal(entry.run.status)) entry.run = { ...entry.run, rounds: message.round };
    return written;
  }

  /** Retries until the run waits. False as for `change`. Never rejects. */
  async beginWait(
    entry: RunEntry,
    wait: RunWait,
    reason: string,
    request: NewApproval | null,
    children: readonly NewChild[] = [],
  ): Promise<boolean> {
    const { run } = entry, what = `run ${run.runId} could not be written as waiting`;
    const written = await this.retryUntilWritten(
      entry,
      what,
      () => this.#options.store.beginWait(run, wait, reason, request, children),
    );
    if (written) this.#apply(entry, { status: "waiting", reason });
    return written;
  }

  /**
   * Retries until the message that settles a wait is written. False as for `change`. Never rejects, unless `once`: then
   * it tries once, and rejects with the store's error.
   */
  async settleWait(
    entry: RunEntry,
    message: RunMessage,
    by: Settlement,
    once = false,
  ): Promise<boolean> {
    const { run } = entry, { round } = message;
    const what = `message ${round} of run ${run.runId} could not be written`;
    const write = () => this.#options.store.settleWait(run, message, by);
    const written = await (once ? this.#track(write()) : this.retryUntilWritten(entry, what, write));
    if (written) this.#apply(entry, { status: "started", attempt: run.attempt + 1, rounds: round, reason: null });
    return written;
  }

  /** Retries until the row of a role that begins is written. False as for `change`. Never rejects. */
  beginRole(entry: RunEntry, begun: RoleBegun): Promise<boolean> {
    const { run } = entry, what = `that role ${begun.role} of run ${run.runId} begins could not be written`;
    return this.retryUntilWritten(entry, what, () => this.#options.store.beginRole(run, begun));
  }

  /** Tries once. False: another change came first. Rejects with the store's error. */
  async decideRecovery(
    entry: RunEntry,
    change: RunChange,
    row: NewLogRow,
    decision: ApprovalDecision,
  ): Promise<boolean> {
    this.#assertOpen();
    const written = await this.#track(this.#options.store.decideRecovery(entry.run, change, row, decision));
    if (written) this.#apply(entry, change);
    return written;
  }

  /** Tries once. False: another change came first. Rejects with the store's error. */
  async pause(entry: RunEntry, pause: RunPause, reason: string): Promise<boolean> {
    this.#assertOpen();
    const written = await this.#track(this.#options.store.pause(entry.run, pause, reason));
    if (written) this.#apply(entry, { status: "paused", reason });
    return written;
  }

  /** Retries until the run is paused. False as for `change`. Never rejects. */
  async pauseLater(entry: RunEntry, pause: RunPause, reason: string): Promise<boolean> {
    const what = `run ${entry.run.runId} could not be written as paused`;
    const written = await this.retryUntilWritten(entry, what, () => {
      return this.#options.store.pause(entry.run, pause, reason);
    });
    if (written) this.#apply(entry, { status: "paused", reason });
    return written;
  }

  /** Tries once, for a paused run, which is not in memory. Rejects with the store's error. */
  async unpause(run: Run, pause: RunPause, acceptCode: boolean): Promise<boolean> {
    this.#assertOpen();
    return await this.#track(this.#options.store.unpause(run, pause, acceptCode));
  }

  /** Retries until the row of a role's failed attempt is written. False as for `change`. Never rejects. */
  appendRoleFailure(entry: RunEntry, failure: RoleFailure): Promise<boolean> {
    const { run } = entry;
    return this.retryUntilWritten(
      entry,
      `a failure in round ${failure.round} of run ${run.runId} could not be written`,
      () => {
        return this.#options.store.appendRoleFailure(run, failure);
      },
    );
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** The run as stored; null when there is none or it cannot be read. */
  read(runId: string): Run | null {
    try {
      return this.#options.store.get(runId);
    } catch (thrown) {
      this.#options.reportProblem(`run ${runId} cannot be read: ${messageOf(thrown)}`);
      return null;
    }
  }

  /**
   * Call this after the store rejected a change: the stored run is right, and replaces the one in memory. False when
   * nothing is left to do for the run: it has ended, or the manager has stopped.
   */
  reconcile(entry: RunEntry): boolean {
    // The run's end is already known and reported.
    if (this.#closed || isTerminal(entry.run.status)) return false;
    // Another writer is ending the run, came first, and will report the result.
    if (entry.endsPending > 0) return true;
    const stored = this.read(entry.run.runId);
    const missing: Run = { ...entry.run, status: "interrupted", reason: "its row is missing from the store" };
    const before = entry.run.status;
    entry.run = stored ?? missing;
    if (!isTerminal(entry.run.status)) return true;
    this.#options.reportProblem(`run ${entry.run.runId} was changed by another program: it is ${entry.run.status}`);
    this.#options.onChanged(entry, before);
    return false;
  }

  /** Stops retrying. Resolves when no write is pending. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const end of [...this.#pauses]) end();
    await this.waitUntilIdle();
  }

  /** Resolves when no write is pending, whatever the results. */
  async waitUntilIdle(): Promise<void> {
    while (this.#pending.size > 0) await Promise.allSettled(this.#pending);
  }

  #apply(entry: RunEntry, change: Partial<Run>): void {
    // A later kill may be applied earlier, because promises of one commit do not settle in order. The kill stands.
    if (isTerminal(entry.run.status) || entry.left) return;
    const run = { ...entry.run, ...change }, before = entry.run.status;
    // The change that ended it may lack a message stored just before; nothing can have been stored after.
    entry.run = (isTerminal(run.status) || run.status === "paused") && entry.endsPending > 0
      ? this.read(run.runId) ?? run
      : run;
    this.#options.onChanged(entry, before);
  }

  /** A run that has left memory meanwhile, such as a paused one, gets another entry when it comes back. */
  async retryUntilWritten(entry: RunEntry, what: string, write: () => Promise<boolean>): Promise<boolean> {
    for (let failures = 1; !this.#closed && !entry.left; failures++) {
      try {
        return await this.#track(write());
      } catch (thrown) {
        if (failures === 1) this.#options.reportProblem(`${what}; retrying: ${messageOf(thrown)}`);
      }
      if (!this.#closed) await this.#pause(calculateBackoff(failures, backoffFirstMs, backoffMaxMs));
    }
    return false;
  }

  /** Callers that were waiting when the writer closed must not change a run: the next daemon has it. */
  #assertOpen(): void {
    if (this.#closed) throw new Error("the daemon stops");
  }

  #track<T>(writing: Promise<T>): Promise<T> {
    this.#pending.add(writing);
    const done = () => void this.#pending.delete(writing);
    // The caller handles a failure; here it only matters that the write is no longer pending.
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

/** A row about a run. Its cause is what caused the run: `refId` already links the rows of one run. */
export function createRunRow(run: Run, type: LogType, payload: Json): NewLogRow {
  return { source: `workflow:${run.workflow}`, type, refId: run.runId, causeId: run.causeId, payload };
}

/** The run's first row. Its payload holds only the fork and the start time: the store adds the run's fields. */
export function createFirstRow(run: Run, fork: Fork | null, starts: Moment | null): NewLogRow {
  const type = run.status === "started" ? "run.started" : run.status === "queued" ? "run.queued" : "run.dropped";
  const more = { ...fork === null ? {} : { fork: { ...fork } }, ...starts === null ? {} : { starts } };
  return createRunRow(run, type, Object.keys(more).length === 0 ? null : more);
}

/** The text as a run's reason: storable and bounded. */
export function toReason(text: string): string {
  const whole = toStorableText(text);
  return whole.length <= reasonMaxChars ? whole : toStorableText(`${whole.slice(0, reasonMaxChars)}...`);
}
