/**
 * Takes requests for runs: attaches, starts, queues or drops. Called by manager.ts; the decision is queue_policy.ts's.
 * I1. The caller is answered when the run's first row is durable, and with what is on disk.
 * I2. Between the look for an id and its entry in the table nothing is awaited: one id makes one run.
 */
import { messageOf, NerveError } from "../../base/errors.ts";
import type { Clock } from "../../base/time.ts";
import type { Run } from "../../protocol/run.ts";
import type { RunRequest } from "../engine.ts";
import type { Lane, RunEntry, RunTable } from "./active_runs.ts";
import type { Dispatcher } from "./dispatcher.ts";
import type { RunStore } from "./ports.ts";
import { admit, excess } from "./queue_policy.ts";
import { checkRequest, differenceTo, newRun } from "./run_request.ts";
import type { Ledger } from "./run_writer.ts";

export interface IntakeParts {
  readonly table: RunTable;
  readonly ledger: Ledger;
  readonly dispatcher: Dispatcher;
  readonly store: Pick<RunStore, "get">;
  readonly clock: Clock;
  readonly newRunId: () => string;
}

export class Intake {
  readonly #parts: IntakeParts;

  constructor(parts: IntakeParts) {
    this.#parts = parts;
  }

  /** `WorkflowManager.startRun` */
  async start(wanted: RunRequest): Promise<Run> {
    const request = checkRequest(wanted);
    const { table, store, clock, dispatcher, newRunId } = this.#parts;
    const runId = request.runId ?? newRunId();
    const existing = table.get(runId)?.run ?? store.get(runId);
    if (existing !== null) return await this.#attach(existing, request);
    const lane = table.lane(request.workflow);
    if (lane === null || lane.plan === null) {
      const known = [...table.lanes()].filter(({ plan }) => plan !== null).map(({ name }) => name).join(", ");
      throw new NerveError("WORKFLOW_UNKNOWN", `There is no workflow "${request.workflow}"`, {
        hint: known === "" ? "This workspace has no workflows" : `There are: ${known}`,
      });
    }
    const load = { active: lane.slots.size, queued: lane.queue.size, accepting: dispatcher.accepting(lane) };
    const admission = admit(load, lane.plan);
    const entry = table.add(newRun(request, runId, lane.plan, admission, clock.now()), { tag: "creating" });
    entry.created = this.#create(entry);
    await entry.created;
    return entry.run;
  }

  async #attach(existing: Run, request: RunRequest): Promise<Run> {
    const difference = request.runId === null ? "origin" : differenceTo(existing, request);
    if (difference !== null) {
      throw new NerveError("RUN_CONFLICT", `run ${existing.runId} exists with another ${difference}`, {
        hint: "use a new id, or ask for the very same run",
      });
    }
    const entry = this.#parts.table.get(existing.runId);
    await entry?.created;
    return entry?.run ?? existing;
  }

  async #create(entry: RunEntry): Promise<void> {
    const { table, ledger, dispatcher } = this.#parts;
    try {
      if (!await ledger.create(entry)) throw new Error("the store has a run of that id");
    } catch (thrown) {
      table.remove(entry);
      dispatcher.pump(entry.lane);
      throw storeFailed(`run ${entry.run.runId} could not be started`, thrown);
    }
    // A dropped one is out of the table already, and so is one that was killed or dropped meanwhile.
    if (!table.has(entry)) return;
    if (entry.run.status === "queued") {
      entry.phase = { tag: "queued" };
      this.#dropOldest(entry.lane);
    } else {
      entry.phase = { tag: "waiting", ready: true };
    }
    dispatcher.pump(entry.lane);
  }

  /** Only now that the newest is on disk: a run that could not be written must not cost another its place. */
  #dropOldest(lane: Lane): void {
    if (lane.plan === null || lane.queue.size <= lane.plan.maxQueue) return;
    const queued = [...lane.queue].filter((entry) => entry.phase.tag === "queued");
    for (const entry of queued.slice(0, excess(queued.length, lane.plan))) {
      // It has left the queue now, so that nobody counts or starts it while its end is being written.
      lane.queue.delete(entry);
      void this.#parts.dispatcher.end(entry, "dropped", "the queue was full and it was the oldest");
    }
  }
}

/** What to do about it is what the store said. */
export function storeFailed(what: string, thrown: unknown): NerveError {
  const hint = thrown instanceof NerveError && thrown.hint !== null ? { hint: thrown.hint } : {};
  return new NerveError("STORE_FAILED", `${what}: ${messageOf(thrown)}`, { ...hint, cause: thrown });
}
