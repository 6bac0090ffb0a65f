/**
 * Handles messages from workflow processes. Called by manager.ts. Everything that arrives here is untrusted.
 * I1. A message is durable before it is acknowledged, and the acknowledgement carries it as stored.
 * I2. Only the process that a run is assigned to, in the run's current attempt, may report on it, and only while the
 *     run is running (but see I4). Everything else is rejected and logged, and changes nothing.
 * I3. Rounds follow each other without a gap, and none exceeds `maxRounds`.
 * I4. The end of a run may arrive while its last message is being written. It is written after that message or not at
 *     all.
 */
import { formatSize } from "../../base/duration.ts";
import { unreachable } from "../../base/errors.ts";
import { messageContentMaxBytes, messageMetaMaxBytes, roleNameMaxChars, threadWarnedAt } from "../../base/limits.ts";
import { isStorableText } from "../../base/storable_text.ts";
import type { Clock } from "../../base/time.ts";
import { byteLength, isPlainObject, toJsonText } from "../../protocol/json.ts";
import type { NewLogRow } from "../../protocol/log.ts";
import type { FromProcess } from "../../protocol/message.ts";
import type { Run, RunMessage } from "../../protocol/run.ts";
import { formatPlace } from "../../protocol/signal_text.ts";
import type { ActiveRuns, RunEntry } from "./active_runs.ts";
import type { Assignments } from "./assignments.ts";
import type { Dispatcher } from "./dispatcher.ts";
import { createEnding, type Ending } from "./endings.ts";
import { findChildrenFault } from "./child_texts.ts";
import type { MayBeginReport, OnceRoles } from "./once_roles.ts";
import { enterPhase } from "./phase.ts";
import type { NondeterminismPauses } from "./nondeterminism.ts";
import type { WorkflowProcess } from "./ports.ts";
import type { CodeMoves, ProbedReport } from "./code_moves.ts";
import type { MessageSender, RejectionLog } from "./rejection_log.ts";
import type { AttemptFailedReport, Retries, RoleBegunReport } from "./retries.ts";
import { begunOf, currentRoundOf } from "./role_failure.ts";
import { createRunRow, type RunWriter } from "./run_writer.ts";
import { measureMessage } from "./thread_size.ts";
import type { WaitReport, Waits } from "./waits.ts";

export type RunMessageReport = Extract<FromProcess, { t: "message" }>;
export type RunFinishedReport = Extract<FromProcess, { t: "finished" }>;

/** Everything that a process may report on a run. */
export type ProcessMessage =
  | RunMessageReport
  | RunFinishedReport
  | MayBeginReport
  | RoleBegunReport
  | AttemptFailedReport
  | WaitReport
  | ProbedReport;

export interface ProcessMessageParts {
  readonly runs: ActiveRuns;
  readonly writer: RunWriter;
  readonly assignments: Assignments;
  readonly dispatcher: Dispatcher;
  readonly rejections: RejectionLog;
  readonly retries: Retries;
  readonly probes: CodeMoves;
  readonly holds: NondeterminismPauses;
  readonly waits: Waits;
  readonly effects: OnceRoles;
  readonly clock: Clock;
  readonly log: (row: NewLogRow) => unknown;
}

type RunReport = Exclude<ProcessMessage, ProbedReport>;

/** A run, and the process that may report on it. */
interface AcceptedReport {
  readonly entry: RunEntry;
  readonly process: WorkflowProcess;
}

export class ProcessMessages {
  readonly #parts: ProcessMessageParts;

  constructor(parts: ProcessMessageParts) {
    this.#parts = parts;
  }

  handle(sender: MessageSender, report: ProcessMessage): void {
    if (report.t === "probed") return this.#parts.probes.onAnswer(sender, report);
    const accepted = this.#authorize(sender, report);
    if (accepted === null) return;
    const { entry, process } = accepted;
    const { rejections, retries, assignments } = this.#parts;
    const round = currentRoundOf(entry.run);
    if (report.t !== "finished" && report.round !== round) {
      return rejections.reject(
        sender,
        report.t,
        report.runId,
        `round ${report.round} is out of sequence: ${round} is next`,
      );
    }
    assignments.clearDeadline(process, entry);
    switch (report.t) {
      case "message":
        return this.#onRunMessage(accepted, report);
      case "finished":
        return this.#onFinished(accepted, report);
      case "wait":
        return this.#onWait(accepted, report);
      case "may_begin":
        if (begunOf(entry) !== null) {
          return rejections.reject(sender, report.t, report.runId, "a role of this round has begun");
        }
        return this.#onMayBegin(accepted, report);
      case "role_begun":
        return retries.onRoleBegun(entry, process, report);
      case "attempt_failed":
        return retries.onAttemptFailed(entry, process, report);
      default:
        return unreachable(report);
    }
  }

