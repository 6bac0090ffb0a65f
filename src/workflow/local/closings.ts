/**
 * Closes runs that have ended: runs the `finally` of their workflow, and writes its result as `run.closed`. Called by
 * manager.ts, dispatcher.ts and process_exit.ts.
 * I1. Which runs have to be closed is on disk with their ends. Each is closed at least once: it is retried until its
 *     row is written, also by the next daemon. A `finally` that throws, times out, or repeatedly loses its process,
 *     also to kills from outside, which it might send itself, counts as a result; it is not run again.
 * I2. `finally` begins when the end of its run is on disk and none of its roles is running.
 * I3. A closing waits for no slot of `concurrency`, but takes one if its run had started: the next run begins after it.
 * I4. At most `concurrency` closings of a workflow are in memory.
 * I5. Changed code may have another `finally`, or none: until it is loaded, runs that end have to be closed.
 */
import { calculateBackoff } from "../../base/backoff.ts";
import { formatDuration } from "../../base/duration.ts";
import { messageOf } from "../../base/errors.ts";
import { backoffFirstMs, backoffMaxMs, closingDeathsMax, closingKillsMax } from "../../base/limits.ts";
import type { Clock } from "../../base/time.ts";
import type { TimerGroup } from "../../base/timer_group.ts";
import type { BegunClosing, KnownFinally } from "../../protocol/closing.ts";
import type { FromProcess } from "../../protocol/message.ts";
import type { WorkflowPlan } from "../engine.ts";
import { type ActiveRuns, createEntry, type RunEntry, type WorkflowQueue } from "./active_runs.ts";
import type { Assignments } from "./assignments.ts";
import { type ClosingResult, createClosing, toClosingResult } from "./closing_result.ts";
import { countDeath, shouldEndRun, waitAfterKills } from "./crash_policy.ts";
import type { Dispatcher } from "./dispatcher.ts";
import { enterPhase } from "./phase.ts";
import type { ProcessExit, RunStore, WorkflowHost, WorkflowProcess } from "./ports.ts";
import type { MessageSender, RejectionLog } from "./rejection_log.ts";
import { toRunStart } from "./run_request.ts";
import { type RunWriter, toReason } from "./run_writer.ts";
import { readWhile } from "./thread_size.ts";

export type ClosingReport = Extract<FromProcess, { t: "closing" | "closed" }>;

type StoreNeeds = "readFinally" | "writeFinally" | "listClosings" | "closeRun" | "readThread" | "readThreadBytes";

export interface ClosingsParts {
  readonly runs: ActiveRuns;
  readonly writer: RunWriter;
  readonly assignments: Assignments;
  readonly dispatcher: Dispatcher;
  readonly rejections: RejectionLog;
  readonly timers: TimerGroup;
  readonly store: Pick<RunStore, StoreNeeds>;
  readonly host: WorkflowHost;
  readonly clock: Clock;
  readonly reportProblem: (message: string) => void;
  readonly onReport?: ((runId: string) => void) | undefined;
}

interface Closing {
  readonly entry: RunEntry;
  /** How often `finally` has begun. */
  attempts: number;
  /** Its role has not settled, or its result is being written. */
  busy: boolean;
  /** Its result is the run's report. */
  report: boolean;
}

interface State {
  /** The code that `has` applies to. */
  code: string | null;
  /** Whether the workflow has a `finally`; null: unknown. */
  has: boolean | null;
  /** There may be runs to close that are not in memory. */
  more: boolean;
  /** By run id, in the order of their ends. */
  readonly closings: Map<string, Closing>;
  /** What is known but not yet on disk. */
  unwritten: { readonly known: KnownFinally | null } | null;
}

export class Closings {
  readonly #parts: ClosingsParts;
  readonly #states = new Map<WorkflowQueue, State>();

  constructor(parts: ClosingsParts) {
    this.#parts = parts;
  }

  /** A run has ended. The caller dispatches its queue. */
  onEnded(queue: WorkflowQueue): void {
    this.#stateOf(queue).more = true;
  }

