/**
 * Runs on disk: their current state in `workflow_runs`, their history and messages in the log. Implements the port
 * RunStore of workflow/local/ports.ts structurally.
 * I1. A change of a run and its log row are one operation of the writer: both are on disk or neither is.
 * I2. The guard is part of the WHERE clause. When it does not hold, nothing changes and no log row is written.
 * I3. Reads see every change whose promise has resolved, but not changes that are still off the thread
 *     (group_commit.ts).
 */
import { assert } from "../../base/errors.ts";
import type { Moment } from "../../base/moment.ts";
import type { ApprovalDecision, NewApproval } from "../../protocol/approval.ts";
import type { KnownFinally, RunClosing } from "../../protocol/closing.ts";
import type { LogType, NewLogRow } from "../../protocol/log.ts";
import type { RoleBegun, RoleFailure, Run, RunChange, RunMessage, RunRef } from "../../protocol/run.ts";
import type { MissingChild, NewChild, NewRunEvent, RunPause, RunWait, Settlement } from "../../protocol/run_wait.ts";
import {
  decideAlone,
  decideApproval,
  insertAlone,
  insertApproval,
  valuesOfOpen,
  whereOpen,
} from "../approvals/approval_sql.ts";
import type { GroupCommit } from "../commit/group_commit.ts";
import type { LogStore } from "../log/log_store.ts";
import type { StatementCache } from "../sqlite/database.ts";
import { insertBegun } from "./begun_sql.ts";
import { closeChildren, closeEndedChildren, insertChild, refuseChild } from "./child_sql.ts";
import { deleteClosing, readEndRow, writeFinally } from "./closing_sql.ts";
import { insertEvent, takeEvent } from "./event_sql.ts";
import { insertPause, unpauseRun } from "./pause_sql.ts";
import { deletePlanned, insertPlanned } from "./planned_sql.ts";
import { insertReport } from "./report_sql.ts";
import { buildChangeRow, buildFirstRow, runStateTypes } from "./run_log_rows.ts";
import { RunReads } from "./run_reads.ts";
import {
  copyMessages,
  countMessage,
  deleteQueued,
  insertAtRound,
  insertRun,
  type RunGuard,
  updateRun,
} from "./run_sql.ts";
import { insertWait, settleWait } from "./wait_sql.ts";

export class SqliteRunStore extends RunReads {
  readonly #writer: GroupCommit;
  readonly #log: LogStore;

  constructor(statements: StatementCache, writer: GroupCommit, log: LogStore) {
    super(statements);
    this.#writer = writer;
    this.#log = log;
  }

