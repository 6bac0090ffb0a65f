/**
 * Holds runs whose code contradicts their messages: after a change, the moderator would have chosen other roles. The old
 * code is gone, so they wait for other code. Called by process_messages.ts and manager.ts.
 * I1. A held run has not ended: it stays `started`, keeps its slot, and its `reason` says why. A kill ends it. Being held
 *     counts as an attempt: what the last process still says about it is refused, and the database allows the move.
 * I2. It is tried again when its code is replaced, and when the daemon starts: its code may have changed meanwhile.
 */
import type { Run } from "../../protocol/run.ts";
import type { RunEntry, WorkflowQueue } from "./active_runs.ts";
import type { Assignments } from "./assignments.ts";
import type { Dispatcher } from "./dispatcher.ts";
import { toRunEnded } from "./kills.ts";
import { enterPhase } from "./phase.ts";
import { toStoreFailed } from "./run_admission.ts";
import type { WorkflowProcess } from "./ports.ts";
import { createRunRow, type RunWriter, toReason } from "./run_writer.ts";

export interface HoldsParts {
  readonly writer: RunWriter;
  readonly assignments: Assignments;
  readonly dispatcher: Dispatcher;
}

const replaced = "its code was replaced";

export class Holds {
  readonly #parts: HoldsParts;

  constructor(parts: HoldsParts) {
    this.#parts = parts;
  }

  /** Takes the run off the process, whose code contradicts it. */
  async hold(entry: RunEntry, process: WorkflowProcess, why: string): Promise<void> {
    const { writer, assignments, dispatcher } = this.#parts, { run, queue } = entry, code = entry.triedCode;
    enterPhase(entry, { tag: "holding" });
    assignments.release(process, entry);
    const change = { status: "started", attempt: run.attempt + 1, reason: toReason(`held: ${why}`) } as const;
    const written = await writer.change(entry, change, createRunRow(run, "run.held", { rounds: run.rounds }));
    // It has ended meanwhile.
    if (entry.phase.tag !== "holding" || !written && !writer.reconcile(entry)) return;
    if (written && code === queue.code) enterPhase(entry, { tag: "held" });
    else dispatcher.detach(entry, written ? replaced : "its state could not be stored");
    dispatcher.dispatch(queue);
  }

  /** A person says that a held run shall go on with its messages as they are. Errors: RUN_ENDED, STORE_FAILED. */
  async accept(entry: RunEntry): Promise<Run> {
    const { writer, dispatcher } = this.#parts, { run, queue } = entry;
    if (entry.endsPending > 0) throw toRunEnded(run);
    enterPhase(entry, { tag: "holding" });
    const change = { status: "started", attempt: run.attempt + 1, reason: null } as const;
    const row = createRunRow(run, "run.resumed", {
      rounds: run.rounds,
      after: "its code was accepted",
      accepted: run.rounds,
    });
    let written = false;
    try {
      written = await writer.tryChange(entry, change, row);
    } catch (thrown) {
      throw toStoreFailed(`run ${run.runId} could not be resumed`, thrown);
    } finally {
      // It may have ended meanwhile.
      if (entry.phase.tag === "holding") {
        enterPhase(entry, written ? { tag: "unassigned", ready: true } : { tag: "held" });
      }
      dispatcher.dispatch(queue);
    }
    return entry.run;
  }

  /** The code was replaced: held runs try it. The caller dispatches them. */
  release(queue: WorkflowQueue): void {
    for (const entry of queue.active) if (entry.phase.tag === "held") this.#parts.dispatcher.detach(entry, replaced);
  }
}
