/**
 * Runs that wait: begins their waits, and settles each with one message when it is over. Called by process_messages.ts
 * and manager.ts.
 * I1. A run that waits is in no process and not in memory: the store knows what it waits for, and when the next waits are
 *     due. It is loaded while something is done about it, and at most `dueWaitsMax` at a time.
 * I2. The message that settles a wait and the move of its run are one commit. Whoever is first settles it.
 * I3. A span is over when the wall clock says so, or when as much time has passed; a time of day, when the wall clock
 *     says so. Neither a restart nor a clock that is set back makes a span longer.
 * I4. Waits are settled in the order in which they are due.
 */
import { assert, messageOf } from "../../base/errors.ts";
import { backoffFirstMs, backoffMaxMs } from "../../base/limits.ts";
import type { CancelTimer, Clock } from "../../base/time.ts";
import { dueWaitsMax } from "../../base/wait_limits.ts";
import type { ApprovalDecision, NewApproval } from "../../protocol/approval.ts";
import type { FromProcess } from "../../protocol/message.ts";
import type { Run, RunMessage } from "../../protocol/run.ts";
import type { RunWait, Settlement, WaitingRun } from "../../protocol/run_wait.ts";
import type { ActiveRuns, RunEntry, WorkflowQueue } from "./active_runs.ts";
import type { Assignments } from "./assignments.ts";
import { describeUnconfigured, type Dispatcher } from "./dispatcher.ts";
import { type AskedGate, createDecision, createDecisionMessage, createRequest } from "./gates.ts";
import { enterPhase } from "./phase.ts";
import type { RunStore, WorkflowHost, WorkflowProcess } from "./ports.ts";
import { currentRoundOf } from "./role_failure.ts";
import type { RunWriter } from "./run_writer.ts";
import {
  createEventMessage,
  createSleepMessage,
  createTimeoutMessage,
  createWait,
  describeWait,
} from "./wait_texts.ts";

export type WaitReport = Extract<FromProcess, { t: "wait" }>;

export interface WaitsParts {
  readonly runs: ActiveRuns;
  readonly writer: RunWriter;
  readonly assignments: Assignments;
  readonly dispatcher: Dispatcher;
  readonly store: RunStore;
  readonly host: Pick<WorkflowHost, "codeOf">;
  readonly clock: Clock;
  readonly reportProblem: (message: string) => void;
}

export class Waits {
  readonly #parts: WaitsParts;
  #open = false;
  #waking = false;
  /** When the timers below fire, in wall milliseconds. */
  #armedFor = Infinity;
  #timers: CancelTimer[] = [];
  /** By run id: a wait that begins or is being settled. */
  readonly #moving = new Map<string, Promise<void>>();

  /** Called when a run has begun to wait for an event: it may keep one already. */
  onEventAwaited: (runId: string) => void = () => {};

  constructor(parts: WaitsParts) {
    this.#parts = parts;
  }

  /** Settles what is over from now on. */
  open(): void {
    this.#open = true;
    void this.#wakeDue();
  }

  close(): void {
    this.#open = false;
    this.#disarm();
  }

  /** The moderator has named a role that waits: takes the run off its process. */
  begin(entry: RunEntry, process: WorkflowProcess, report: WaitReport): Promise<void> {
    enterPhase(entry, { tag: "parking" });
    this.#parts.assignments.release(process, entry);
    return this.#track(entry, this.#begin(entry, report));
  }