  #onRunMessage({ entry, process }: AcceptedReport, report: RunMessageReport): void {
    const round = currentRoundOf(entry.run);
    const fault = findFault(report, entry.run) ?? this.#addToThread(entry, report);
    if (fault !== null) return this.#onFault({ entry, process }, fault);
    const { role, content, meta } = report;
    const message = { round, role, content: content.toWellFormed(), meta, ts: this.#parts.clock.now() };
    void this.#storeMessage(entry, process, message);
  }

  #onWait({ entry, process }: AcceptedReport, report: WaitReport): void {
    const why = findChildrenFault(entry.run, report.role, report.wait);
    const fault = findRoundFault(report, entry.run) ?? (why === null ? null : toFault(report, why));
    if (fault !== null) return this.#onFault({ entry, process }, fault);
    void this.#parts.waits.begin(entry, process, report);
  }

  #onMayBegin({ entry, process }: AcceptedReport, report: MayBeginReport): void {
    const fault = findRoundFault(report, entry.run);
    if (fault !== null) return this.#onFault({ entry, process }, fault);
    void this.#parts.effects.begin(entry, process, report.role);
  }

  #onFault({ entry, process }: AcceptedReport, fault: Fault): void {
    process.abortRun(entry.run.runId, entry.run.attempt, fault.reason);
    void this.#endRun(entry, process, fault.how, fault.reason);
  }

  /** Counts a message that has no other fault. Warns once when most of the room is taken. */
  #addToThread(entry: RunEntry, report: RunMessageReport): Fault | null {
    const { plan } = entry.queue;
    if (plan === null) return null;
    const before = entry.threadBytes, after = before + measureMessage(report), limit = plan.maxThreadBytes;
    if (after > limit) {
      return toFault(report, `the run's messages would take more than max_thread, ${formatSize(limit)}`);
    }
    entry.threadBytes = after;
    const most = limit * threadWarnedAt;
    if (before < most && after >= most) {
      const message = `its messages take ${formatSize(after)} of at most ${formatSize(limit)} (max_thread)`;
      this.#parts.log(createRunRow(entry.run, "run.log", { level: "warn", message, data: null }));
    }
    return null;
  }

  #onFinished({ entry, process }: AcceptedReport, report: RunFinishedReport): void {
    const { outcome } = report;
    // The run ended while the question whether it may move was in flight.
    this.#parts.probes.cancel(entry, "the run has ended");
    switch (outcome.kind) {
      case "completed":
        return void this.#endRun(entry, process, "completed", null);
      case "failed": {
        const place = outcome.place;
        return void this.#endRun(entry, process, "failed", `${outcome.message}${formatPlace(place)}`);
      }
      case "stopped":
        return void this.#endRun(entry, process, outcome.status, outcome.reason);
      case "max_rounds": {
        const reason = `maxRounds ${entry.run.maxRounds} reached; the next role would have been ${outcome.next}`;
        return void this.#endRun(entry, process, "maxRounds", reason);
      }
      case "contradicted": {
        const why = `${outcome.message}${formatPlace(outcome.place)}`;
        if (entry.phase.tag === "running") return void this.#parts.holds.hold(entry, process, why);
        return void this.#endRun(entry, process, "failed", why);
      }
    }
  }

  /** The run, if this process may report on it now. Otherwise logs the rejection and returns null. */
  #authorize(sender: MessageSender, report: RunReport): AcceptedReport | null {
    const { assignments, rejections, writer, dispatcher } = this.#parts;
    // The manager has stopped: the log may be closed, and the run continues from its stored state at the next start.
    if (writer.closed) return null;
    const entry = assignments.findAssigned(sender.id, report.runId);
    const reject = (why: string) => {
      rejections.reject(sender, report.t, report.runId, why);
      return null;
    };
    // While the manager stops, a run is detached once its message is stored; its `finished` may arrive after that.
    if (entry === null && report.t === "finished" && !dispatcher.isOpen) return null;
    if (entry === null) return reject("the run is not assigned to this process");
    const { run, phase } = entry;
    if (run.attempt !== report.attempt) {
      return reject(`attempt ${report.attempt}: the run is in attempt ${run.attempt}`);
    }
    if (phase.tag === "running") return { entry, process: phase.process };
    const waits = phase.tag === "writing" ? phase.process : phase.tag === "probing" ? phase.old : null;
    if (waits?.id === sender.id && report.t === "finished") return { entry, process: waits };
    if (phase.tag !== "aborting") return reject(`the run is ${phase.tag}, not running`);
    // The kill and the start of the next role crossed.
    if (report.t === "role_begun" || report.t === "may_begin") return null;
    // Any other message means that its role has settled. An abort is expected to cause an error.
    assignments.release(phase.process, entry);
    dispatcher.dispatch(entry.queue);
    const aborted = report.t === "attempt_failed" ||
      (report.t === "finished" && ["failed", "contradicted"].includes(report.outcome.kind));
    return aborted ? null : reject(`the run has ended${run.endedAt === null ? "" : `: ${run.status}`}`);
  }

  async #storeMessage(entry: RunEntry, process: WorkflowProcess, message: RunMessage): Promise<void> {
    const { writer, dispatcher, probes } = this.#parts;
    const suspect = entry.deaths !== null;
    const stored = writer.append(entry, message);
    enterPhase(entry, { tag: "writing", process, round: message.round, stored });
    const written = await stored;
    // It has ended meanwhile, or the stop has detached it.
    if (entry.phase.tag !== "writing") return;
    if (written) entry.deaths = null;
    const alive = entry.phase.process;
    if (alive === null) {
      dispatcher.detach(entry, "its process ended");
    } else if (!written) {
      alive.abortRun(entry.run.runId, entry.run.attempt, "its message could not be stored");
      this.#detach(entry, alive, "its message could not be stored");
    } else if (!dispatcher.isOpen) {
      // No next role begins while the manager stops: the run continues from this message at the next start.
      this.#detach(entry, alive, "the daemon stopped");
    } else {
      if (probes.begin(entry, alive, message)) return;
      enterPhase(entry, { tag: "running", process: alive });
      alive.ack(entry.run.runId, entry.run.attempt, message);
      if (!suspect) return;
    }
    dispatcher.dispatch(entry.queue);
  }

  /** Writes an end that its process reported, and takes the run off the process. */
  async #endRun(entry: RunEntry, process: WorkflowProcess, how: Ending, reason: string | null): Promise<void> {
    const { writer, assignments, dispatcher, clock, runs } = this.#parts;
    const { phase, run } = entry, last = phase.tag === "writing" ? phase : null, rounds = last?.round ?? run.rounds;
    enterPhase(entry, { tag: "ending" });
    // A stop waits for the runs that a process holds, and so for this message.
    if (last === null) assignments.release(process, entry);
    else void last.stored.then(() => assignments.release(process, entry));
    const end = createEnding({ ...run, rounds }, how, reason, clock.now());
    // In one commit with its last message. If the store rejects that, `append` reports and retries the message alone.
    const together = last !== null && await writer.tryChange(entry, ...end, rounds).catch(() => false);
    const written = together || (last === null || await last.stored) && await writer.change(entry, ...end);
    if (written || !runs.has(entry) || !writer.reconcile(entry)) return;
    dispatcher.detach(entry, "its end could not be stored");
    dispatcher.dispatch(entry.queue);
  }

  #detach(entry: RunEntry, process: WorkflowProcess, reason: string): void {
    this.#parts.dispatcher.detach(entry, reason);
    this.#parts.assignments.release(process, entry);
  }
}

