/**
 * Dispatches the runs of a workflow: assigns started runs to its process, and starts queued runs while slots are free.
 * Called by the rest of this folder whenever a run may be able to proceed.
 * I1. Nothing starts while the dispatcher is closed, nor for a run whose end is being written.
 * I2. A process gets a run only in an attempt that is stored, and no two processes get the same attempt.
 * I3. FIFO: a queued run never overtakes another.
 * I4. A suspect (crash_policy.ts) is alone in its process.
 * I5. A run whose role runs once and has begun is given to no process (once_roles.ts).
 * I6. After a failed attempt of its role, a run is in no process until its next attempt is due; the same while it waits
 *     after kills from outside.
 */
import { messageOf } from "../../base/errors.ts";
import { backoffMaxMs } from "../../base/limits.ts";
import { msSince } from "../../base/moment.ts";
import type { Clock } from "../../base/time.ts";
import type { TimerGroup } from "../../base/timer_group.ts";
import type { WorkflowPlan } from "../engine.ts";
import { type ActiveRuns, countSlots, type RunEntry, type WorkflowQueue } from "./active_runs.ts";
import type { Assignments } from "./assignments.ts";
import { mustRunAlone } from "./crash_policy.ts";
import { createEnding, type Ending } from "./endings.ts";
import { enterPhase } from "./phase.ts";
import type { RunStore, WorkflowHost, WorkflowProcess } from "./ports.ts";
import { countStartable } from "./queue_policy.ts";
import { begunOf, currentRoundOf, describeFailure, failureOf, pausesRun } from "./role_failure.ts";
import { toRunStart } from "./run_request.ts";
import { createRunRow, type RunWriter, toReason } from "./run_writer.ts";
import { measureThread, readWhile } from "./thread_size.ts";

export interface DispatcherParts {
  readonly runs: ActiveRuns;
  readonly writer: RunWriter;
  readonly assignments: Assignments;
  readonly timers: TimerGroup;
  readonly store: RunStore;
  readonly host: WorkflowHost;
  readonly clock: Clock;
  readonly reportProblem: (message: string) => void;
}

export class Dispatcher {
  readonly #parts: DispatcherParts;
  #open = false;
  /** Called for a run in no process whose once-only role has begun and has an unknown end. */
  onInDoubt: (entry: RunEntry) => void = () => {};
  /** Called first, whenever the runs of a workflow may proceed: its closings may proceed too. */
  onDispatch: (queue: WorkflowQueue) => void = () => {};

  constructor(parts: DispatcherParts) {
    this.#parts = parts;
  }

