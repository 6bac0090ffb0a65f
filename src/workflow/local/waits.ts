/**
 * Runs that wait: begins their waits, and settles each with one message. Called by process_messages.ts and manager.ts;
 * due_waits.ts settles those whose time is over.
 * I1. A waiting run is in no process and not in memory: the store knows what it waits for. It is loaded while something
 *     is done about it.
 * I2. The message that settles a wait and the move of its run are one commit. The first to write it settles the wait.
 */
import { messageOf } from "../../base/errors.ts";
import type { Clock } from "../../base/time.ts";
import { dueWaitsMax } from "../../base/wait_limits.ts";
import type { NewApproval } from "../../protocol/approval.ts";
import type { AskedWait } from "../../protocol/asked_wait.ts";
import type { FromProcess } from "../../protocol/message.ts";
import type { Run, RunMessage } from "../../protocol/run.ts";
import type { RunWait, Settlement } from "../../protocol/run_wait.ts";
import type { ActiveRuns, RunEntry, WorkflowQueue } from "./active_runs.ts";
import type { Assignments } from "./assignments.ts";
import { describeUnconfigured, type Dispatcher } from "./dispatcher.ts";
import { createChildren } from "./child_texts.ts";
import { DueWaits } from "./due_waits.ts";
import { type AskedGate, type AskedRecovery, createRequest } from "./gates.ts";
import { enterPhase } from "./phase.ts";
import type { RunStore, WorkflowHost, WorkflowProcess } from "./ports.ts";
import { currentRoundOf } from "./role_failure.ts";
import type { RunWriter } from "./run_writer.ts";
import { createWait, describeWait } from "./wait_texts.ts";

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
  readonly #due: DueWaits;
  /** Waits that begin or are being settled, by run id. */
  readonly #moving = new Map<string, Promise<void>>();

  /** Called when a run waits for an event, which it may keep already, or for child runs, which have to be started. */
  onAwaited: (runId: string) => void = () => {};

  constructor(parts: WaitsParts) {
    this.#parts = parts;
    const load = (run: Run) => this.load(run);
    this.#due = new DueWaits({ ...parts, load, settle: (entry, message, by) => this.settle(entry, message, by) });
  }

  /** Begins to settle waits that are over. */
  open(): void {
    this.#due.open();
  }

  close(): void {
    this.#due.close();
  }

  /** The moderator has named a role that waits: takes the run off its process. */
  begin(entry: RunEntry, process: WorkflowProcess, report: WaitReport): Promise<void> {
    enterPhase(entry, { tag: "parking" });
    this.#parts.assignments.release(process, entry);
    return this.#track(entry, this.#begin(entry, report.role, report.wait));
  }

  /** Asks a person, for the kernel, about a run in no process. */
  ask(entry: RunEntry, role: string, asked: AskedRecovery): Promise<void> {
    enterPhase(entry, { tag: "parking" });
    return this.#track(entry, this.#begin(entry, role, asked));
  }

  async #begin(entry: RunEntry, role: string, asked: AskedWait | AskedRecovery): Promise<void> {
    const { writer, dispatcher, clock } = this.#parts;
    const wait = createWait(currentRoundOf(entry.run), role, asked, clock);
    const asks = asked.kind === "gate" || asked.kind === "recovery";
    const request = asks ? await this.#createRequest(entry, wait, asked) : null;
    // It has ended meanwhile.
    if (entry.phase.tag !== "parking") return;
    const children = createChildren(entry.run, wait.round, asked), reason = describeWait(wait, request, children);
    const written = await writer.beginWait(entry, wait, reason, request, children);
    if (entry.phase.tag !== "parking") return;
    if (written) this.#park(entry, wait);
    else if (writer.reconcile(entry)) dispatcher.detach(entry, "its wait could not be stored");
    dispatcher.dispatch(entry.queue);
  }

  /** Null when its messages cannot be read; the run is then retried later. */
  async #createRequest(entry: RunEntry, wait: RunWait, asked: AskedGate | AskedRecovery): Promise<NewApproval | null> {
    const { store, host, dispatcher, reportProblem } = this.#parts, { run, queue } = entry;
    try {
      const count = store.countApprovals(run.runId, wait.role), code = host.codeOf(run.workflow);
      return await createRequest(run, wait, asked, { messages: store.readThread(run.runId), count, code });
    } catch (thrown) {
      reportProblem(`the messages of run ${run.runId} cannot be read; retrying: ${messageOf(thrown)}`);
      if (entry.phase.tag !== "parking") return null;
      dispatcher.detach(entry, "its messages could not be read");
      this.#due.later(() => dispatcher.dispatch(queue));
      return null;
    }
  }

  /** Resolves when a pending change of a waiting run is on disk or refused; null when there is none. */
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

  /** Waits again for a run that was paused. */
  rearm({ runId }: Run, queue: WorkflowQueue): void {
    this.onAwaited(runId);
    this.#due.arm();
    if (queue.plan === null) void this.endUnconfigured(queue);
  }

  /** Loads a waiting or paused run, for as long as something is done about it: see `unload`. */
  load(run: Run): RunEntry {
    const { runs } = this.#parts;
    return runs.get(run.runId) ?? runs.add(run, { tag: "waiting" });
  }

  /**
   * Removes a run that still waits from memory, unless its end is being written. A failed change has hidden it from
   * due_waits.ts meanwhile.
   */
  unload(entry: RunEntry): void {
    if (!this.#isAtRest(entry)) return;
    this.#parts.runs.remove(entry);
    this.#due.arm();
  }

  #isAtRest(entry: RunEntry): boolean {
    return entry.phase.tag === "waiting" && entry.endsPending === 0 && this.#parts.runs.has(entry);
  }

  /** Ends all waiting and paused runs of a workflow that has left the configuration. */
  async endUnconfigured(queue: WorkflowQueue): Promise<void> {
    const { store, dispatcher } = this.#parts, reason = describeUnconfigured(queue);
    const paused = [...queue.paused.keys()].flatMap((runId) => this.#parts.writer.read(runId) ?? []);
    await Promise.all(paused.map((run) => dispatcher.endRun(this.load(run), "interrupted", reason)));
    while (this.#due.isOpen && queue.plan === null && queue.waiting > 0) {
      const entries = this.#due.read(() => store.listWaiting(queue.name, dueWaitsMax))?.map((run) => this.load(run)) ??
        [];
      const idle = entries.filter(({ phase, endsPending }) => phase.tag === "waiting" && endsPending === 0);
      if (idle.length === 0) return;
      await Promise.all(idle.map((entry) => dispatcher.endRun(entry, "interrupted", reason)));
      for (const entry of idle) this.unload(entry);
    }
  }

  #park(entry: RunEntry, wait: RunWait): void {
    enterPhase(entry, { tag: "waiting" });
    if (this.#isAtRest(entry)) this.#parts.runs.remove(entry);
    if (wait.event !== null || wait.kind === "children") this.onAwaited(entry.run.runId);
    this.#due.add(wait.due);
    // The workflow left the configuration while it had a process.
    if (entry.queue.plan === null) void this.endUnconfigured(entry.queue);
  }

  /**
   * Settles the wait of a run that `load` returned. False: another change came first, or the manager has stopped. The
   * caller dispatches the run. Rejects only when tried `once`.
   */
  settle(
    entry: RunEntry,
    message: RunMessage,
    by: Settlement,
    once = false,
  ): Promise<boolean> {
    return this.settleBy(entry, () => this.#parts.writer.settleWait(entry, message, by, once));
  }

  /** Settles the wait by any write that ends it. */
  settleBy(entry: RunEntry, write: () => Promise<boolean>): Promise<boolean> {
    enterPhase(entry, { tag: "waking" });
    return this.#track(entry, this.#settle(entry, write()));
  }

  async #settle(entry: RunEntry, writing: Promise<boolean>): Promise<boolean> {
    const { writer } = this.#parts;
    let written = false;
    try {
      return written = await writing;
    } finally {
      // It may have ended meanwhile.
      if (entry.phase.tag === "waking") {
        enterPhase(entry, written ? { tag: "unassigned", ready: true } : { tag: "waiting" });
        if (!written && writer.reconcile(entry)) this.unload(entry);
      }
    }
  }
}
