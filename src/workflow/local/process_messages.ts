/**
 * What processes say of their runs. Called by manager.ts; everything that arrives here is hostile until checked.
 * I1. A message is durable before it is acked, and the ack carries it as it was stored.
 * I2. Only the process that holds a run, in the run's present attempt, may speak of it, and only while the run is
 *     running (but see I4). All else is refused and logged, and changes nothing.
 * I3. Rounds come one after another without a gap, and none beyond `maxRounds`.
 * I4. The end of a run may come while its last message is on its way to the disk: it is written behind it, or not at all.
 */
import { unreachable } from "../../base/errors.ts";
import { messageContentMaxBytes, messageMetaMaxBytes, roleNameMaxChars } from "../../base/limits.ts";
import type { Clock } from "../../base/time.ts";
import { byteLength, isPlainObject, toJsonText } from "../../protocol/json.ts";
import type { FromProcess } from "../../protocol/message.ts";
import type { Run, RunMessage } from "../../protocol/run.ts";
import { formatPlace } from "../../protocol/signal.ts";
import type { ActiveRuns, RunEntry } from "./active_runs.ts";
import type { Assignments } from "./assignments.ts";
import type { Dispatcher } from "./dispatcher.ts";
import { enterPhase } from "./phase.ts";
import type { WorkflowProcess } from "./ports.ts";
import type { RejectionLog, Speaker } from "./rejection_log.ts";
import type { Retries, SaidBegun, SaidFailed } from "./retries.ts";
import { currentRound } from "./role_failure.ts";
import { type Ending, ending, type RunWriter } from "./run_writer.ts";

export type SaidMessage = Extract<FromProcess, { t: "message" }>;
export type SaidFinished = Extract<FromProcess, { t: "finished" }>;

/** Everything that a process may say of a run. */
export type Said = SaidMessage | SaidFinished | SaidBegun | SaidFailed;

export interface ProcessMessageParts {
  readonly runs: ActiveRuns;
  readonly writer: RunWriter;
  readonly assignments: Assignments;
  readonly dispatcher: Dispatcher;
  readonly rejections: RejectionLog;
  readonly retries: Retries;
  readonly clock: Clock;
}

/** A run that its process may speak of. */
interface Spoken {
  readonly entry: RunEntry;
  readonly process: WorkflowProcess;
}

export class ProcessMessages {
  readonly #parts: ProcessMessageParts;

  constructor(parts: ProcessMessageParts) {
    this.#parts = parts;
  }

  hear(from: Speaker, said: Said): void {
    const spoken = this.#check(from, said);
    if (spoken === null) return;
    const { entry, process } = spoken;
    const { rejections, retries, assignments } = this.#parts;
    const round = currentRound(entry.run);
    if (said.t !== "finished" && said.round !== round) {
      return rejections.reject(from, said.t, said.runId, `round ${said.round} out of sequence: ${round} is next`);
    }
    assignments.clearDeadline(process, entry);
    switch (said.t) {
      case "message":
        return this.#message(spoken, said);
      case "finished":
        return this.#finished(spoken, said);
      case "role_begun":
        return retries.begun(entry, process, said);
      case "attempt_failed":
        return retries.failed(entry, process, said);
      default:
        return unreachable(said);
    }
  }

