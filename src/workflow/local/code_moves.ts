/**
 * Moves runs to new code. When a message of a run is stored and its code was replaced, the process with the new code is
 * asked whether it would have chosen the same roles. It gets the thread, runs no role, and answers. Meanwhile the old
 * process waits for its acknowledgement. Called by process_messages.ts, process_exit.ts and manager.ts.
 * I1. Only one process works on a run: the new one begins after attempt + 1 is stored, and by then the old one was
 *     notified that the run has left it.
 * I2. A run stays where it is if its new code disagrees, does not load, dies, or does not answer within `probeMaxMs`. A
 *     row records why, and the question is asked again only after the code was replaced again.
 * I3. The messages of probed runs take room in a process like those of its own runs.
 */
import { formatDuration } from "../../base/duration.ts";
import { messageOf } from "../../base/errors.ts";
import { probeMaxMs } from "../../base/limits.ts";
import type { NewLogRow } from "../../protocol/log.ts";
import type { FromProcess } from "../../protocol/message.ts";
import type { RunMessage } from "../../protocol/run.ts";
import type { RunEntry } from "./active_runs.ts";
import type { Assignments } from "./assignments.ts";
import type { Dispatcher } from "./dispatcher.ts";
import { enterPhase, type Phase } from "./phase.ts";
import type { RunStore, WorkflowProcess } from "./ports.ts";
import type { MessageSender, RejectionLog } from "./rejection_log.ts";
import { toRunStart } from "./run_request.ts";
import { createRunRow, type RunWriter, toReason } from "./run_writer.ts";
import { measureThread, readWhile } from "./thread_size.ts";

export type ProbedReport = Extract<FromProcess, { t: "probed" }>;

export interface CodeMovesParts {
  readonly writer: RunWriter;
  readonly assignments: Assignments;
  readonly dispatcher: Dispatcher;
  readonly rejections: RejectionLog;
  readonly store: Pick<RunStore, "readThread">;
  readonly log: (row: NewLogRow) => unknown;
}

type Probing = Extract<Phase, { tag: "probing" }>;

export class CodeMoves {
  readonly #parts: CodeMovesParts;

  constructor(parts: CodeMovesParts) {
    this.#parts = parts;
  }

  /** Asks new code, if there is any, about a run whose newest message was just stored. False: the run stays. */
  begin(entry: RunEntry, old: WorkflowProcess, message: RunMessage): boolean {
    const { assignments, dispatcher } = this.#parts, { run, queue } = entry;
    if (entry.triedCode === queue.code) return false;
    // Null: the process may not start now, or has no room for the messages. The next message asks again.
    const process = dispatcher.findRoom(entry);
    if (process === null) return false;
    entry.triedCode = queue.code;
    if (process.id === old.id) return false;
    enterPhase(entry, { tag: "probing", old, process, message });
    const late = `did not say within ${formatDuration(probeMaxMs)} whether it agrees`;
    assignments.reserve(process, entry, probeMaxMs, () => this.#stay(entry, `the new code ${late}`));
    process.probe(toRunStart(run), run.attempt + 1, measureThread(entry));
    void this.#sendThread(entry, process);
    return true;
  }

  onAnswer(sender: MessageSender, { runId, attempt, why }: ProbedReport): void {
    const { assignments, rejections, writer } = this.#parts;
    if (writer.closed) return;
    const entry = assignments.findProbed(sender.id, runId);
    if (entry?.phase.tag !== "probing" || attempt !== entry.run.attempt + 1) {
      return rejections.reject(sender, "probed", runId, "the process was not asked about the run");
    }
    if (why !== null) this.#stay(entry, why);
    else this.#agree(entry, entry.phase);
  }

  /** The process that was asked has exited. */
  onProcessEnded(entry: RunEntry, message: string): void {
    this.#stay(entry, `the process with the new code ended: ${message}`);
  }

  /** Another event decides about the run: withdraws the question. The old process still has the run. */
  cancel(entry: RunEntry, reason: string): void {
    const { phase, run } = entry;
    if (phase.tag !== "probing") return;
    phase.process.abortRun(run.runId, run.attempt + 1, reason);
    this.#parts.assignments.release(phase.process, entry);
  }

  async #sendThread(entry: RunEntry, process: WorkflowProcess): Promise<void> {
    const { assignments, store } = this.#parts, { runId, attempt } = entry.run;
    const holds = () => assignments.findProbed(process.id, runId) === entry && entry.run.attempt === attempt;
    try {
      await process.sendThread(runId, attempt + 1, readWhile(entry, store.readThread(runId), holds));
    } catch (thrown) {
      if (holds()) this.#stay(entry, `its messages cannot be read: ${messageOf(thrown)}`);
    }
  }

  /** The run stays where it is. */
  #stay(entry: RunEntry, why: string): void {
    const { phase, run } = entry;
    if (phase.tag !== "probing") return;
    const payload = { attempt: run.attempt, rounds: run.rounds, why: toReason(why) };
    if (phase.old !== null) this.#parts.log(createRunRow(run, "run.stayed", payload));
    this.#goOn(entry, phase);
  }

  /** Continues with the old code, if its process still exists. */
  #goOn(entry: RunEntry, { old, message }: Probing): void {
    const { assignments, dispatcher } = this.#parts, { run } = entry;
    if (old === null || !dispatcher.isOpen) {
      // No next role begins while the manager stops.
      const why = dispatcher.isOpen ? "its process ended" : "the daemon stopped";
      assignments.leave(entry, why);
      dispatcher.detach(entry, why);
    } else {
      this.cancel(entry, "the run stays on its old code");
      enterPhase(entry, { tag: "running", process: old });
      old.ack(run.runId, run.attempt, message);
    }
    dispatcher.dispatch(entry.queue);
  }

  #agree(entry: RunEntry, phase: Probing): void {
    const { dispatcher } = this.#parts, { queue } = entry;
    // Meanwhile an end is being written, or the code was replaced again or removed.
    const isCurrent = entry.triedCode === queue.code && queue.plan !== null;
    if (!dispatcher.isOpen || entry.endsPending > 0 || !isCurrent) return this.#goOn(entry, phase);
    void this.#move(entry, phase);
  }

  async #move(entry: RunEntry, { old, process }: Probing): Promise<void> {
    const { assignments, dispatcher, writer } = this.#parts, { run } = entry, attempt = run.attempt + 1;
    assignments.occupy(process, entry);
    enterPhase(entry, { tag: "moving", process });
    if (old !== null) {
      old.abortRun(run.runId, run.attempt, "the run has moved to new code");
      assignments.release(old, entry);
    }
    const row = createRunRow(run, "run.resumed", { rounds: run.rounds, after: "it moved to new code" });
    const written = await writer.change(entry, { status: "started", attempt }, row);
    // The run has ended meanwhile.
    if (entry.phase.tag !== "moving") return;
    const alive = entry.phase.process;
    if (written && alive !== null && dispatcher.isOpen && entry.endsPending === 0) {
      enterPhase(entry, { tag: "running", process: alive });
      alive.proceed(run.runId, attempt);
      return dispatcher.dispatch(entry.queue);
    }
    if (alive !== null) {
      alive.abortRun(run.runId, attempt, "the run does not go on here");
      assignments.release(alive, entry);
    }
    if (!written && !writer.reconcile(entry)) return;
    dispatcher.detach(entry, dispatcher.isOpen ? "its process ended" : "the daemon stopped");
    dispatcher.dispatch(entry.queue);
  }
}