  /**
   * Inserts the run with its first log row, which gets every field of the run, and copies of the first messages of
   * another run. False, without a row, if the id exists.
   */
  create(
    run: Run,
    row: NewLogRow,
    from: { readonly runId: string; readonly rounds: number } | null = null,
    starts: Moment | null = null,
  ): Promise<boolean> {
    const first = buildFirstRow(row, run);
    checkRow(first, run.runId);
    const steps = [insertRun(run), this.#log.toStep(first)];
    if (from !== null) steps.push(copyMessages(run, from, this.#log.takeIds(from.rounds)));
    if (starts !== null) steps.push(insertPlanned(run.runId, starts));
    return this.#writer.run(steps);
  }

  /** Replaces a run that never began with another of the same id. False, without a row, if it has begun. */
  replaceQueued(run: Run, row: NewLogRow, starts: Moment | null): Promise<boolean> {
    const first = buildFirstRow(row, run), { runId } = run;
    checkRow(first, runId);
    const steps = [deleteQueued(runId), deletePlanned(runId), insertRun(run), this.#log.toStep(first)];
    return this.#writer.run(starts === null ? steps : [...steps, insertPlanned(runId, starts)]);
  }

  /**
   * Changes a run if the guard holds; the log row gets the changed fields. False, without a row, if it does not hold.
   */
  transition(runId: string, guard: RunGuard, change: RunChange, row: NewLogRow): Promise<boolean> {
    const changed = buildChangeRow(row, change);
    checkRow(changed, runId);
    return this.#writer.run([updateRun(runId, guard, change), this.#log.toStep(changed)]);
  }

  /** Stores the next message of a started run. Its row has the message's time. */
  appendMessage(run: RunRef, { round, role, content, meta, ts }: RunMessage): Promise<boolean> {
    const { runId, attempt } = run;
    const row = this.#log.toStep({ ...toRow(run, "run.message"), payload: { round, role, content, meta } }, ts);
    return this.#writer.run([countMessage(runId, attempt, round), row]);
  }

  /** Writes the row of a failed attempt in the current round. False, without a row, if the run is not in that round. */
  appendRoleFailure(run: RunRef, failure: RoleFailure): Promise<boolean> {
    const { runId, attempt } = run;
    const row = this.#log.toStep({ ...toRow(run, "run.attempt_failed"), payload: { attempt, ...failure } });
    return this.#writer.run([insertAtRound(row, runId, attempt, failure.round)]);
  }

  /** Records that a role that runs once begins. False, without a row, if the run has moved on, or one has begun. */
  beginRole(run: RunRef, begun: RoleBegun): Promise<boolean> {
    const row = this.#log.toStep({ ...toRow(run, "run.role_begun"), payload: begun });
    return this.#writer.run([insertBegun(run.runId, begun), row]);
  }

  /**
   * Records a person's decision about a role with an unknown end: the role runs again, or the run has failed. False,
   * without a row, if the run does not wait for that in this attempt, or if the request cannot be decided.
   */
  decideRecovery(run: RunRef, change: RunChange, row: NewLogRow, decision: ApprovalDecision): Promise<boolean> {
    const changed = buildChangeRow(row, change),
      update = updateRun(run.runId, { from: ["waiting"], fence: run.attempt }, change);
    checkRow(changed, run.runId);
    const move = { sql: update.sql + whereOpen, values: [...update.values, ...valuesOfOpen(decision)] };
    // In this order: a step takes the id of its row when it is made.
    const moved = this.#log.toStep(changed);
    const decided = this.#log.toStep({ ...toRow(run, "approval.decided"), payload: { decision } });
    return this.#writer.run([move, moved, decideApproval(decision), decided]);
  }

  /** Makes a started run wait, with `request` or `children` if given. False, without a row, if it has moved on. */
  beginWait(
    run: RunRef,
    wait: RunWait,
    reason: string,
    request: NewApproval | null = null,
    children: readonly NewChild[] = [],
  ): Promise<boolean> {
    const { runId, attempt } = run, change = { status: "waiting", reason } as const;
    const guard = { from: ["started"], fence: attempt, rounds: wait.round - 1 } as const;
    const payload = { attempt, wait, ...children.length === 0 ? {} : { children: [...children] } };
    const row = buildChangeRow({ ...toRow(run, "run.waiting"), payload }, change);
    const steps = [updateRun(runId, guard, change), this.#log.toStep(row), insertWait(runId, wait)];
    for (const [index, child] of children.entries()) steps.push(insertChild(runId, wait.round, index + 1, child));
    if (request !== null) {
      const asked = this.#log.toStep({ ...toRow(run, "approval.requested"), payload: { request } });
      steps.push(insertApproval(run, request), asked);
    }
    return this.#writer.run(steps);
  }

  /**
   * Settles the wait of a run with a message; the run continues in its next attempt. False, without a row, if it does
   * not wait, or if the decision cannot be made, the event is taken or a child has not ended.
   */
  settleWait(run: RunRef, message: RunMessage, by: Settlement = {}): Promise<boolean> {
    const { runId } = run, { round, role, content, meta, ts } = message, { decision, event } = by;
    const payload = { round, role, content, meta, ...event === undefined ? {} : { took: event } };
    const row = this.#log.toStep({ ...toRow(run, "run.message"), payload }, ts);
    const steps = [settleWait(runId, round, by), row];
    if (decision !== undefined) {
      const decided = this.#log.toStep({ ...toRow(run, "approval.decided"), payload: { decision } });
      steps.push(decideApproval(decision), decided);
    }
    if (event !== undefined) steps.push(takeEvent(runId, event, round));
    if (by.children === true) steps.push(closeChildren(runId));
    return this.#writer.run(steps);
  }

  /** Pauses a run whose status is `pause.from`. False, without a row, if it is another. */
  pause(run: RunRef, pause: RunPause, reason: string): Promise<boolean> {
    const change = { status: "paused", reason } as const;
    const row = buildChangeRow({ ...toRow(run, "run.paused"), payload: { pause } }, change);
    const update = updateRun(run.runId, { from: [pause.from] }, change);
    return this.#writer.run([update, this.#log.toStep(row), insertPause(run.runId, pause)]);
  }

  /** Lets a paused run continue from where it was. False, without a row, if it is not paused. */
  unpause(run: RunRef & Pick<Run, "rounds">, pause: RunPause, acceptCode = false): Promise<boolean> {
    const { from: status, reason, wait } = pause, attempt = run.attempt + (status === "started" ? 1 : 0);
    // The wait becomes the message of a role that the code may no longer have: that message is accepted with the rest.
    const accepted = acceptCode ? { accepted: run.rounds + (wait === null ? 0 : 1) } : {};
    const payload = { rounds: run.rounds, after: "it was paused", ...accepted, ...wait === null ? {} : { wait } };
    const row = buildChangeRow({ ...toRow(run, "run.resumed"), payload }, { status, attempt, reason });
    const steps = [unpauseRun(run.runId, pause), this.#log.toStep(row)];
    if (wait !== null) steps.push(insertWait(run.runId, wait));
    return this.#writer.run(steps);
  }

  /** Inserts a request besides the run's wait. False, without a row, if the run has ended or has moved on. */
  insertRequest(run: RunRef, request: NewApproval): Promise<boolean> {
    const asked = this.#log.toStep({ ...toRow(run, "approval.requested"), payload: { request } });
    return this.#writer.run([insertAlone(run, request), asked]);
  }

  /** Decides a request from `insertRequest`. False, without a row, if it cannot be decided. */
  decideRequest(run: RunRef, decision: ApprovalDecision): Promise<boolean> {
    const decided = this.#log.toStep({ ...toRow(run, "approval.decided"), payload: { decision } });
    return this.#writer.run([decideAlone(decision), decided]);
  }

  /** Stores whether a workflow has a `finally`; null: unknown. Without one, its runs need no closing. */
  async writeFinally(workflow: string, known: KnownFinally | null): Promise<void> {
    await this.#writer.run(writeFinally(workflow, known));
  }

  /**
   * Closes a run whose `finally` has ended; the cause of its row is the row that ended the run. `closing` null: there
   * was no `finally`, and no row is written. False, without a row, if the run no longer had to be closed.
   */
  closeRun(run: RunRef, closing: RunClosing | null): Promise<boolean> {
    const steps = [deleteClosing(run.runId)];
    if (closing !== null) {
      const causeId = this.readNow(() => readEndRow(this.statements, run.runId)) ?? run.causeId;
      steps.push(this.#log.toStep({ ...toRow({ ...run, causeId }, "run.closed"), payload: closing }));
      if (closing.report !== undefined) steps.push(insertReport(run.runId));
    }
    return this.#writer.run(steps);
  }

  /** Records that a child is not started. False, without a row, if it is refused or its parent no longer waits. */
  refuseChild(run: RunRef, round: number, { n, runId, request }: MissingChild, why: string): Promise<boolean> {
    const payload = { round, n, runId, workflow: request.workflow, why };
    const row = this.#log.toStep({ ...toRow(run, "run.child_refused"), payload });
    return this.#writer.run([refuseChild(run.runId, round, n, why), row]);
  }

  /** Closes the children of a run that no longer waits for them. Does nothing while one of them is unfinished. */
  async closeChildren(runId: string): Promise<void> {
    await this.#writer.run([closeEndedChildren(runId)]);
  }

  /** Keeps an event for a run. False, without a row, if the key is known, the run has ended or it keeps too many. */
  insertEvent(run: RunRef, event: NewRunEvent): Promise<boolean> {
    const row = this.#log.toStep({ ...toRow(run, "run.event"), payload: { event } });
    return this.#writer.run([insertEvent(run.runId, event), row]);
  }
}

function toRow({ workflow, runId, causeId }: RunRef, type: LogType): Omit<NewLogRow, "payload"> {
  return { source: `workflow:${workflow}`, type, refId: runId, causeId };
}

/** Rebuilding the runs would miss a row of another type. */
function checkRow({ type, refId }: NewLogRow, runId: string): void {
  assert(runStateTypes.includes(type), `${type} is not a row type for a change of a run`);
  assert(refId === runId, `the row of run ${runId} refers to ${refId}`);
}
