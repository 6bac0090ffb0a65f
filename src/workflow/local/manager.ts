/**
 * The embedded workflow engine. It owns every run: admits it, assigns it to a process, makes its messages durable, and
 * ends it. kernel/wiring.ts creates it; kernel/process_events.ts passes on messages and exits of processes. Storage and
 * processes are ports (ports.ts). This file holds the entry points. run_admission.ts admits runs, dispatcher.ts
 * dispatches them, process_messages.ts handles messages, process_exit.ts handles exits, run_writer.ts writes.
 * I1. A run's change is durable before anyone learns of it: the caller, a waiter, a process or `onChange`.
 * I2. A message is durable before it is acknowledged; rounds have no gap; a finished role never runs again.
 * I3. A run that has ended never changes and never runs again: its processes are fenced off by attempt.
 * I4. No more runs of a workflow are active than its concurrency allows; queued runs start in order.
 * I5. A process can end its own runs and no others. No store failure ends the kernel or loses a run.
 */
import { stopDrainMs } from "../../base/limits.ts";
import { TimerGroup } from "../../base/timer_group.ts";
import { unknownRun } from "../../protocol/common_errors.ts";
import type { DecisionReply, DecisionRequest } from "../../protocol/approval.ts";
import type { Run, RunStatus } from "../../protocol/run.ts";
import type { SendEventReply, SendEventRequest } from "../../protocol/run_event.ts";
import type { RunRequest, WorkflowEngine, WorkflowLoad, WorkflowPlan } from "../engine.ts";
import { isTerminal } from "../transitions.ts";
import { ActiveRuns, type RunEntry } from "./active_runs.ts";
import { Assignments } from "./assignments.ts";
import { ChildRuns } from "./children.ts";
import { type ClosingReport, Closings } from "./closings.ts";
import { Decisions } from "./decisions.ts";
import { Dispatcher } from "./dispatcher.ts";
import { OnceRoles } from "./once_roles.ts";
import { Events } from "./events.ts";
import { Handover } from "./handover.ts";
import { NondeterminismPauses } from "./nondeterminism.ts";
import { Kills } from "./kills.ts";
import { readLoads } from "./loads.ts";
import { Pauses } from "./pauses.ts";
import { enterPhase } from "./phase.ts";
import type { ManagerOptions, ProcessExit } from "./ports.ts";
import { ProcessExitHandler } from "./process_exit.ts";
import { type ProcessMessage, ProcessMessages } from "./process_messages.ts";
import { CodeMoves } from "./code_moves.ts";
import { recoverRuns } from "./recovery.ts";
import { type MessageSender, RejectionLog } from "./rejection_log.ts";
import { Retries } from "./retries.ts";
import { RunAdmission } from "./run_admission.ts";
import { RunWriter } from "./run_writer.ts";
import { Waits } from "./waits.ts";

export class WorkflowManager implements WorkflowEngine {
  readonly handover: Handover;
  readonly #options: ManagerOptions;
  readonly #runs = new ActiveRuns();
  readonly #timers: TimerGroup;
  readonly #assignments: Assignments;
  readonly #writer: RunWriter;
  readonly #dispatcher: Dispatcher;
  readonly #admission: RunAdmission;
  readonly #messages: ProcessMessages;
  readonly #exits: ProcessExitHandler;
  readonly #holds: NondeterminismPauses;
  readonly #waits: Waits;
  readonly #decisions: Decisions;
  readonly #kills: Kills;
  readonly #events: Events;
  readonly #children: ChildRuns;
  readonly #closings: Closings;
  readonly #pauses: Pauses;
  #stopping: Promise<void> | null = null;
  /** Ends the drain of `stop`: every process is idle, or the time is up. */
  #endDrain: () => void = () => {};

