/**
 * Owns every run: admits it, gives it to a process, makes its messages durable, and ends it. The kernel creates it and
 * tells it what processes say and what becomes of them; storage and processes are ports (ports.ts).
 * Here are the calls from outside; run_admission.ts admits, dispatcher.ts brings runs forward, process_messages.ts hears assignments, run_writer.ts writes.
 * I1. A run's change is durable before anyone is told: caller, follower, process or `onChange`.
 * I2. A message is durable before it is acked; rounds have no gap; a finished role never runs again.
 * I3. A run that has ended never changes and never runs again: its processes are fenced off by attempt.
 * I4. No more runs of a workflow are at work than its concurrency; queued ones start in order.
 * I5. What a process says can end its own runs, and nothing else. No store failure ends the kernel or loses a run.
 */
import { NerveError } from "../../base/errors.ts";
import { stopDrainMs } from "../../base/limits.ts";
import type { Clock } from "../../base/time.ts";
import { TimerGroup } from "../../base/timer_group.ts";
import { unknownRun } from "../../protocol/common_errors.ts";
import type { NewLogRow } from "../../protocol/log.ts";
import type { Run } from "../../protocol/run.ts";
import type { RunRequest, WorkflowEngine, WorkflowLoad, WorkflowPlan } from "../engine.ts";
import { isTerminal } from "../transitions.ts";
import { ActiveRuns, type RunEntry } from "./active_runs.ts";
import { Assignments } from "./assignments.ts";
import { Dispatcher } from "./dispatcher.ts";
import { enterPhase } from "./phase.ts";
import type { ProcessExit, RunStore, WorkflowHost } from "./ports.ts";
import { ProcessExits } from "./process_exit.ts";
import { ProcessMessages, type Said } from "./process_messages.ts";
import { recover } from "./recovery.ts";
import { RejectionLog, type Speaker } from "./rejection_log.ts";
import { Retries } from "./retries.ts";
import { RunAdmission, storeFailed } from "./run_admission.ts";
import { ending, RunWriter } from "./run_writer.ts";

export interface ManagerOptions {
  readonly store: RunStore;
  readonly host: WorkflowHost;
  readonly clock: Clock;
  /** Writes a row that changes no run. */
  readonly log: (row: NewLogRow) => unknown;
  /** Called after each durable change of a run's status or attempt. */
  readonly onChange: (run: Run) => void;
  /** Called after a failed attempt of a role is durable, with what happened. */
  readonly onRoleFailed: (run: Run, text: string) => void;
  /** Called when a process holds no run any more: an old one may then be ended. */
  readonly onProcessFree: (processId: number) => void;
  /** Says what the operator should know, such as that the store fails. */
  readonly problem: (message: string) => void;
  readonly newRunId: () => string;
}

export class WorkflowManager implements WorkflowEngine {
  readonly #options: ManagerOptions;
  readonly #runs = new ActiveRuns();
  readonly #timers: TimerGroup;
  readonly #assignments: Assignments;
  readonly #writer: RunWriter;
  readonly #dispatcher: Dispatcher;
  readonly #admission: RunAdmission;
  readonly #messages: ProcessMessages;
  readonly #exits: ProcessExits;
  #stopping: Promise<void> | null = null;
  /** Ends the wait of a stop: every process is free, or there is no more time. */
  #rest: () => void = () => {};

  constructor(options: ManagerOptions) {
    const { store, host, clock, problem, log } = options;
    this.#options = options;
    const runs = this.#runs;
    const timers = this.#timers = new TimerGroup(clock);
    const assignments = this.#assignments = new Assignments(clock, (id) => this.#freed(id));
    const writer = this.#writer = new RunWriter({ store, clock, problem, changed: (entry) => this.#changed(entry) });
    const dispatcher = new Dispatcher({ runs, writer, assignments, timers, store, host, clock, problem });
    this.#dispatcher = dispatcher;
    this.#admission = new RunAdmission({ runs, writer, dispatcher, store, clock, newRunId: options.newRunId });
    const rejections = new RejectionLog((runId) => writer.read(runId), clock, log);
    const retries = new Retries({ writer, assignments, dispatcher, clock, failed: options.onRoleFailed });
    this.#messages = new ProcessMessages({ runs, writer, assignments, dispatcher, rejections, retries, clock });
    this.#exits = new ProcessExits({ assignments, dispatcher, writer, timers, clock, log });
  }

  /**
   * Takes over what the configuration says. A new bound lets running work finish. Runs of a workflow that is gone end
   * as interrupted: those in a process when their drain timeout is over, all others now (at the latest at `start`).
   */
  configure(plans: readonly WorkflowPlan[]): void {
    const byName = new Map(plans.map((plan) => [plan.name, plan]));
    for (const name of byName.keys()) this.#runs.addQueue(name);
    for (const queue of this.#runs.queues()) {
      const before = queue.plan;
      queue.plan = byName.get(queue.name) ?? null;
      if (before !== null && queue.plan === null) this.#exits.replace(queue, before.drainTimeoutMs);
      this.#dispatcher.pump(queue);
    }
  }