  /** Runs start from now on, until `close`. */
  open(): void {
    this.#open = true;
    for (const queue of this.#parts.runs.queues()) this.dispatch(queue);
  }

  close(): void {
    this.#open = false;
  }

  get isOpen(): boolean {
    return this.#open;
  }

  isAccepting(queue: WorkflowQueue): boolean {
    return this.#open && !this.#parts.host.isQuarantined(queue.name);
  }

  dispatch(queue: WorkflowQueue): void {
    if (!this.#open) return;
    this.onDispatch(queue);
    if (queue.plan === null) return this.#endUnconfigured(queue);
    this.#assignRuns(queue, queue.plan);
    this.#startQueued(queue, queue.plan);
  }

  /** Ends a run for a reason that its process did not cause. Does nothing if an end is already being written. */
  async endRun(entry: RunEntry, how: Ending, reason: string): Promise<void> {
    if (entry.endsPending > 0) return;
    entry.endsPending++;
    const written = await this.#parts.writer.change(
      entry,
      ...createEnding(entry.run, how, reason, this.#parts.clock.now()),
    );
    entry.endsPending--;
    if (!written && this.#parts.runs.has(entry)) this.#parts.writer.reconcile(entry);
  }

  /** Pauses a run that a person must look at. */
  async #pauseRun(entry: RunEntry, reason: string): Promise<void> {
    if (entry.endsPending > 0) return;
    const { writer, runs, clock } = this.#parts;
    const pause = { from: "started", since: clock.now(), reason: null, wait: null, code: null } as const;
    entry.endsPending++;
    const written = await writer.pauseLater(entry, pause, toReason(`paused: ${reason}`));
    entry.endsPending--;
    if (!written && runs.has(entry)) writer.reconcile(entry);
  }

  /** Marks the run as in no process. It resumes with attempt + 1 as soon as possible. */
  detach(entry: RunEntry, reason: string): void {
    enterPhase(entry, { tag: "unassigned", ready: false });
    entry.detachReason = reason;
  }

  /** The workflow's current process, if the run may join it now. */
  findRoom(entry: RunEntry): WorkflowProcess | null {
    const { queue } = entry;
    if (!this.#open || queue.plan === null || entry.endsPending > 0) return null;
    const process = this.#getProcess(entry);
    if (process === null) return null;
    return this.#mayJoinProcess(entry, process) && this.#fits(entry, process, queue.plan) ? process : null;
  }

  /** The process that runs may be given, started if there is none; null if there may be none now. */
  #getProcess({ queue, run: { trigger, startedAt } }: RunEntry): WorkflowProcess | null {
    const { host, assignments, clock } = this.#parts;
    const order = { asked: trigger.kind === "manual", dueAt: startedAt ?? clock.now() };
    const process = host.getOrStartProcess(queue.name, order);
    return process === null || assignments.isRecycling(process.id) ? null : process;
  }

  #endUnconfigured(queue: WorkflowQueue): void {
    const reason = describeUnconfigured(queue);
    for (const entry of [...queue.active, ...queue.queued, ...queue.planned]) {
      if (["unassigned", "queued", "planned"].includes(entry.phase.tag)) {
        void this.endRun(entry, "interrupted", reason);
      }
    }
  }

  #assignRuns(queue: WorkflowQueue, plan: WorkflowPlan): void {
    const slots = [...queue.active].filter((entry) =>
      !this.#isInDoubt(entry) && !this.#isWaiting(entry) && !this.#isWaitingForRetry(entry)
    );
    const waiting = slots.filter((entry) => entry.phase.tag === "unassigned");
    if (waiting.length === 0) return;
    const suspects = slots.filter(isSuspect);
    if (suspects.length > 0) waiting.sort((a, b) => Number(isSuspect(b)) - Number(isSuspect(a)));
    // After a configuration change there may be more started runs than slots; the excess waits.
    let free = plan.concurrency - (slots.length - waiting.length);
    for (const entry of waiting) {
      if (entry.phase.tag !== "unassigned" || entry.endsPending > 0) continue;
      if (free-- <= 0) return;
      const process = this.#getProcess(entry);
      if (process === null) return;
      if (suspects.length > 0 && !this.#mayJoinProcess(entry, process)) return;
      if (!entry.phase.ready) void this.#resume(entry);
      // The run is not passed over: others would take the room again and again.
      else if (!this.#fits(entry, process, plan)) return;
      else this.#assign(entry, process);
    }
  }

  /** Whether a role that runs once has begun, and its end is unknown. Asks a person once the beginning is on disk. */
  #isInDoubt(entry: RunEntry): boolean {
    const begun = begunOf(entry);
    if (begun === null || entry.phase.tag !== "unassigned") return false;
    if (begun.stored && entry.endsPending === 0) this.onInDoubt(entry);
    return true;
  }

  /** Whether the run waits because its process was killed from outside too often; a timer then dispatches it again. */
  #isWaiting({ phase, waitsUntil }: RunEntry): boolean {
    return phase.tag === "unassigned" && this.#parts.clock.monotonic() < waitsUntil;
  }

