/**
 * Brings the runs of a workflow forward: gives started runs to its process, starts queued ones while slots are free.
 * Called by manager.ts and process_messages.ts whenever something may have become possible.
 * I1. Nothing is begun while the manager does not run, nor for a run that is leaving.
 * I2. A run is in the hands of a process only in an attempt that is on disk, and no two processes get the same one.
 * I3. FIFO: a queued run never overtakes another.
 * I4. A suspect (crash_policy.ts) is alone in its process.
 * I5. After a failed attempt of its role a run is in no process until the time of the next one has come.
 */
import { messageOf } from "../../base/errors.ts";
import { backoffMaxMs } from "../../base/limits.ts";
import type { Clock } from "../../base/time.ts";
import type { TimerGroup } from "../../base/timer_group.ts";
import type { RunMessage } from "../../protocol/run.ts";
import type { WorkflowPlan } from "../engine.ts";
import type { ActiveRuns, RunEntry, WorkflowQueue } from "./active_runs.ts";
import type { Assignments } from "./assignments.ts";
import { mustBeAlone } from "./crash_policy.ts";
import { enterPhase } from "./phase.ts";
import type { RunStore, WorkflowHost, WorkflowProcess } from "./ports.ts";
import { startable } from "./queue_policy.ts";
import { currentRound, failureOf, reasonOf } from "./role_failure.ts";
import { startOf } from "./run_request.ts";
import { type Ending, ending, runRow, type RunWriter } from "./run_writer.ts";

export interface DispatcherParts {
  readonly runs: ActiveRuns;
  readonly writer: RunWriter;
  readonly assignments: Assignments;
  readonly timers: TimerGroup;
  readonly store: RunStore;
  readonly host: WorkflowHost;
  readonly clock: Clock;
  readonly problem: (message: string) => void;
}

export class Dispatcher {
  readonly #parts: DispatcherParts;
  #open = false;

  constructor(parts: DispatcherParts) {
    this.#parts = parts;
  }