  #message({ entry, process }: Spoken, said: SaidMessage): void {
    const round = currentRound(entry.run);
    const fault = faultOf(said, entry.run);
    if (fault !== null) {
      process.abortRun(entry.run.runId, entry.run.attempt, fault.reason);
      return void this.#end(entry, process, fault.how, fault.reason);
    }
    const { role, content, meta } = said;
    void this.#store(entry, process, { round, role, content, meta, ts: this.#parts.clock.now() });
  }

  #finished({ entry, process }: Spoken, said: SaidFinished): void {
    const { outcome } = said;
    switch (outcome.kind) {
      case "completed":
        return void this.#end(entry, process, "completed", null);
      case "failed": {
        const place = outcome.place;
        return void this.#end(entry, process, "failed", `${outcome.message}${formatPlace(place)}`);
      }
      case "max_rounds": {
        const reason = `maxRounds ${entry.run.maxRounds} reached; the next role would have been ${outcome.next}`;
        return void this.#end(entry, process, "maxRounds", reason);
      }
    }
  }

  /** The run, if this process may speak of it now; else the refusal is logged. */
  #check(from: Speaker, said: Said): Spoken | null {
    const { assignments, rejections, writer, dispatcher } = this.#parts;
    // The manager has stopped: the log may be closed, and the run goes on from the disk at the next start.
    if (writer.closed) return null;
    const entry = assignments.held(from.id, said.runId);
    const refuse = (why: string) => {
      rejections.reject(from, said.t, said.runId, why);
      return null;
    };
    // While the manager stops a run is put back once its message is stored; that it has ended may be on its way by then.
    if (entry === null && said.t === "finished" && !dispatcher.isOpen) return null;
    if (entry === null) return refuse("the process does not hold this run");
    const { run, phase } = entry;
    if (run.attempt !== said.attempt) return refuse(`attempt ${said.attempt}: the run is in attempt ${run.attempt}`);
    if (phase.tag === "running") return { entry, process: phase.process };
    if (phase.tag === "writing" && phase.process !== null && said.t === "finished") {
      return { entry, process: phase.process };
    }
    if (phase.tag !== "aborting") return refuse(`the run is ${phase.tag}, not running`);
    // The kill and the word that the next role begins have crossed.
    if (said.t === "role_begun") return null;
    // Whatever else it says, its role has come to rest. An error is what an abort is expected to give.
    assignments.release(phase.process, entry);
    dispatcher.pump(entry.queue);
    const aborted = said.t === "attempt_failed" || (said.t === "finished" && said.outcome.kind === "failed");
    return aborted ? null : refuse(`the run has ended: ${run.status}`);
  }

  async #store(entry: RunEntry, process: WorkflowProcess, message: RunMessage): Promise<void> {
    const { writer, dispatcher } = this.#parts;
    const suspect = entry.deaths !== null;
    const stored = writer.append(entry, message);
    enterPhase(entry, { tag: "writing", process, round: message.round, stored });
    const written = await stored;
    // It has ended meanwhile, or the stop has put it back.
    if (entry.phase.tag !== "writing") return;
    if (written) entry.deaths = null;
    const alive = entry.phase.process;
    if (alive === null) {
      dispatcher.putBack(entry, "its process ended");
    } else if (!written) {
      alive.abortRun(entry.run.runId, entry.run.attempt, "its message was not stored");
      this.#putBack(entry, alive, "its message was not stored");
    } else if (!dispatcher.isOpen) {
      // No next role begins while the manager stops: the run goes on from this message at the next start.
      this.#putBack(entry, alive, "the daemon stopped");
    } else {
      enterPhase(entry, { tag: "running", process: alive });
      alive.ack(entry.run.runId, entry.run.attempt, message);
      if (!suspect) return;
    }
    dispatcher.pump(entry.queue);
  }

  /** Writes the end that its process brought about. The process has nothing to do with the run any more. */
  async #end(entry: RunEntry, process: WorkflowProcess, how: Ending, reason: string | null): Promise<void> {
    const { writer, assignments, dispatcher, clock, runs } = this.#parts;
    const { phase, run } = entry, last = phase.tag === "writing" ? phase : null, rounds = last?.round ?? run.rounds;
    enterPhase(entry, { tag: "ending" });
    // A stop waits for the runs that a process holds, and so for this message.
    if (last === null) assignments.release(process, entry);
    else void last.stored.then(() => assignments.release(process, entry));
    const end = ending({ ...run, rounds }, how, reason, clock.now());
    // With its last message in one commit. Where the store fails that, the message is told of and tried again by itself.
    const together = last !== null && await writer.changeOnce(entry, ...end, rounds).catch(() => false);
    const written = together || (last === null || await last.stored) && await writer.change(entry, ...end);
    if (written || !runs.has(entry) || !writer.reconcile(entry)) return;
    dispatcher.putBack(entry, "its end was not stored");
    dispatcher.pump(entry.queue);
  }

  #putBack(entry: RunEntry, process: WorkflowProcess, lostTo: string): void {
    this.#parts.dispatcher.putBack(entry, lostTo);
    this.#parts.assignments.release(process, entry);
  }
}

/** Why a message cannot be stored and what that makes of the run; null when nothing is wrong with it. */
function faultOf(said: SaidMessage, run: Run): { how: Ending; reason: string } | null {
  if (said.round > run.maxRounds) return { how: "maxRounds", reason: `maxRounds ${run.maxRounds} reached` };
  const failed = (what: string) => ({ how: "failed", reason: `round ${said.round}: ${what}` }) as const;
  const { role, content, meta } = said;
  if (typeof role !== "string" || role.length === 0) return failed("the role has no name");
  if (role.length > roleNameMaxChars) return failed(`the role's name is longer than ${roleNameMaxChars} characters`);
  if (typeof content !== "string") return failed("content is not a string");
  if (content.length > messageContentMaxBytes || byteLength(content) > messageContentMaxBytes) {
    return failed(`content is larger than ${messageContentMaxBytes} bytes`);
  }
  if (!isPlainObject(meta)) return failed("meta is not an object");
  const text = toJsonText(meta, messageMetaMaxBytes);
  return text.ok ? null : failed(`meta ${text.error}`);
}