  /** Whether the run waits for its next attempt after a failure. Ends the run if there is no next attempt. */
  #isWaitingForRetry(entry: RunEntry): boolean {
    const failure = failureOf(entry);
    if (failure === null || entry.phase.tag !== "unassigned") return false;
    const { clock, timers } = this.#parts, { retryAt, waitMs, failedAt } = failure, { retryWait } = entry;
    if (retryAt === null || waitMs === null) {
      if (pausesRun(failure)) void this.#pauseRun(entry, describeFailure(failure));
      else void this.endRun(entry, "failed", describeFailure(failure));
      return true;
    }
    // The wait is over when the wall clock reaches its end, or when as much time has passed.
    if (clock.now() >= retryAt) return false;
    if (retryWait?.failure === failure) return clock.monotonic() < retryWait.until;
    const leftMs = Math.min(retryAt - clock.now(), waitMs - msSince(clock, failedAt));
    if (leftMs <= 0) return false;
    entry.retryWait = { failure, until: clock.monotonic() + leftMs };
    timers.after(leftMs, () => this.dispatch(entry.queue));
    timers.at(retryAt, () => this.dispatch(entry.queue));
    return true;
  }

  /** A suspect joins no other run, and no run joins a suspect. */
  #mayJoinProcess(entry: RunEntry, process: WorkflowProcess): boolean {
    const { assignments } = this.#parts;
    const others = [...entry.queue.active].filter((other) =>
      other !== entry &&
      (other.phase.tag === "resuming" || assignments.holds(process.id, other.run.runId))
    );
    return isSuspect(entry) ? others.length === 0 : !others.some(isSuspect);
  }

  /** Whether the process has room for the run's messages. A process without other messages takes any run. */
  #fits(entry: RunEntry, process: WorkflowProcess, plan: WorkflowPlan): boolean {
    if (entry.run.rounds === 0) return true;
    const { store, reportProblem, timers } = this.#parts, { runId } = entry.run;
    try {
      if (entry.threadBytes === 0) entry.threadBytes = store.readThreadBytes(runId);
      entry.accepted = store.readAccepted(runId);
    } catch (thrown) {
      reportProblem(`the messages of run ${runId} cannot be read; retrying: ${messageOf(thrown)}`);
      timers.after(backoffMaxMs, () => this.dispatch(entry.queue));
      return false;
    }
    const held = this.#parts.assignments.countThreadBytes(process.id);
    return held === 0 || held + entry.threadBytes <= plan.memoryBytes / 2;
  }

  #assign(entry: RunEntry, process: WorkflowProcess): void {
    const { run } = entry;
    this.#parts.assignments.assign(process, entry);
    entry.triedCode = entry.queue.code;
    enterPhase(entry, { tag: "running", process });
    process.run(toRunStart(run), run.attempt, measureThread(entry), failureOf(entry)?.failures ?? 0);
    if (run.rounds > 0) void this.#sendThread(entry, process);
  }

  async #sendThread(entry: RunEntry, process: WorkflowProcess): Promise<void> {
    const { assignments, store, reportProblem, timers } = this.#parts, { runId, attempt } = entry.run;
    const holds = () => assignments.findAssigned(process.id, runId) === entry && entry.run.attempt === attempt;
    try {
      await process.sendThread(runId, attempt, readWhile(entry, store.readThread(runId), holds));
    } catch (thrown) {
      reportProblem(`the messages of run ${runId} cannot be read; retrying: ${messageOf(thrown)}`);
      if (!holds() || entry.phase.tag !== "running") return;
      this.detach(entry, "its messages could not be read");
      assignments.release(process, entry);
      timers.after(backoffMaxMs, () => this.dispatch(entry.queue));
    }
  }

  async #resume(entry: RunEntry): Promise<void> {
    const { run } = entry;
    enterPhase(entry, { tag: "resuming" });
    const attempt = run.attempt + 1;
    const row = createRunRow(run, "run.resumed", { rounds: run.rounds, after: entry.detachReason });
    // Clears the reason for which an older nerve held the run.
    const change = { status: "started", attempt, ...run.reason === null ? {} : { reason: null } } as const;
    this.#onAttemptWritten(entry, await this.#parts.writer.change(entry, change, row));
  }

  #startQueued(queue: WorkflowQueue, plan: WorkflowPlan): void {
    if (queue.queued.size === 0) return;
    let free = countStartable({ active: countSlots(queue), accepting: this.isAccepting(queue) }, plan);
    for (const entry of queue.queued) {
      if (free <= 0) return;
      if (entry.endsPending > 0) continue;
      // Its first row is still being written: no run may overtake it.
      if (entry.phase.tag !== "queued") return;
      free--;
      queue.queued.delete(entry);
      queue.active.add(entry);
      void this.#start(entry);
    }
  }

  async #start(entry: RunEntry): Promise<void> {
    enterPhase(entry, { tag: "starting" });
    const { run } = entry;
    // Clears the reason of a planned start.
    const reason = run.reason === null ? {} : { reason: null };
    const change = { status: "started", attempt: 1, startedAt: this.#parts.clock.now(), ...reason } as const;
    const row = createRunRow(run, "run.started", null);
    this.#onAttemptWritten(entry, await this.#parts.writer.change(entry, change, row));
  }

  #onAttemptWritten(entry: RunEntry, written: boolean): void {
    if (!this.#parts.runs.has(entry)) return;
    if (!written && !this.#parts.writer.reconcile(entry)) return;
    enterPhase(entry, { tag: "unassigned", ready: written });
    this.dispatch(entry.queue);
  }
}

/** Why runs end when their workflow has left the configuration. */
export function describeUnconfigured({ name }: WorkflowQueue): string {
  return `workflow ${name} is no longer in the configuration`;
}

function isSuspect(entry: RunEntry): boolean {
  return mustRunAlone(entry.deaths, currentRoundOf(entry.run));
}