  /** From now on runs begin, until `shut`. */
  open(): void {
    this.#open = true;
    for (const queue of this.#parts.runs.queues()) this.pump(queue);
  }

  shut(): void {
    this.#open = false;
  }

  get isOpen(): boolean {
    return this.#open;
  }

  accepting(queue: WorkflowQueue): boolean {
    return this.#open && !this.#parts.host.quarantined(queue.name);
  }

  pump(queue: WorkflowQueue): void {
    if (!this.#open) return;
    if (queue.plan === null) return this.#retire(queue);
    this.#handOut(queue, queue.plan);
    this.#startQueued(queue, queue.plan);
  }

  /** Ends a run for a reason that its process has no part in. Once only. */
  async end(entry: RunEntry, how: Ending, reason: string): Promise<void> {
    if (entry.endsPending > 0) return;
    entry.endsPending++;
    const written = await this.#parts.writer.change(entry, ...ending(entry.run, how, reason, this.#parts.clock.now()));
    entry.endsPending--;
    if (!written && this.#parts.runs.has(entry)) this.#parts.writer.reconcile(entry);
  }

  /** The run is in no process any more and goes on, with attempt + 1, as soon as it can. */
  putBack(entry: RunEntry, lostTo: string): void {
    enterPhase(entry, { tag: "unassigned", ready: false });
    entry.detachedBy = lostTo;
  }

  #retire(queue: WorkflowQueue): void {
    const reason = `workflow ${queue.name} is no longer in the configuration`;
    for (const entry of [...queue.active, ...queue.queued]) {
      if (entry.phase.tag === "unassigned" || entry.phase.tag === "queued") void this.end(entry, "interrupted", reason);
    }
  }

  #handOut(queue: WorkflowQueue, plan: WorkflowPlan): void {
    const slots = [...queue.active].filter((entry) => !this.#rests(entry));
    const waiting = slots.filter((entry) => entry.phase.tag === "unassigned");
    if (waiting.length === 0) return;
    const suspects = slots.filter(isSuspect);
    if (suspects.length > 0) waiting.sort((a, b) => Number(isSuspect(b)) - Number(isSuspect(a)));
    // After a change of the configuration there may be more started runs than slots: the rest of them wait.
    let free = plan.concurrency - (slots.length - waiting.length);
    for (const entry of waiting) {
      if (entry.phase.tag !== "unassigned" || entry.endsPending > 0) continue;
      if (free-- <= 0) return;
      const process = this.#parts.host.process(queue.name);
      if (process === null || this.#parts.assignments.recycling(process.id)) return;
      if (suspects.length > 0 && !this.#mayJoin(entry, process)) return;
      if (!entry.phase.ready) void this.#resume(entry);
      else if (!this.#give(entry, process)) return;
    }
  }

  /** Whether a failure keeps the run from going on at present. If it was the last one the run ends. */
  #rests(entry: RunEntry): boolean {
    const failure = failureOf(entry);
    if (failure === null || entry.phase.tag !== "unassigned") return false;
    const { clock, timers } = this.#parts, { retryAt, waitMs } = failure;
    if (retryAt === null || waitMs === null) {
      void this.end(entry, "failed", reasonOf(failure));
      return true;
    }
    const leftMs = Math.min(retryAt - clock.now(), waitMs);
    if (leftMs <= 0) return false;
    // The clock may be set back while it waits: what was left at the first look counts, without the wall.
    if (entry.rest?.failure === failure) return clock.monotonic() < entry.rest.until;
    entry.rest = { failure, until: clock.monotonic() + leftMs };
    timers.after(leftMs, () => this.pump(entry.queue));
    return true;
  }

  /** A suspect joins nobody, and nobody joins a suspect. */
  #mayJoin(entry: RunEntry, process: WorkflowProcess): boolean {
    const { assignments } = this.#parts;
    const others = [...entry.queue.active].filter((other) =>
      other !== entry && (other.phase.tag === "resuming" || assignments.held(process.id, other.run.runId) !== null)
    );
    return isSuspect(entry) ? others.length === 0 : !others.some(isSuspect);
  }

  #give(entry: RunEntry, process: WorkflowProcess): boolean {
    const { run } = entry;
    let messages: RunMessage[];
    try {
      messages = run.rounds === 0 ? [] : this.#parts.store.messages(run.runId);
    } catch (thrown) {
      this.#parts.problem(`the messages of run ${run.runId} cannot be read, trying again: ${messageOf(thrown)}`);
      this.#parts.timers.after(backoffMaxMs, () => this.pump(entry.queue));
      return false;
    }
    this.#parts.assignments.assign(process, entry);
    enterPhase(entry, { tag: "running", process });
    process.run(startOf(run), run.attempt, messages, failureOf(entry)?.failures ?? 0);
    return true;
  }

  async #resume(entry: RunEntry): Promise<void> {
    const { run } = entry;
    enterPhase(entry, { tag: "resuming" });
    const attempt = run.attempt + 1;
    const row = runRow(run, "run.resumed", { rounds: run.rounds, after: entry.detachedBy });
    this.#begun(entry, await this.#parts.writer.change(entry, { status: "started", attempt }, row));
  }

  #startQueued(queue: WorkflowQueue, plan: WorkflowPlan): void {
    if (queue.queued.size === 0) return;
    let free = startable({ active: queue.active.size, accepting: this.accepting(queue) }, plan);
    for (const entry of queue.queued) {
      if (free <= 0) return;
      if (entry.endsPending > 0) continue;
      // Its first row is still being written: nobody overtakes it.
      if (entry.phase.tag !== "queued") return;
      free--;
      queue.queued.delete(entry);
      queue.active.add(entry);
      void this.#start(entry);
    }
  }

  async #start(entry: RunEntry): Promise<void> {
    enterPhase(entry, { tag: "starting" });
    const change = { status: "started", attempt: 1, startedAt: this.#parts.clock.now() } as const;
    const row = runRow(entry.run, "run.started", null);
    this.#begun(entry, await this.#parts.writer.change(entry, change, row));
  }

  #begun(entry: RunEntry, written: boolean): void {
    if (!this.#parts.runs.has(entry)) return;
    if (!written && !this.#parts.writer.reconcile(entry)) return;
    enterPhase(entry, { tag: "unassigned", ready: written });
    this.pump(entry.queue);
  }
}

function isSuspect(entry: RunEntry): boolean {
  return mustBeAlone(entry.deaths, currentRound(entry.run));
}
