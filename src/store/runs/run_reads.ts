/** The reads of run_store.ts: the state of runs on disk, their waits, requests and messages. */
import type { BootTime } from "../../base/boot_time.ts";
import type { Moment } from "../../base/moment.ts";
import type { AgentRequestKind, ApprovalSummary, StoredApproval } from "../../protocol/approval.ts";
import type { KnownFinally, RunClosing } from "../../protocol/closing.ts";
import type { RoleBegun, RoleFailure, Run, RunMessage } from "../../protocol/run.ts";
import type {
  ChildOfRun,
  HeldRun,
  KeptEvent,
  MissingChild,
  PausedRun,
  RunPause,
  RunWait,
  StoredRunEvent,
  WaitingRun,
} from "../../protocol/run_wait.ts";
import {
  countApprovals,
  listAgentRequests,
  readApproval,
  readApprovalAt,
  readNewestOf,
} from "../approvals/approval_sql.ts";
import { type StatementCache, toStoreError } from "../sqlite/database.ts";
import { readBegun } from "./begun_sql.ts";
import {
  hasOpenChildren,
  isAwaitingChildren,
  listChildren,
  listMissingChildren,
  listOpenParents,
  listUnfinishedChildren,
} from "./child_sql.ts";
import { isToBeClosed, listClosings, readFinally } from "./closing_sql.ts";
import { listDeliverable, readEvent, readKeptEvent } from "./event_sql.ts";
import { listHeld, listPaused, readPause } from "./pause_sql.ts";
import { listPlanned, readPlanned } from "./planned_sql.ts";
import { listReports, readReport } from "./report_sql.ts";
import {
  countMessages,
  readAccepted,
  readFork,
  readLastFailure,
  readLastMessage,
  readNewestRow,
  readRun,
  readThread,
  readThreadBytes,
  runColumns,
  toRun,
} from "./run_sql.ts";
import { countWaiting, listDueWaits, type NextDue, readNextDue, readWait } from "./wait_sql.ts";

export abstract class RunReads {
  protected readonly statements: StatementCache;

  constructor(statements: StatementCache) {
    this.statements = statements;
  }

  /** The runs that have a report, in order of their ids, after `after`; at most `limit`. */
  listReports(after: string, limit: number): string[] {
    return this.readNow(() => listReports(this.statements, after, limit));
  }

  /** The report of a run; null when its row is no longer in the log. */
  readReport(runId: string): RunClosing | null {
    return this.readNow(() => readReport(this.statements, runId));
  }

  /** How many of the first `rounds` messages of a run are in the log; the others are in its archive. */
  countMessages(runId: string, rounds: number): number {
    return this.readNow(() => countMessages(this.statements, runId, rounds));
  }

  /** When queued runs may start, by run id. */
  listPlanned(): ReadonlyMap<string, Moment> {
    return listPlanned(this.statements);
  }

  readPlanned(runId: string): Moment | null {
    return this.readNow(() => readPlanned(this.statements, runId));
  }

  /** The role that runs once, has begun, and has no message yet. */
  readBegun(runId: string): RoleBegun | null {
    return this.readNow(() => readBegun(this.statements, runId));
  }

  readPause(runId: string): RunPause | null {
    return this.readNow(() => readPause(this.statements, runId));
  }

  /** Every paused run. */
  listPaused(): PausedRun[] {
    return listPaused(this.statements);
  }

  /** Runs that are paused because their code contradicts their messages. */
  listHeld(): HeldRun[] {
    return this.readNow(() => listHeld(this.statements));
  }

  /** What a run waits for; null when it does not wait. */
  readWait(runId: string): RunWait | null {
    return this.readNow(() => readWait(this.statements, runId));
  }

  /** Whether any run that this one waits for in that round has not ended. */
  isAwaitingChildren(runId: string, round: number): boolean {
    return this.readNow(() => isAwaitingChildren(this.statements, runId, round));
  }

  /** The children that have yet to be started, in order. */
  listMissingChildren(runId: string, round: number): MissingChild[] {
    return this.readNow(() => listMissingChildren(this.statements, runId, round));
  }

  listUnfinishedChildren(runId: string): string[] {
    return this.readNow(() => listUnfinishedChildren(this.statements, runId));
  }

  listChildren(runId: string, round: number | null = null): ChildOfRun[] {
    return this.readNow(() => listChildren(this.statements, runId, round));
  }

  hasOpenChildren(runId: string): boolean {
    return this.readNow(() => hasOpenChildren(this.statements, runId));
  }

  /** Runs with children that are not closed, by id, after `after`; at most `limit`. */
  listOpenParents(after: string, limit: number): string[] {
    return this.readNow(() => listOpenParents(this.statements, after, limit));
  }