  /** Takes up what the last daemon left, then begins to work. Call `configure` first. */
  start(): void {
    recover(this.#options.store, this.#runs);
    this.#dispatcher.open();
  }

  /**
   * Begins nothing more, gives roles that are at work `drainMs`, and leaves the rest `started` for the next start.
   * Ends when nothing is under way in the store. A second call with 0 cuts the wait short.
   */
  stop(drainMs: number = stopDrainMs): Promise<void> {
    this.#stopping ??= this.#stop(drainMs);
    if (drainMs <= 0) this.#rest();
    return this.#stopping;
  }

  /**
   * Starts a run, or queues or drops it, or attaches to the run that has the id already; the run as it is on disk.
   * Errors: PAYLOAD_INVALID, WORKFLOW_UNKNOWN, RUN_CONFLICT (the id exists with other input), STORE_FAILED.
   */
  startRun(request: RunRequest): Promise<Run> {
    return this.#admission.start(request);
  }

  /**
   * Ends a run as killed, at once and for good; the run as it is then on disk. Its role is told to abort, and its
   * process recycled when it does not come to rest (assignments.ts).
   * Errors: RUN_UNKNOWN, RUN_ENDED, STORE_FAILED.
   */
  async killRun(runId: string, reason: string | null): Promise<Run> {
    const entry = await this.#living(runId);
    if (!("queue" in entry)) throw ended(entry);
    const { store, clock } = this.#options;
    entry.endsPending++;
    try {
      const how = ending(entry.run, "killed", reason ?? "killed on request", clock.now());
      if (await this.#writer.changeOnce(entry, ...how)) return entry.run;
      entry.endsPending--;
    } catch (thrown) {
      entry.endsPending--;
      this.#dispatcher.pump(entry.queue);
      throw storeFailed(`run ${runId} could not be killed`, thrown);
    }
    throw ended(store.get(runId) ?? entry.run);
  }

  /** The run once it has ended, or as it stands when the manager stops. Error: RUN_UNKNOWN. */
  async runEnded(runId: string): Promise<Run> {
    const entry = await this.#living(runId);
    if (!("queue" in entry)) return entry;
    return await new Promise((resolve) => entry.followers.push(resolve));
  }

  /** The workflow's process may start again, or its quarantine was lifted. */
  workflowAvailable(workflow: string): void {
    this.#pump(workflow);
  }

  /** New code: the host's next process has it. What is on an old process finishes there, up to the drain timeout. */
  codeReplaced(workflow: string): void {
    const queue = this.#runs.queue(workflow);
    if (queue === null || queue.plan === null) return;
    this.#exits.replace(queue, queue.plan.drainTimeoutMs);
    this.#dispatcher.pump(queue);
  }

  processGone(processId: number, end: ProcessExit): void {
    this.#exits.gone(processId, end);
    if (this.#assignments.idle) this.#rest();
  }

  /** What a process says of a run; whether it may is checked here. */
  hear(from: Speaker, said: Said): void {
    this.#messages.hear(from, said);
  }

  /** Whether the process holds a run, one that has ended but not come to rest included. */
  busy(processId: number): boolean {
    return this.#assignments.busy(processId);
  }

  /** Whether this process works on this run: only then may it speak of it, such as in a log row. */
  holds(processId: number, runId: string): boolean {
    return this.#assignments.held(processId, runId) !== null;
  }

  /** Every configured workflow, and those whose last runs are still there. */
  loads(): WorkflowLoad[] {
    return [...this.#runs.queues()].filter((queue) => queue.plan !== null || queue.active.size + queue.queued.size > 0)
      .map((queue) => ({
        workflow: queue.name,
        active: queue.active.size,
        unassigned: [...queue.active].filter((entry) => entry.phase.tag === "unassigned").length,
        queued: queue.queued.size,
      }));
  }

  /** Runs that are started on disk. */
  activeRuns(): Run[] {
    return [...this.#runs.entries()].map((entry) => entry.run).filter((run) => run.status === "started");
  }

  /** The run, and its entry when it has not ended and its first row is durable. */
  async #living(runId: string): Promise<RunEntry | Run> {
    const entry = this.#runs.get(runId);
    await entry?.created;
    if (entry !== null) return this.#runs.has(entry) ? entry : entry.run;
    const run = this.#options.store.get(runId);
    if (run === null) throw unknownRun(runId);
    return run;
  }

  #changed(entry: RunEntry): void {
    const { run, phase } = entry;
    if (!isTerminal(run.status)) return this.#options.onChange(run);
    if (phase.tag === "running") {
      this.#assignments.abort(phase.process, entry, run.reason ?? run.status);
    } else {
      enterPhase(entry, { tag: "ending" });
      if (phase.tag === "writing" && phase.process !== null) {
        // Its role has come to rest: it only waits for an ack that will not come.
        phase.process.abortRun(run.runId, run.attempt, run.reason ?? run.status);
        this.#assignments.release(phase.process, entry);
      }
    }
    this.#runs.remove(entry);
    this.#options.onChange(run);
    for (const follower of entry.followers) follower(run);
    this.#dispatcher.pump(entry.queue);
  }

  #freed(processId: number): void {
    this.#options.onProcessFree(processId);
    if (this.#assignments.idle) this.#rest();
  }

  #pump(workflow: string): void {
    const queue = this.#runs.queue(workflow);
    if (queue !== null) this.#dispatcher.pump(queue);
  }

  async #stop(drainMs: number): Promise<void> {
    this.#dispatcher.shut();
    if (!this.#assignments.idle && drainMs > 0) {
      await new Promise<void>((resolve) => {
        this.#rest = resolve;
        this.#timers.after(drainMs, resolve);
      });
    }
    for (const entry of this.#assignments.all()) this.#exits.leave(entry);
    await this.#writer.close();
    this.#timers.clear();
    for (const entry of this.#runs.entries()) for (const follower of entry.followers) follower(entry.run);
  }
}

function ended(run: Run): NerveError {
  const code = run.exitCode === null ? "" : `, exit code ${run.exitCode}`;
  return new NerveError("RUN_ENDED", `run ${run.runId} has ended already: ${run.status}${code}`, {
    hint: `nerve workflow inspect ${run.runId}`,
  });
}
