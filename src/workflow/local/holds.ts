/**
 * Holds runs whose code contradicts their messages: after a change, the moderator would have chosen other roles. The old
 * code is gone, so they wait for other code. Called by process_messages.ts and manager.ts.
 * I1. A held run has not ended: it stays `started`, keeps its slot, and its `reason` says why. A kill ends it. Being held
 *     counts as an attempt: what the last process still says about it is refused, and the database allows the move.
 * I2. It is tried again when its code is replaced, and when the daemon starts: its code may have changed meanwhile.
 */
import type { RunEntry, WorkflowQueue } from "./active_runs.ts";
import type { Assignments } from "./assignments.ts";
import type { Dispatcher } from "./dispatcher.ts";
import { enterPhase } from "./phase.ts";
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

  /** The code was replaced: held runs try it. The caller dispatches them. */
  release(queue: WorkflowQueue): void {
    for (const entry of queue.active) if (entry.phase.tag === "held") this.#parts.dispatcher.detach(entry, replaced);
  }
}
