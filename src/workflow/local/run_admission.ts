/**
 * Admits requested runs: attaches, starts, queues or drops them. Called by manager.ts; queue_policy.ts decides.
 * I1. The caller gets its answer when the run's first row is durable, and gets the run as stored.
 * I2. Nothing is awaited between looking up an id and adding its run: one id makes one run.
 */
import { isDeepEqual } from "../../base/deep_equal.ts";
import { messageOf, NerveError } from "../../base/errors.ts";
import { hasCome, type Moment } from "../../base/moment.ts";
import { plannedStartsMax } from "../../base/limits.ts";
import type { TimerGroup } from "../../base/timer_group.ts";
import type { Clock } from "../../base/time.ts";
import { unknownWorkflow } from "../../protocol/common_errors.ts";
import { queueFullReason, type Run } from "../../protocol/run.ts";
import type { Fork, RunRequest, WorkflowPlan } from "../engine.ts";
import { type ActiveRuns, countSlots, type RunEntry, type WorkflowQueue } from "./active_runs.ts";
import type { Dispatcher } from "./dispatcher.ts";
import { enterPhase } from "./phase.ts";
import type { RunStore } from "./ports.ts";
import { describePlanned, PlannedStarts } from "./planned_starts.ts";
import { admit, countExcess, type QueueDecision } from "./queue_policy.ts";
import { checkRequest, createRun, findDifference } from "./run_request.ts";
import type { RunWriter } from "./run_writer.ts";

export interface RunAdmissionParts {
  readonly runs: ActiveRuns;
  readonly writer: RunWriter;
  readonly dispatcher: Dispatcher;
  readonly store: Pick<RunStore, "get" | "readFork">;
  readonly timers: TimerGroup;
  readonly clock: Clock;
  readonly newRunId: () => string;
}

export class RunAdmission {
  readonly #parts: RunAdmissionParts;
  readonly planned: PlannedStarts;
  /** How many runs were dropped. */
  dropped = 0;

  constructor(parts: RunAdmissionParts) {
    this.#parts = parts;
    this.planned = new PlannedStarts({ ...parts, onQueued: (entry) => this.admitQueued(entry) });
  }

  /** See `WorkflowManager.startRun`. */
  async start(wanted: RunRequest): Promise<Run> {
    const request = checkRequest(wanted);
    const { runs, store, clock, newRunId } = this.#parts;
    const runId = request.runId ?? newRunId();
    const existing = runs.get(runId)?.run ?? store.get(runId);
    if (existing !== null) return await this.#attach(existing, request);
    const queue = runs.findQueue(request.workflow);
    if (queue === null || queue.plan === null) {
      const known = [...runs.queues()].filter(({ plan }) => plan !== null).map(({ name }) => name);
      throw unknownWorkflow(request.workflow, known);
    }
    const starts = request.starts == null || hasCome(clock, request.starts) ? null : request.starts;
    const admission = starts === null ? this.#admit(queue, queue.plan, queue.queued.size) : plan(queue, starts);
    if (admission.kind === "drop") this.dropped++;
    const entry = runs.add(createRun(request, runId, queue.plan, admission, clock.now()), { tag: "creating" });
    entry.created = this.#create(entry, request.fork ?? null, starts);
    await entry.created;
    return entry.run;
  }

  #admit(queue: WorkflowQueue, rules: WorkflowPlan, queued: number): QueueDecision {
    const accepting = this.#parts.dispatcher.isAccepting(queue);
    return admit({ active: countSlots(queue), queued, accepting }, rules);
  }

  /** Its start time has come, or another daemon has handed it over: it is treated like a new request. */
  admitQueued(entry: RunEntry): void {
    const { queue } = entry;
    if (queue.plan === null) return;
    const admission = this.#admit(queue, queue.plan, queue.queued.size - 1);
    if (admission.kind === "start") return;
    if (admission.kind === "queue") return this.#dropOldest(queue);
    queue.queued.delete(entry);
    this.dropped++;
    void this.#parts.dispatcher.endRun(entry, "dropped", admission.reason);
  }

  async #attach(existing: Run, request: RunRequest): Promise<Run> {
    const difference = request.runId === null
      ? "origin"
      : findDifference(existing, request) ?? this.#differsInFork(existing, request);
    if (difference !== null) {
      throw new NerveError("RUN_CONFLICT", `run ${existing.runId} exists with a different ${difference}`, {
        hint: "use a new id, or repeat the original request",
      });
    }
    const entry = this.#parts.runs.get(existing.runId);
    await entry?.created;
    return entry?.run ?? existing;
  }

  /** A request for a fork means exactly that fork; any other request attaches to any run with the id. */
  #differsInFork({ runId }: Run, { fork = null }: RunRequest): "fork" | null {
    return fork === null || isDeepEqual(this.#parts.store.readFork(runId), { ...fork }) ? null : "fork";
  }

  async #create(entry: RunEntry, fork: Fork | null, starts: Moment | null): Promise<void> {
    const { runs, writer, dispatcher } = this.#parts;
    try {
      if (!await writer.create(entry, { fork, starts })) throw new Error("the store already has a run with this id");
    } catch (thrown) {
      runs.remove(entry);
      dispatcher.dispatch(entry.queue);
      throw toNotStarted(entry.run.runId, thrown);
    }
    // A run that was dropped or killed meanwhile has been removed already.
    if (!runs.has(entry)) return;
    if (entry.run.status === "queued" && starts !== null) this.planned.add(entry, starts);
    else if (entry.run.status === "queued") {
      enterPhase(entry, { tag: "queued" });
      this.#dropOldest(entry.queue);
    } else {
      enterPhase(entry, { tag: "unassigned", ready: true });
    }
    dispatcher.dispatch(entry.queue);
  }

  /** Called once the newest run is stored: a run that could not be written must not cost another its place. */
  #dropOldest(queue: WorkflowQueue): void {
    if (queue.plan === null || queue.queued.size <= queue.plan.maxQueue) return;
    const queued = [...queue.queued].filter((entry) => entry.phase.tag === "queued");
    for (const entry of queued.slice(0, countExcess(queued.length, queue.plan))) {
      // Removed at once, so that it is neither counted nor started while its end is being written.
      queue.queued.delete(entry);
      this.dropped++;
      void this.#parts.dispatcher.endRun(entry, "dropped", queueFullReason);
    }
  }
}

function plan({ planned }: WorkflowQueue, starts: Moment): QueueDecision {
  return planned.size < plannedStartsMax
    ? { kind: "queue", reason: describePlanned(starts) }
    : { kind: "drop", reason: `${plannedStartsMax} runs are planned already` };
}

/**
 * A commit whose fsync failed may have reached the disk: this daemon has undone it, but the next one may find the run
 * there and run it.
 */
function toNotStarted(runId: string, thrown: unknown): NerveError {
  const error = toStoreFailed(`run ${runId} could not be started`, thrown);
  if (!/I\/O error/i.test(error.message)) return error;
  return new NerveError("STORE_FAILED", `${error.message}; it may be on disk all the same, and run after a restart`, {
    hint: `nerve workflow inspect ${runId} shows it then; to start it once, start it again with the id ${runId}`,
    cause: thrown,
  });
}

/** Keeps the hint of the store's own error. */
export function toStoreFailed(what: string, thrown: unknown): NerveError {
  const hint = thrown instanceof NerveError && thrown.hint !== null ? { hint: thrown.hint } : {};
  return new NerveError("STORE_FAILED", `${what}: ${messageOf(thrown)}`, { ...hint, cause: thrown });
}
