/**
 * Ends waits whose time is over. Called by waits.ts.
 * I1. Only the next due time is in memory. At most `dueWaitsMax` runs are loaded at a time.
 * I2. A span is over when the wall clock reaches its end, or when as much time has passed; a time of day, when the wall
 *     clock reaches it. Neither a restart nor setting the clock back makes a span longer.
 * I3. Waits are settled in the order in which they are due.
 */
import { assert, messageOf } from "../../base/errors.ts";
import { backoffFirstMs, backoffMaxMs } from "../../base/limits.ts";
import type { CancelTimer, Clock } from "../../base/time.ts";
import { dueWaitsMax } from "../../base/wait_limits.ts";
import type { ApprovalDecision } from "../../protocol/approval.ts";
import type { Run, RunMessage } from "../../protocol/run.ts";
import type { RunWait, Settlement, WaitingRun } from "../../protocol/run_wait.ts";
import type { ActiveRuns, RunEntry, WorkflowQueue } from "./active_runs.ts";
import { createChildrenMessage } from "./child_texts.ts";
import type { Dispatcher } from "./dispatcher.ts";
import { createDecision, createDecisionMessage } from "./gates.ts";
import type { RunStore } from "./ports.ts";
import type { RunWriter } from "./run_writer.ts";
import { createEventMessage, createSleepMessage, createTimeoutMessage } from "./wait_texts.ts";

export interface DueWaitsParts {
  readonly runs: ActiveRuns;
  readonly writer: RunWriter;
  readonly dispatcher: Dispatcher;
  readonly store: RunStore;
  readonly clock: Clock;
  readonly reportProblem: (message: string) => void;
  /** As in waits.ts. */
  readonly load: (run: Run) => RunEntry;
  readonly settle: (entry: RunEntry, message: RunMessage, by: Settlement) => Promise<boolean>;
}

export class DueWaits {
  readonly #parts: DueWaitsParts;
  #open = false;
  #waking = false;
  /** When the timers below fire, in wall milliseconds. */
  #armedFor = Infinity;
  #timers: CancelTimer[] = [];
  /** What is due, or what settles a wait, could not be read: it is not tried again at once. */
  #isUnread = false;

  constructor(parts: DueWaitsParts) {
    this.#parts = parts;
  }

  /** Begins to settle waits that are over. */
  open(): void {
    this.#open = true;
    void this.#wakeDue();
  }

  close(): void {
    this.#open = false;
    this.#disarm();
  }

  get isOpen(): boolean {
    return this.#open;
  }

  /** A run has begun to wait until then. */
  add(due: number | null): void {
    if (due !== null && due < this.#armedFor) this.arm();
  }

  /** Calls `work` after a while, unless closed before. */
  later(work: () => void): void {
    this.#timers.push(this.#parts.clock.after(backoffMaxMs, work));
  }

  async #wakeDue(): Promise<void> {
    if (this.#waking || !this.#open) return;
    this.#waking = true;
    const { store, clock } = this.#parts;
    let left = 0;
    for (let woken = true; woken && this.#open;) {
      const due = this.read(() => store.listDueWaits(clock.now(), clock.boot(), dueWaitsMax));
      this.#isUnread = due === null;
      left = due?.length ?? 0;
      woken = due !== null && left > 0 && await this.#wakeAll(due);
    }
    this.#waking = false;
    // What is left is ending, and its end cannot be written yet; or it cannot be read.
    this.arm(this.#isUnread ? backoffMaxMs : left === 0 ? 0 : backoffFirstMs);
  }

  /** False when none of them was settled. */
  async #wakeAll(due: readonly WaitingRun[]): Promise<boolean> {
    const { dispatcher } = this.#parts;
    const woken = await Promise.all(due.map((each) => this.#wake(each)));
    for (const queue of new Set(woken)) if (queue !== null) dispatcher.dispatch(queue);
    return woken.some((queue) => queue !== null);
  }

  /** Returns the queue of a run whose wait was settled, for the caller to dispatch; null if it was not. */
  async #wake({ runId, wait }: WaitingRun): Promise<WorkflowQueue | null> {
    const { runs, writer, load, settle } = this.#parts;
    const run = runs.get(runId)?.run ?? writer.read(runId);
    if (run === null || run.status !== "waiting") return null;
    const end = this.read(() => this.#endOf(runId, wait));
    this.#isUnread ||= end === null;
    if (end === null) return null;
    const entry = load(run);
    if (entry.phase.tag !== "waiting" || entry.endsPending > 0) return null;
    return await settle(entry, ...end) ? entry.queue : null;
  }

  /** The message and settlement of a wait whose time is over. */
  #endOf(runId: string, wait: RunWait): [RunMessage, Settlement] {
    const { store, clock } = this.#parts, now = clock.now();
    if (wait.kind === "gate") {
      const decision = this.#expire(runId, wait);
      return [createDecisionMessage(wait, decision), { decision }];
    }
    if (wait.kind === "children") return [createChildrenMessage(wait, [], now), { children: true }];
    if (wait.event === null) return [createSleepMessage(wait, now), {}];
    // An event that came in time, but that a crash has left undelivered.
    const kept = store.readKeptEvent(runId, wait.event);
    return kept === null
      ? [createTimeoutMessage(wait, now), {}]
      : [createEventMessage(wait, kept, now), { event: kept.key }];
  }

  /** The decision of a request that no one decided in time. */
  #expire(runId: string, { round }: RunWait): ApprovalDecision {
    const { store, clock } = this.#parts, approval = store.readApprovalAt(runId, round)?.approval;
    assert(approval !== undefined, `run ${runId} waits at a gate without a request`);
    // Earlier versions stored requests of processes that broke the rules, without that option.
    const how = {
      decision: approval.onExpiry ?? "reject",
      by: null,
      how: "expiry",
      token: null,
      comment: null,
    } as const;
    const unsigned = { key: null, signature: null };
    return createDecision(approval, { ...how, ...unsigned }, clock.now());
  }

  /** Sets the timers for the next due wait, `leastMs` from now at the earliest. */
  arm(leastMs = 0): void {
    this.#disarm();
    const { store, clock } = this.#parts, boot = clock.boot(), now = clock.now();
    const next = this.#open ? this.read(() => store.readNextDue(boot)) : null;
    if (next === null) return;
    const wake = () => void this.#wakeDue(), { wall, bootMs } = next;
    if (wall !== null && wall <= now + leastMs) this.#timers.push(clock.after(leastMs, wake));
    else if (wall !== null) this.#timers.push(clock.at(wall, wake));
    if (bootMs !== null && boot !== null) this.#timers.push(clock.after(Math.max(leastMs, bootMs - boot.ms), wake));
    this.#armedFor = wall ?? Infinity;
  }

  #disarm(): void {
    for (const cancel of this.#timers) cancel();
    this.#timers = [];
    this.#armedFor = Infinity;
  }

  /** Null when the store cannot be read: that is retried. */
  read<T>(read: () => T): T | null {
    try {
      return read();
    } catch (thrown) {
      this.#parts.reportProblem(`the waits of runs cannot be read; retrying: ${messageOf(thrown)}`);
      if (this.#open) this.later(() => void this.#wakeDue());
      return null;
    }
  }
}