  async #begin(entry: RunEntry, { role, wait: asked }: WaitReport): Promise<void> {
    const { writer, dispatcher, clock } = this.#parts;
    const wait = createWait(currentRoundOf(entry.run), role, asked, clock);
    const request = asked.kind === "gate" ? await this.#createRequest(entry, wait, asked) : null;
    // It has ended meanwhile.
    if (entry.phase.tag !== "parking") return;
    const written = await writer.beginWait(entry, wait, describeWait(wait, request), request);
    if (entry.phase.tag !== "parking") return;
    if (written) this.#park(entry, wait);
    else if (writer.reconcile(entry)) dispatcher.detach(entry, "its wait could not be stored");
    dispatcher.dispatch(entry.queue);
  }

  /** Null, and the run is tried again later, when its messages cannot be read. */
  async #createRequest(entry: RunEntry, wait: RunWait, asked: AskedGate): Promise<NewApproval | null> {
    const { store, host, dispatcher, clock, reportProblem } = this.#parts, { run, queue } = entry;
    try {
      const count = store.countApprovals(run.runId, wait.role), code = host.codeOf(run.workflow);
      return await createRequest(run, wait, asked, { messages: store.readThread(run.runId), count, code });
    } catch (thrown) {
      reportProblem(`the messages of run ${run.runId} cannot be read; retrying: ${messageOf(thrown)}`);
      if (entry.phase.tag !== "parking") return null;
      dispatcher.detach(entry, "its messages could not be read");
      this.#timers.push(clock.after(backoffMaxMs, () => dispatcher.dispatch(queue)));
      return null;
    }
  }

  /** Resolves when what is being written about a run that waits is on disk or refused; null when nothing is. */
  movingOf(runId: string): Promise<unknown> | null {
    return this.#moving.get(runId) ?? null;
  }

  async #track<T>({ run: { runId } }: RunEntry, move: Promise<T>): Promise<T> {
    const settled = move.then(() => {}, () => {});
    this.#moving.set(runId, settled);
    try {
      return await move;
    } finally {
      if (this.#moving.get(runId) === settled) this.#moving.delete(runId);
    }
  }

  /** A run that was paused waits again. */
  rearm({ runId }: Run, queue: WorkflowQueue): void {
    this.onEventAwaited(runId);
    this.#arm(0);
    if (queue.plan === null) void this.endUnconfigured(queue);
  }

  /** A run that waits or is paused, for as long as something is done about it: see `unload`. */
  load(run: Run): RunEntry {
    const { runs } = this.#parts;
    return runs.get(run.runId) ?? runs.add(run, { tag: "waiting" });
  }

  /**
   * Forgets a run that goes on waiting, unless its end is being written. A change of it that failed has hidden it from
   * `#arm` while it was being written.
   */
  unload(entry: RunEntry): void {
    if (!this.#isAtRest(entry)) return;
    this.#parts.runs.remove(entry);
    this.#arm(0);
  }

  #isAtRest(entry: RunEntry): boolean {
    return entry.phase.tag === "waiting" && entry.endsPending === 0 && this.#parts.runs.has(entry);
  }

  /** Ends all that wait of a workflow that has left the configuration. */
  async endUnconfigured(queue: WorkflowQueue): Promise<void> {
    const { store, dispatcher } = this.#parts, reason = describeUnconfigured(queue);
    const paused = [...queue.paused.keys()].flatMap((runId) => this.#parts.writer.read(runId) ?? []);
    await Promise.all(paused.map((run) => dispatcher.endRun(this.load(run), "interrupted", reason)));
    while (this.#open && queue.plan === null && queue.waiting > 0) {
      const entries = this.#read(() => store.listWaiting(queue.name, dueWaitsMax))?.map((run) => this.load(run)) ?? [];
      const idle = entries.filter(({ phase, endsPending }) => phase.tag === "waiting" && endsPending === 0);
      if (idle.length === 0) return;
      await Promise.all(idle.map((entry) => dispatcher.endRun(entry, "interrupted", reason)));
      for (const entry of idle) this.unload(entry);
    }
  }

  #park(entry: RunEntry, wait: RunWait): void {
    enterPhase(entry, { tag: "waiting" });
    if (this.#isAtRest(entry)) this.#parts.runs.remove(entry);
    if (wait.event !== null) this.onEventAwaited(entry.run.runId);
    if (wait.due !== null && wait.due < this.#armedFor) this.#arm(0);
    // Its workflow left the configuration while it had a process.
    if (entry.queue.plan === null) void this.endUnconfigured(entry.queue);
  }

  async #wakeDue(): Promise<void> {
    if (this.#waking || !this.#open) return;
    this.#waking = true;
    const { store, clock } = this.#parts;
    let left = 0;
    for (let woken = true; woken && this.#open;) {
      const due = this.#read(() => store.listDueWaits(clock.now(), clock.boot(), dueWaitsMax)) ?? [];
      left = due.length;
      woken = left > 0 && await this.#wakeAll(due);
    }
    this.#waking = false;
    // What is left is ending, and its end cannot be written yet.
    this.#arm(left === 0 ? 0 : backoffFirstMs);
  }

  /** False when none of them was settled. */
  async #wakeAll(due: readonly WaitingRun[]): Promise<boolean> {
    const { dispatcher } = this.#parts;
    const woken = await Promise.all(due.map((each) => this.#wake(each)));
    for (const queue of new Set(woken)) if (queue !== null) dispatcher.dispatch(queue);
    return woken.some((queue) => queue !== null);
  }

  /** The queue of a run whose wait is settled; null when it is not. The caller dispatches it. */
  async #wake({ runId, wait }: WaitingRun): Promise<WorkflowQueue | null> {
    const { runs, writer } = this.#parts;
    const run = runs.get(runId)?.run ?? writer.read(runId);
    if (run === null || run.status !== "waiting") return null;
    const entry = this.load(run);
    if (entry.phase.tag !== "waiting" || entry.endsPending > 0) return null;
    const [message, by] = this.#endOf(runId, wait);
    return await this.settle(entry, message, by) ? entry.queue : null;
  }

  /** What settles a wait whose time is over. */
  #endOf(runId: string, wait: RunWait): [RunMessage, Settlement] {
    const { store, clock } = this.#parts, now = clock.now();
    if (wait.kind === "gate") {
      const decision = this.#expire(runId, wait);
      return [createDecisionMessage(wait, decision), { decision }];
    }
    if (wait.event === null) return [createSleepMessage(wait, now), {}];
    // One that came in time, and that a death has left undelivered.
    const kept = store.readKeptEvent(runId, wait.event);
    return kept === null
      ? [createTimeoutMessage(wait, now), {}]
      : [createEventMessage(wait, kept, now), { event: kept.key }];
  }

  /** Nobody has decided in time. */
  #expire(runId: string, { round }: RunWait): ApprovalDecision {
    const { store, clock } = this.#parts, approval = store.readApprovalAt(runId, round)?.approval;
    assert(approval !== undefined, `run ${runId} waits at a gate without a request`);
    const { onExpiry } = approval;
    assert(onExpiry !== null, `request ${approval.id} is due without an option for that`);
    const how = { decision: onExpiry, by: null, how: "expiry", token: null, comment: null } as const;
    const unsigned = { key: null, signature: null };
    return createDecision(approval, { ...how, ...unsigned }, clock.now());
  }

  /**
   * Settles the wait of a run that `load` has given. False: somebody else was first, or the manager has stopped. The
   * caller dispatches the run. Rejects only when tried `once`.
   */
  settle(
    entry: RunEntry,
    message: RunMessage,
    by: Settlement,
    once = false,
  ): Promise<boolean> {
    enterPhase(entry, { tag: "waking" });
    return this.#track(entry, this.#settle(entry, this.#parts.writer.settleWait(entry, message, by, once)));
  }

  async #settle(entry: RunEntry, writing: Promise<boolean>): Promise<boolean> {
    const { writer } = this.#parts;
    let written = false;
    try {
      written = await writing;
      // It may have ended meanwhile.
      return written && entry.phase.tag === "waking";
    } finally {
      if (entry.phase.tag === "waking") {
        enterPhase(entry, written ? { tag: "unassigned", ready: true } : { tag: "waiting" });
        if (!written && writer.reconcile(entry)) this.unload(entry);
      }
    }
  }

  /** Waits for what is due next, for `leastMs` at least. */
  #arm(leastMs: number): void {
    this.#disarm();
    const { store, clock } = this.#parts, boot = clock.boot(), now = clock.now();
    const next = this.#open ? this.#read(() => store.readNextDue(boot)) : null;
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

  /** Null when the store cannot be read: it is tried again. */
  #read<T>(read: () => T): T | null {
    try {
      return read();
    } catch (thrown) {
      const { reportProblem, clock } = this.#parts;
      reportProblem(`the waits of runs cannot be read; retrying: ${messageOf(thrown)}`);
      if (this.#open) this.#timers.push(clock.after(backoffMaxMs, () => void this.#wakeDue()));
      return null;
    }
  }
}