type RoundReport = Pick<RunMessageReport, "round" | "role">;

/** How a message that cannot be stored ends its run, and why. */
interface Fault {
  readonly how: Ending;
  readonly reason: string;
}

function toFault({ round }: RoundReport, what: string): Fault {
  return { how: "failed", reason: `round ${round}: ${what}` };
}

/** Why the run cannot have such a round; null when it can. */
function findRoundFault(report: RoundReport, run: Run): Fault | null {
  if (report.round > run.maxRounds) return { how: "maxRounds", reason: `maxRounds ${run.maxRounds} reached` };
  const { role } = report;
  if (role === "" || !isStorableText(role)) return toFault(report, "the role has no name that can be stored");
  if (role.length <= roleNameMaxChars) return null;
  return toFault(report, `the role's name is longer than ${roleNameMaxChars} characters`);
}

/** Why a message cannot be stored, and how that ends the run; null when the message is valid. */
function findFault(report: RunMessageReport, run: Run): Fault | null {
  const fault = findRoundFault(report, run);
  if (fault !== null) return fault;
  const failed = (what: string) => toFault(report, what), { content, meta } = report;
  if (typeof content !== "string") return failed("content is not a string");
  if (content.length > messageContentMaxBytes || byteLength(content) > messageContentMaxBytes) {
    return failed(`content is larger than ${messageContentMaxBytes} bytes`);
  }
  if (!isPlainObject(meta)) return failed("meta is not an object");
  const text = toJsonText(meta, messageMetaMaxBytes);
  return text.ok ? null : failed(`meta ${text.error}`);
}