  /** Begins the closings that can begin now. */
  dispatch(queue: WorkflowQueue): void {
    const { plan } = queue;
    if (plan === null) return this.#forget(queue);
    if (!this.#parts.dispatcher.isOpen) return;
    this.#refresh(queue);
    const state = this.#stateOf(queue);
    // A closing whose role was still running at that time is still in memory.
    if (state.has === false) return this.#forget(queue);
    this.#refill(queue, plan, state);
    for (const closing of [...state.closings.values()]) this.#begin(queue, plan, closing);
  }

  /** The workflow's current process has loaded its code. */
  onLoaded(workflow: string, has: boolean): void {
    const { runs, host, dispatcher } = this.#parts, queue = runs.findQueue(workflow);
    if (queue === null || queue.plan === null) return;
    const state = this.#stateOf(queue), code = host.codeOf(workflow);
    if (code === "" || state.code === code && state.has === has) return;
    Object.assign(state, { code, has });
    this.#remember(queue, state, { code, has });
    if (!has) this.#forget(queue);
    dispatcher.dispatch(queue);
  }

  /** Handles a report on `finally`, after checking that the process was asked. */
  onReport(sender: MessageSender, report: ClosingReport): void {
    const { writer, assignments, rejections } = this.#parts;
    if (writer.closed) return;
    const entry = assignments.findAssigned(sender.id, report.runId);
    if (entry?.phase.tag !== "closing" || report.attempt !== entry.run.attempt) {
      return rejections.reject(sender, report.t, report.runId, "the process was not asked to close the run");
    }
    const { process } = entry.phase;
    if (report.t === "closing") return this.#watch(entry, process, report);
    void this.#settle(entry, toClosingResult(report.outcome), process);
  }

  /** The process that closed the run has exited. `alone`: nothing else ran in it. The caller dispatches the queue. */
  onExit(entry: RunEntry, end: ProcessExit, died: boolean, alone: boolean): void {
    const { clock, timers, dispatcher } = this.#parts, round = entry.run.rounds;
    enterPhase(entry, { tag: "unclosed" });
    if (!died) return;
    const isOutside = end.kind === "outside", before = isOutside ? entry.kills : entry.deaths;
    const deaths = countDeath(before, round), { count } = deaths;
    if (isOutside) entry.kills = deaths;
    else entry.deaths = deaths;
    if (isOutside ? count >= closingKillsMax : shouldEndRun(deaths, alone) || count >= closingDeathsMax) {
      const what = isOutside ? "was killed" : "died";
      const error = `its process ${what} ${count} times while it ran, the last time it ${end.message}`;
      return void this.#settle(entry, { error: toReason(error) }, null);
    }
    const waitMs = isOutside ? waitAfterKills(deaths) : calculateBackoff(count, backoffFirstMs, backoffMaxMs);
    entry.waitsUntil = clock.monotonic() + waitMs;
    if (waitMs > 0) timers.after(waitMs, () => dispatcher.dispatch(entry.queue));
  }

  /** The manager stops: the next daemon closes the run. */
  detach(entry: RunEntry, process: WorkflowProcess): void {
    process.abortRun(entry.run.runId, entry.run.attempt, "the daemon stops");
    enterPhase(entry, { tag: "unclosed" });
    this.#parts.assignments.release(process, entry);
  }

  /** Another daemon closes the run. */
  leave(queue: WorkflowQueue, runId: string): void {
    const { closings } = this.#stateOf(queue), entry = closings.get(runId)?.entry;
    if (entry === undefined) return;
    if (entry.phase.tag === "closing") this.detach(entry, entry.phase.process);
    entry.left = closings.delete(runId);
    queue.closing.delete(entry);
  }

  #stateOf(queue: WorkflowQueue): State {
    const fresh = { code: null, has: null, more: true, closings: new Map(), unwritten: null };
    return this.#states.get(queue) ?? this.#states.set(queue, fresh).get(queue) ?? fresh;
  }