  /** The row with which the run began to wait; null when it is not in the log. */
  readWaitRow(runId: string): number | null {
    return this.readNow(() => readNewestRow(this.statements, runId, "run.waiting"));
  }

  /** Whether a workflow has a `finally`; null: unknown. */
  readFinally(workflow: string): KnownFinally | null {
    return this.readNow(() => readFinally(this.statements, workflow));
  }

  /** Whether the run has ended and must be closed, if its workflow has a `finally` at all. */
  isToBeClosed(runId: string): boolean {
    return this.readNow(() => isToBeClosed(this.statements, runId));
  }

  /** The runs of a workflow that have ended and are still to be closed, in the order of their ends; at most `limit`. */
  listClosings(workflow: string, limit: number): Run[] {
    return this.readNow(() => listClosings(this.statements, workflow, limit));
  }

  /** The newest message of a run; null when it has none. */
  readLastMessage(runId: string): RunMessage | null {
    return this.readNow(() => readLastMessage(this.statements, runId));
  }

  readEvent(runId: string, key: string): StoredRunEvent | null {
    return this.readNow(() => readEvent(this.statements, runId, key));
  }

  /** The oldest event of that name that no wait has taken. */
  readKeptEvent(runId: string, name: string): KeptEvent | null {
    return this.readNow(() => readKeptEvent(this.statements, runId, name));
  }

  /** Runs that wait for an event that they keep; at most `limit`. */
  listDeliverable(limit: number): string[] {
    return this.readNow(() => listDeliverable(this.statements, limit));
  }

  /** Like `get`, throws NerveError STORE_FAILED. */
  readApproval(id: string): StoredApproval | null {
    return this.readNow(() => readApproval(this.statements, id));
  }

  /** The request of a run in a round; null when the run asked nothing there. */
  readApprovalAt(runId: string, round: number): StoredApproval | null {
    return this.readNow(() => readApprovalAt(this.statements, runId, round));
  }

  /** The newest request about a run's agents of that kind; null when there is none. */
  readNewestOf(runId: string, kind: AgentRequestKind): StoredApproval | null {
    return this.readNow(() => readNewestOf(this.statements, runId, kind));
  }

  /** The open requests about agents, of all runs. */
  listAgentRequests(): ApprovalSummary[] {
    return this.readNow(() => listAgentRequests(this.statements));
  }

  /** How many requests a gate of a run has made. */
  countApprovals(runId: string, gate: string): number {
    return this.readNow(() => countApprovals(this.statements, runId, gate));
  }

  /** When the next waits are due. */
  readNextDue(boot: BootTime | null): NextDue {
    return readNextDue(this.statements, boot);
  }

  /** Waits whose time is over, in the order in which they were due; at most `limit`. */
  listDueWaits(now: number, boot: BootTime | null, limit: number): WaitingRun[] {
    return listDueWaits(this.statements, now, boot, limit);
  }

  /** How many runs of each workflow wait. */
  countWaiting(): Map<string, number> {
    return countWaiting(this.statements);
  }

  /** Runs of a workflow that wait, oldest first; at most `limit`. */
  listWaiting(workflow: string, limit: number): Run[] {
    const sql =
      `select ${runColumns} from workflow_runs where workflow = ? and status = 'waiting' order by seq limit ?`;
    return this.statements.arrays(sql).all(workflow, limit).map(toRun);
  }

  /** The newest failed attempt of a role of this run, whatever its round. */
  readLastFailure(runId: string): RoleFailure | null {
    return readLastFailure(this.statements, runId);
  }

  readFork(runId: string): { runId: string; rounds: number } | null {
    return readFork(this.statements, runId);
  }

  readAccepted(runId: string): number {
    return readAccepted(this.statements, runId);
  }

  /** Throws NerveError STORE_FAILED when it reads a damaged part of the file. */
  get(runId: string): Run | null {
    return this.readNow(() => readRun(this.statements, runId));
  }

  /** All messages of a run, oldest first, read in small parts on demand. */
  readThread(runId: string): Iterable<RunMessage> {
    return readThread(this.statements, runId);
  }

  /** The bytes that the messages of a run take in the log. */
  readThreadBytes(runId: string): number {
    return readThreadBytes(this.statements, runId);
  }

  /** Runs that are `queued` or `started`, in order of creation. */
  listUnfinished(): Run[] {
    const sql = `select ${runColumns} from workflow_runs where status in ('queued', 'started') order by seq`;
    return this.statements.arrays(sql).all().map(toRun);
  }

  protected readNow<T>(read: () => T): T {
    try {
      return read();
    } catch (thrown) {
      throw toStoreError("the log cannot be read", thrown);
    }
  }
}
