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
import type { Timers } from "../../base/timer_group.ts";
import type { RunMessage } from "../../protocol/run.ts";
import type { WorkflowPlan } from "../engine.ts";
import type { Lane, RunEntry, RunTable } from "./active_runs.ts";
import type { Processes } from "./assignments.ts";
import { mustBeAlone } from "./crash_policy.ts";
import type { RunStore, WorkflowHost, WorkflowProcess } from "./ports.ts";
import { startable } from "./queue_policy.ts";
import { currentRound, failureOf, reasonOf } from "./role_failure.ts";
import { startOf } from "./run_request.ts";
import { type Ending, ending, type Ledger, runRow } from "./run_writer.ts";

export interface DispatcherParts {
  readonly table: RunTable;
  readonly ledger: Ledger;
  readonly processes: Processes;
  readonly timers: Timers;
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
    for (const lane of this.#parts.table.lanes()) this.pump(lane);
  }

  shut(): void {
    this.#open = false;
  }

  get isOpen(): boolean {
    return this.#open;
  }

  accepting(lane: Lane): boolean {
    return this.#open && !this.#parts.host.quarantined(lane.name);
  }

  pump(lane: Lane): void {
    if (!this.#open) return;
    if (lane.plan === null) return this.#retire(lane);
    this.#handOut(lane, lane.plan);
    this.#startQueued(lane, lane.plan);
  }

  /** Ends a run for a reason that its process has no part in. Once only. */
  async end(entry: RunEntry, how: Ending, reason: string): Promise<void> {
    if (entry.leaving > 0) return;
    entry.leaving++;
    const written = await this.#parts.ledger.change(entry, ...ending(entry.run, how, reason, this.#parts.clock.now()));
    entry.leaving--;
    if (!written && this.#parts.table.has(entry)) this.#parts.ledger.reconcile(entry);
  }

  /** The run is in no process any more and goes on, with attempt + 1, as soon as it can. */
  putBack(entry: RunEntry, lostTo: string): void {
    entry.phase = { tag: "waiting", ready: false };
    entry.lostTo = lostTo;
  }

  #retire(lane: Lane): void {
    const reason = `workflow ${lane.name} is no longer in the configuration`;
    for (const entry of [...lane.slots, ...lane.queue]) {
      if (entry.phase.tag === "waiting" || entry.phase.tag === "queued") void this.end(entry, "interrupted", reason);
    }
  }

  #handOut(lane: Lane, plan: WorkflowPlan): void {
    const slots = [...lane.slots].filter((entry) => !this.#rests(entry));
    const waiting = slots.filter((entry) => entry.phase.tag === "waiting");
    if (waiting.length === 0) return;
    const suspects = slots.filter(isSuspect);
    if (suspects.length > 0) waiting.sort((a, b) => Number(isSuspect(b)) - Number(isSuspect(a)));
    // After a change of the configuration there may be more started runs than slots: the rest of them wait.
    let free = plan.concurrency - (slots.length - waiting.length);
    for (const entry of waiting) {
      if (entry.phase.tag !== "waiting" || entry.leaving > 0) continue;
      if (free-- <= 0) return;
      const process = this.#parts.host.process(lane.name);
      if (process === null || this.#parts.processes.recycling(process.id)) return;
      if (suspects.length > 0 && !this.#mayJoin(entry, process)) return;
      if (!entry.phase.ready) void this.#resume(entry);
      else if (!this.#give(entry, process)) return;
    }
  }

  /** Whether a failure keeps the run from going on at present. If it was the last one the run ends. */
  #rests(entry: RunEntry): boolean {
    const failure = failureOf(entry);
    if (failure === null || entry.phase.tag !== "waiting") return false;
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
    timers.after(leftMs, () => this.pump(entry.lane));
    return true;
  }

  /** A suspect joins nobody, and nobody joins a suspect. */
  #mayJoin(entry: RunEntry, process: WorkflowProcess): boolean {
    const { processes } = this.#parts;
    const others = [...entry.lane.slots].filter((other) =>
      other !== entry && (other.phase.tag === "resuming" || processes.held(process.id, other.run.runId) !== null)
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
      this.#parts.timers.after(backoffMaxMs, () => this.pump(entry.lane));
      return false;
    }
    this.#parts.processes.hold(process, entry);
    entry.phase = { tag: "running", process };
    process.run(startOf(run), run.attempt, messages, failureOf(entry)?.failures ?? 0);
    return true;
  }

  async #resume(entry: RunEntry): Promise<void> {
    const { run } = entry;
    entry.phase = { tag: "resuming" };
    const attempt = run.attempt + 1;
    const row = runRow(run, "run.resumed", { rounds: run.rounds, after: entry.lostTo });
    this.#begun(entry, await this.#parts.ledger.change(entry, { status: "started", attempt }, row));
  }

  #startQueued(lane: Lane, plan: WorkflowPlan): void {
    if (lane.queue.size === 0) return;
    let free = startable({ active: lane.slots.size, accepting: this.accepting(lane) }, plan);
    for (const entry of lane.queue) {
      if (free <= 0) return;
      if (entry.leaving > 0) continue;
      // Its first row is still being written: nobody overtakes it.
      if (entry.phase.tag !== "queued") return;
      free--;
      lane.queue.delete(entry);
      lane.slots.add(entry);
      void this.#start(entry);
    }
  }

  async #start(entry: RunEntry): Promise<void> {
    entry.phase = { tag: "starting" };
    const change = { status: "started", attempt: 1, startedAt: this.#parts.clock.now() } as const;
    const row = runRow(entry.run, "run.started", null);
    this.#begun(entry, await this.#parts.ledger.change(entry, change, row));
  }

  #begun(entry: RunEntry, written: boolean): void {
    if (!this.#parts.table.has(entry)) return;
    if (!written && !this.#parts.ledger.reconcile(entry)) return;
    entry.phase = { tag: "waiting", ready: written };
    this.pump(entry.lane);
  }
}

function isSuspect(entry: RunEntry): boolean {
  return mustBeAlone(entry.deaths, currentRound(entry.run));
}