  /** Checks whether what is known applies to the current code. */
  #refresh(queue: WorkflowQueue): void {
    const { host, store } = this.#parts, state = this.#stateOf(queue), code = host.codeOf(queue.name);
    // Code without a version has not been accepted yet.
    if (code === "" || state.code === code) return;
    this.#read(queue, () => {
      const known = store.readFinally(queue.name);
      Object.assign(state, { code, has: known?.code === code ? known.has : null, more: true });
      if (known !== null && known.code !== code) this.#remember(queue, state, null);
    });
  }

  #remember(queue: WorkflowQueue, state: State, known: KnownFinally | null): void {
    const { store, reportProblem, timers } = this.#parts, unwritten = state.unwritten = { known };
    store.writeFinally(queue.name, known).catch((thrown: unknown) => {
      // Newer knowledge is written instead.
      if (state.unwritten !== unwritten) return;
      reportProblem(`whether workflow ${queue.name} has a finally cannot be written; retrying: ${messageOf(thrown)}`);
      timers.after(backoffMaxMs, () => state.unwritten === unwritten && this.#remember(queue, state, known));
    });
  }

  /** Removes from memory closings that have not begun: there is no `finally` for them now. */
  #forget(queue: WorkflowQueue): void {
    const state = this.#stateOf(queue);
    for (const [runId, { entry, busy }] of state.closings) {
      if (busy || entry.phase.tag !== "unclosed") continue;
      state.closings.delete(runId);
      queue.closing.delete(entry);
      state.more = true;
    }
  }

  #refill(queue: WorkflowQueue, { concurrency }: WorkflowPlan, state: State): void {
    const { store, runs } = this.#parts, { closings } = state, limit = concurrency + closings.size;
    if (!state.more || closings.size >= concurrency) return;
    this.#read(queue, () => {
      const found = store.listClosings(queue.name, limit);
      for (const run of found) {
        // A run that is still in memory: its end is not on disk yet.
        if (closings.has(run.runId) || runs.get(run.runId) !== null || closings.size >= concurrency) continue;
        const entry = createEntry(queue, run, { tag: "unclosed" });
        closings.set(run.runId, { entry, attempts: 0, busy: false, report: false });
        if (run.startedAt !== null) queue.closing.add(entry);
      }
      state.more = found.length === limit || found.some(({ runId }) => !closings.has(runId));
    });
  }

  /** Returns whether `act` succeeded. If the store cannot be read, dispatches the queue again after a while. */
  #read(queue: WorkflowQueue, act: () => void): boolean {
    const { reportProblem, timers, dispatcher } = this.#parts;
    try {
      act();
      return true;
    } catch (thrown) {
      reportProblem(`ended runs of ${queue.name} cannot be read; retrying: ${messageOf(thrown)}`);
      timers.after(backoffMaxMs, () => dispatcher.dispatch(queue));
      return false;
    }
  }

  #begin(queue: WorkflowQueue, plan: WorkflowPlan, closing: Closing): void {
    const { assignments, host, clock, store } = this.#parts, { entry } = closing, { run } = entry, { runId } = run;
    if (closing.busy || entry.phase.tag !== "unclosed" || clock.monotonic() < entry.waitsUntil) return;
    if (assignments.hasRun(runId)) return void this.#awaitRole(queue, closing);
    const process = host.getOrStartProcess(queue.name, { asked: false, dueAt: run.endedAt ?? clock.now() });
    if (process === null || assignments.isRecycling(process.id)) return;
    if (run.rounds > 0 && !this.#read(queue, () => void (entry.threadBytes ||= store.readThreadBytes(runId)))) return;
    const held = assignments.countThreadBytes(process.id);
    if (held > 0 && held + entry.threadBytes > plan.memoryBytes / 2) return;
    closing.attempts++;
    const attempt = run.attempt + 1, { status, exitCode, reason, endedAt } = run;
    entry.run = { ...run, attempt };
    assignments.assign(process, entry);
    enterPhase(entry, { tag: "closing", process });
    process.close(toRunStart(run), attempt, run.rounds, { status, exitCode, reason, endedAt });
    if (run.rounds > 0) void this.#sendThread(entry, process);
  }

  async #awaitRole(queue: WorkflowQueue, closing: Closing): Promise<void> {
    closing.busy = true;
    await this.#parts.assignments.whenReleased(closing.entry.run.runId);
    closing.busy = false;
    this.#parts.dispatcher.dispatch(queue);
  }

  async #sendThread(entry: RunEntry, process: WorkflowProcess): Promise<void> {
    const { assignments, store, timers, dispatcher, clock } = this.#parts, { runId, attempt } = entry.run;
    const holds = () => assignments.findAssigned(process.id, runId) === entry && entry.run.attempt === attempt;
    try {
      await process.sendThread(runId, attempt, readWhile(entry, store.readThread(runId), holds));
    } catch (thrown) {
      this.#parts.reportProblem(`the messages of run ${runId} cannot be read; retrying: ${messageOf(thrown)}`);
      if (!holds()) return;
      process.abortRun(runId, attempt, "its messages cannot be read");
      enterPhase(entry, { tag: "unclosed" });
      assignments.release(process, entry);
      entry.waitsUntil = clock.monotonic() + backoffMaxMs;
      timers.after(backoffMaxMs, () => dispatcher.dispatch(entry.queue));
    }
  }

  /** Both the worker and the kernel enforce the time limit: an endless loop would block the worker's timer. */
  #watch(entry: RunEntry, process: WorkflowProcess, { timeoutMs, report = false }: BegunClosing): void {
    const { assignments } = this.#parts, closing = this.#stateOf(entry.queue).closings.get(entry.run.runId);
    if (closing !== undefined) closing.report = report;
    assignments.setDeadline(process, entry, timeoutMs, () => {
      // Another role may be to blame: `finally` runs again.
      if (assignments.isRecycling(process.id)) return;
      const error = `timed out after ${formatDuration(timeoutMs)} and did not stop; its process was ended`;
      assignments.recycle(process, `finally of run ${entry.run.runId} ${error}`);
      void this.#settle(entry, { error }, process);
    });
  }

  async #settle(entry: RunEntry, result: ClosingResult | null, process: WorkflowProcess | null): Promise<void> {
    const { writer, assignments, store, dispatcher } = this.#parts, { queue, run } = entry, { runId } = run;
    const state = this.#stateOf(queue), closing = state.closings.get(runId);
    if (closing === undefined) return;
    closing.busy = true;
    if (process !== null) {
      enterPhase(entry, { tag: "unclosed" });
      assignments.release(process, entry);
    }
    const row = result && createClosing(run, closing, result);
    const what = `the closing of run ${runId} could not be written`;
    await writer.retryUntilWritten(entry, what, () => store.closeRun(run, row));
    // The next daemon repeats what was not written.
    if (writer.closed) return;
    if (row?.report !== undefined) this.#parts.onReport?.(runId);
    state.closings.delete(runId);
    queue.closing.delete(entry);
    dispatcher.dispatch(queue);
  }
}