  constructor(options: ManagerOptions) {
    const { store, host, clock, reportProblem, log, approvers } = options;
    this.#options = options;
    const runs = this.#runs;
    const timers = this.#timers = new TimerGroup(clock);
    const assignments = this.#assignments = new Assignments(clock, (id) => this.#onProcessIdle(id));
    const onChanged = (entry: RunEntry, before: RunStatus) => this.#onRunChanged(entry, before);
    const writer = this.#writer = new RunWriter({ store, clock, reportProblem, onChanged });
    const dispatcher = new Dispatcher({ runs, writer, assignments, timers, store, host, clock, reportProblem });
    this.#dispatcher = dispatcher;
    this.#admission = new RunAdmission({ runs, writer, dispatcher, store, timers, clock, newRunId: options.newRunId });
    const rejections = new RejectionLog((runId) => writer.read(runId), clock, log);
    const retries = new Retries({ writer, assignments, dispatcher, clock, onFailureStored: options.onRoleFailed });
    const shared = { writer, assignments, dispatcher, clock, log };
    const probes = new CodeMoves({ ...shared, rejections, store });
    const waits = this.#waits = new Waits({ ...shared, runs, store, host, reportProblem });
    const effects = new OnceRoles({ ...shared, waits, store });
    dispatcher.onInDoubt = (entry) => effects.ask(entry);
    this.#decisions = new Decisions({ ...shared, waits, effects, store, approvers });
    const more = { ...shared, runs, waits, store, timers, reportProblem };
    const holds = this.#holds = new NondeterminismPauses({ ...more, host, resume: (runId) => this.resumeRun(runId) });
    const events = this.#events = new Events(more);
    const all = () => options.engines?.() ?? this;
    const children = this.#children = new ChildRuns({ ...more, engines: all });
    const closings = this.#closings = new Closings({ ...more, rejections, host, onReport: options.onReport });
    dispatcher.onDispatch = (queue) => closings.dispatch(queue);
    waits.onAwaited = (runId) => {
      void events.deliverLater(runId);
      children.check(runId);
    };
    const most = { ...shared, runs, waits, store, admission: this.#admission };
    this.#pauses = new Pauses({ ...most, planned: this.#admission.planned, onResumed: (run) => options.onChange(run) });
    this.#kills = new Kills(most);
    this.handover = new Handover({ ...most, closings, children });
    this.#messages = new ProcessMessages({ ...shared, runs, rejections, retries, probes, holds, waits, effects });
    this.#exits = new ProcessExitHandler({ ...shared, timers, probes, closings });
  }

  /**
   * Applies the configuration. A lower concurrency lets running runs finish. Runs of a workflow that is no longer
   * configured end as interrupted: those in a process after the drain timeout, all others now, or at `start`.
   */
  configure(plans: readonly WorkflowPlan[]): void {
    const byName = new Map(plans.map((plan) => [plan.name, plan]));
    for (const name of byName.keys()) this.#runs.getOrAddQueue(name);
    for (const queue of this.#runs.queues()) {
      const before = queue.plan;
      queue.plan = byName.get(queue.name) ?? null;
      if (before !== null && queue.plan === null) this.#exits.drainRemoved(queue, before.drainTimeoutMs);
      this.#dispatcher.dispatch(queue);
      if (queue.plan === null) void this.#waits.endUnconfigured(queue);
    }
  }

  /** Recovers the runs that the last daemon left unfinished, then starts dispatching. Call `configure` first. */
  start(): void {
    recoverRuns(this.#options.store, this.#runs, this.#admission.planned);
    this.#dispatcher.open();
    this.#waits.open();
    this.#holds.recover();
    void this.#events.recover();
    void this.#children.recover();
    for (const queue of this.#runs.queues()) if (queue.plan === null) void this.#waits.endUnconfigured(queue);
  }

  /**
   * Starts nothing more, gives running roles `drainMs`, and leaves the rest `started` for the next start. Resolves when
   * no write is pending. A second call with 0 ends the drain immediately.
   */
  stop(drainMs: number = stopDrainMs): Promise<void> {
    this.#stopping ??= this.#stop(drainMs);
    if (drainMs <= 0) this.#endDrain();
    return this.#stopping;
  }

  /**
   * Starts, queues or drops a run, or attaches to the run that already has the id. Returns the run as stored. Errors:
   * PAYLOAD_INVALID, WORKFLOW_UNKNOWN, RUN_CONFLICT (the id exists with other input), STORE_FAILED.
   */
  startRun(request: RunRequest): Promise<Run> {
    return this.#admission.start(request);
  }

  /**
   * Ends a run as killed, immediately and for good. Returns the run as stored. Its role is aborted, and its process
   * recycled if the role does not settle (assignments.ts). Errors: RUN_UNKNOWN, RUN_ENDED, STORE_FAILED. With
   * STORE_FAILED the work has ended nevertheless, and the end is recorded as soon as the store allows.
   */
  async killRun(runId: string, reason: string | null): Promise<Run> {
    await this.#whenStored(runId);
    return await this.#kills.kill(this.#find(runId), reason);
  }

  /** Pauses a run; a running role is aborted. Errors: RUN_UNKNOWN, RUN_ENDED, STORE_FAILED. */
  pauseRun(runId: string, reason: string | null): Promise<Run> {
    return this.#pauses.pause(runId, reason);
  }

  /** Resumes a paused run from where it was; see pauses.ts. Errors: RUN_UNKNOWN, RUN_ENDED, STORE_FAILED. */
  resumeRun(runId: string, acceptCode = false): Promise<Run> {
    return this.#pauses.resume(runId, acceptCode);
  }

  /** Sends an event to a run. Errors: see events.ts. */
  sendEvent(runId: string, request: SendEventRequest): Promise<SendEventReply> {
    return this.#events.send(runId, request);
  }

  /** Decides a request of a run. Errors: see decisions.ts. */
  decide(id: string, request: DecisionRequest): Promise<DecisionReply> {
    return this.#decisions.decide(id, request);
  }

  /** The run once it has ended, or as it stands when the manager stops. Error: RUN_UNKNOWN. */
  async waitForEnd(runId: string): Promise<Run> {
    await this.#whenStored(runId);
    const entry = this.#find(runId);
    if (!("queue" in entry) && isTerminal(entry.status)) return entry;
    return await new Promise((resolve) => this.#runs.follow(runId, resolve));
  }

  /** The workflow's process may start again, or its quarantine was lifted. */
  onWorkflowAvailable(workflow: string): void {
    this.#dispatch(workflow);
  }

  /** The host's next process has the new code. Runs in an old process move there after a message, if it agrees. */
  onCodeReplaced(workflow: string): void {
    const queue = this.#runs.findQueue(workflow);
    if (queue === null || queue.plan === null) return;
    queue.code++;
    this.#exits.clearSuspicion(queue);
    this.#holds.release(queue);
    this.#dispatcher.dispatch(queue);
  }

  onProcessExit(processId: number, end: ProcessExit): void {
    this.#exits.onExit(processId, end);
    if (this.#assignments.idle) this.#endDrain();
  }

  /** Handles what a process reports on a run, after checking that it may. */
  onMessage(sender: MessageSender, report: ProcessMessage | ClosingReport): void {
    if (report.t === "closing" || report.t === "closed") return this.#closings.onReport(sender, report);
    this.#messages.handle(sender, report);
  }

  /** The code of the workflow's current process was loaded. */
  onLoaded(workflow: string, hasFinally: boolean): void {
    this.#closings.onLoaded(workflow, hasFinally);
  }

  /** Whether the process has a run, including one that has ended but whose role has not settled. */
  isBusy(processId: number): boolean {
    return this.#assignments.isBusy(processId);
  }

  /** Whether the run is assigned to this process: only then may the process report on it, such as in a log row. */
  isAssigned(processId: number, runId: string): boolean {
    return this.#assignments.findAssigned(processId, runId) !== null;
  }

  readLoads(): WorkflowLoad[] {
    return readLoads(this.#runs);
  }

  get dropped(): number {
    return this.#admission.dropped;
  }

  describeHeldRuns(): string[] {
    return this.#holds.describe();
  }

  /** Resolves when a run's first row is durable and no resume is in progress. Rejects if that row cannot be written. */
  async #whenStored(runId: string): Promise<void> {
    const resuming = () => this.#pauses.resumeOf(runId);
    await this.#runs.get(runId)?.created;
    for (let next = resuming(); next !== null; next = resuming()) await next.catch(() => {});
  }

  /** The entry of an unfinished run; if it waits or has ended, the run itself. Do not keep it: it may leave memory. */
  #find(runId: string): RunEntry | Run {
    const entry = this.#runs.get(runId);
    if (entry !== null) return entry;
    const run = this.#options.store.get(runId);
    if (run === null) throw unknownRun(runId);
    return run;
  }

  #onRunChanged(entry: RunEntry, before: RunStatus): void {
    const { run } = entry;
    this.#runs.onStatus(entry, before);
    if (!isTerminal(run.status) && run.status !== "paused") return this.#options.onChange(run);
    this.#assignments.abandon(entry, run.reason ?? run.status);
    if (entry.phase.tag !== "aborting") enterPhase(entry, { tag: "ending" });
    this.#runs.remove(entry);
    this.#options.onChange(run);
    if (isTerminal(run.status)) {
      for (const follower of this.#runs.takeFollowers(run.runId)) follower(run);
      this.#children.onEnded(run);
      this.#closings.onEnded(entry.queue);
    }
    this.#dispatcher.dispatch(entry.queue);
  }

  #onProcessIdle(processId: number): void {
    this.#options.onProcessIdle(processId);
    if (this.#assignments.idle) this.#endDrain();
  }

  #dispatch(workflow: string): void {
    const queue = this.#runs.findQueue(workflow);
    if (queue !== null) this.#dispatcher.dispatch(queue);
  }

  async #stop(drainMs: number): Promise<void> {
    this.#dispatcher.close();
    this.#waits.close();
    if (!this.#assignments.idle && drainMs > 0) {
      await new Promise<void>((resolve) => this.#timers.after(drainMs, this.#endDrain = resolve));
    }
    for (const entry of this.#assignments.listRuns()) this.#exits.detachForStop(entry);
    await this.#writer.close();
    this.#timers.clear();
    for (const runId of this.#runs.followed()) {
      const run = this.#runs.get(runId)?.run ?? this.#writer.read(runId);
      if (run !== null) { for (const follower of this.#runs.takeFollowers(runId)) follower(run); }
    }
  }
}
