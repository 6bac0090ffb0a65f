/** The part of memory_run_store.ts that records waits, requests, events and pauses. */
import { keptEventsMax } from "../../src/base/wait_limits.ts";
import type { Moment } from "../../src/base/moment.ts";
import type { ApprovalDecision, NewApproval, StoredApproval } from "../../src/protocol/approval.ts";
import type { KnownFinally } from "../../src/protocol/closing.ts";
import type { NewLogRow } from "../../src/protocol/log.ts";
import type { BootTime } from "../../src/base/boot_time.ts";
import type { RoleBegun, Run, RunChange, RunMessage, RunRef } from "../../src/protocol/run.ts";
import type {
  HeldRun,
  KeptEvent,
  NewChild,
  NewRunEvent,
  PausedRun,
  RunPause,
  RunWait,
  Settlement,
  StoredRunEvent,
  WaitingRun,
} from "../../src/protocol/run_wait.ts";
import { isTerminal } from "../../src/workflow/transitions.ts";
import { type ChildState, MemoryChildStore } from "./memory_children.ts";
import { countWaitingOf, findDue, findKept, findNextDue, listPausedOf, type SentEvent } from "./memory_waits.ts";

export interface MemoryState extends ChildState {
  readonly waits: Map<string, RunWait>;
  readonly approvals: Map<string, StoredApproval>;
  readonly pauses: Map<string, RunPause>;
  readonly planned: Map<string, Moment>;
  readonly begun: Map<string, RoleBegun>;
  /** Runs that are still to be closed, with their workflow. */
  readonly closings: Map<string, string>;
  readonly finallies: Map<string, KnownFinally>;
  /** By run and key. */
  readonly events: Map<string, SentEvent>;
}

export abstract class MemoryWaitStore extends MemoryChildStore {
  protected abstract override get state(): MemoryState;

  /** Does what a trigger of the schema does. */
  protected noteEnd(runId: string): void {
    const { runs, closings, finallies } = this.state, run = runs.get(runId);
    if (run === undefined || run.status === "dropped" || finallies.get(run.workflow)?.has === false) return;
    closings.set(runId, run.workflow);
  }

  beginWait(
    of: RunRef,
    wait: RunWait,
    reason: string,
    request: NewApproval | null = null,
    children: readonly NewChild[] = [],
  ): Promise<boolean> {
    const run = this.state.runs.get(of.runId);
    if (run === undefined || run.status !== "started" || run.attempt !== of.attempt) return this.done(false);
    if (run.rounds !== wait.round - 1) return this.done(false);
    this.state.runs.set(of.runId, { ...run, status: "waiting", reason });
    this.state.waits.set(of.runId, wait);
    this.addChildren(of.runId, wait.round, children);
    const source = `workflow:${of.workflow}` as const, payload = { attempt: of.attempt, wait };
    this.state.rows.push({ source, type: "run.waiting", refId: of.runId, causeId: null, payload });
    if (request !== null) {
      const unsigned = { key: null, signature: null };
      const undecided = { decision: null, by: null, how: null, comment: null, decided: null, ...unsigned };
      const { runId, workflow } = of, approval = { ...request, runId, workflow, state: "pending", open: true } as const;
      this.state.approvals.set(request.id, { approval: { ...approval, ...undecided }, token: null });
      this.state.rows.push({ source, type: "approval.requested", refId: runId, causeId: null, payload: { request } });
    }
    return this.done(true);
  }

  settleWait(of: RunRef, message: RunMessage, by: Settlement = {}): Promise<boolean> {
    const { decision = null, event } = by, run = this.state.runs.get(of.runId);
    if (run === undefined || run.status !== "waiting" || run.rounds !== message.round - 1) return this.done(false);
    const asked = decision === null ? null : this.state.approvals.get(decision.id) ?? null;
    if (decision !== null && (asked?.approval.open !== true || asked.approval.digest !== decision.digest)) {
      return this.done(false);
    }
    if (by.children === true && this.isAwaitingChildren(of.runId, message.round)) return this.done(false);
    const taken = event === undefined ? undefined : this.state.events.get(`${of.runId} ${event}`);
    if (event !== undefined && taken?.taken !== null) return this.done(false);
    if (taken !== undefined) this.state.events.set(`${of.runId} ${event}`, { ...taken, taken: message.round });
    const attempt = run.attempt + 1, { round } = message;
    this.state.runs.set(of.runId, { ...run, status: "started", attempt, rounds: round, reason: null });
    this.state.waits.delete(of.runId);
    if (by.children === true) this.forgetChildren(of.runId);
    this.state.begun.delete(of.runId);
    this.state.messages.set(of.runId, [...this.state.messages.get(of.runId) ?? [], message]);
    const source = `workflow:${of.workflow}` as const;
    this.state.rows.push({ source, type: "run.message", refId: of.runId, causeId: null, payload: { ...message } });
    if (decision !== null) this.#decide(of, decision);
    return this.done(true);
  }

  #decide({ runId, workflow }: RunRef, decision: ApprovalDecision): void {
    const asked = this.state.approvals.get(decision.id);
    if (asked === undefined) return;
    const { token, ...rest } = decision, approval = { ...asked.approval, ...rest, open: false };
    this.state.approvals.set(decision.id, { approval, token });
    const row = { type: "approval.decided", refId: runId, causeId: null, payload: { decision } } as const;
    this.state.rows.push({ source: `workflow:${workflow}`, ...row });
  }

  beginRole({ runId, workflow }: RunRef, begun: RoleBegun): Promise<boolean> {
    const run = this.state.runs.get(runId), isThere = run?.status === "started" && run.attempt === begun.attempt;
    if (!isThere || run.rounds !== begun.round - 1 || this.state.begun.has(runId)) return this.done(false);
    this.state.begun.set(runId, begun);
    const row = { type: "run.role_begun", refId: runId, causeId: null, payload: begun } as const;
    this.state.rows.push({ source: `workflow:${workflow}`, ...row });
    return this.done(true);
  }

  readBegun(runId: string): RoleBegun | null {
    return this.state.begun.get(runId) ?? null;
  }

  decideRecovery(of: RunRef, change: RunChange, row: NewLogRow, decision: ApprovalDecision): Promise<boolean> {
    const run = this.state.runs.get(of.runId), asked = this.state.approvals.get(decision.id)?.approval;
    if (run?.status !== "waiting" || run.attempt !== of.attempt) return this.done(false);
    if (asked?.open !== true || asked.digest !== decision.digest) return this.done(false);
    this.state.runs.set(of.runId, { ...run, ...change });
    if (isTerminal(change.status)) this.noteEnd(of.runId);
    for (const map of [this.state.waits, this.state.begun]) map.delete(of.runId);
    this.state.rows.push({ ...row, payload: { ...Object(row.payload), ...change } });
    this.#decide(of, decision);
    return this.done(true);
  }

  pause({ runId, workflow }: RunRef, pause: RunPause, reason: string): Promise<boolean> {
    const run = this.state.runs.get(runId);
    if (run?.status !== pause.from) return this.done(false);
    this.state.runs.set(runId, { ...run, status: "paused", reason });
    this.state.pauses.set(runId, pause);
    this.state.waits.delete(runId);
    const source = `workflow:${workflow}` as const;
    this.state.rows.push({ source, type: "run.paused", refId: runId, causeId: null, payload: { pause } });
    return this.done(true);
  }

  unpause({ runId, workflow }: RunRef, { from, wait, reason }: RunPause, acceptCode = false): Promise<boolean> {
    const run = this.state.runs.get(runId);
    if (run?.status !== "paused") return this.done(false);
    const attempt = run.attempt + (from === "started" ? 1 : 0), rounds = run.rounds + (wait === null ? 0 : 1);
    const accepted = acceptCode ? { accepted: rounds } : {};
    this.state.runs.set(runId, { ...run, status: from, attempt, reason });
    this.state.pauses.delete(runId);
    if (wait !== null) this.state.waits.set(runId, wait);
    const source = `workflow:${workflow}` as const;
    this.state.rows.push({
      source,
      type: "run.resumed",
      refId: runId,
      causeId: null,
      payload: { status: from, ...accepted },
    });
    return this.done(true);
  }

  readPause(runId: string): RunPause | null {
    return this.state.pauses.get(runId) ?? null;
  }

  listHeld(): HeldRun[] {
    return [...this.state.pauses].flatMap(([runId, { code }]) => {
      const run = this.state.runs.get(runId);
      return code === null || run === undefined ? [] : [{ runId, workflow: run.workflow, code, reason: run.reason }];
    });
  }

  listPaused(): PausedRun[] {
    return listPausedOf(this.state);
  }

  readWait(runId: string): RunWait | null {
    return this.state.waits.get(runId) ?? null;
  }

  insertEvent({ runId, workflow }: RunRef, sent: NewRunEvent): Promise<boolean> {
    const run = this.state.runs.get(runId), key = `${runId} ${sent.key}`;
    const kept = [...this.state.events.values()].filter((each) => each.runId === runId && each.taken === null);
    if (run === undefined || isTerminal(run.status) || this.state.events.has(key)) return this.done(false);
    const isAwaited = this.state.waits.get(runId)?.event === sent.name &&
      kept.every(({ sent: { name } }) => name !== sent.name);
    if (kept.length >= keptEventsMax && !isAwaited) return this.done(false);
    this.state.events.set(key, { runId, sent, taken: null });
    const source = `workflow:${workflow}` as const;
    this.state.rows.push({ source, type: "run.event", refId: runId, causeId: null, payload: { event: sent } });
    return this.done(true);
  }

  readEvent(runId: string, key: string): StoredRunEvent | null {
    const found = this.state.events.get(`${runId} ${key}`);
    if (found === undefined) return null;
    const { sent: { name, received, digest }, taken } = found;
    return { event: { name, key, received, taken }, digest };
  }

  readKeptEvent(runId: string, name: string): KeptEvent | null {
    return findKept(this.state.events.values(), runId, name);
  }

  listDeliverable(limit: number): string[] {
    const waits = [...this.state.waits].filter(([runId, { event }]) =>
      event !== null && this.readKeptEvent(runId, event) !== null
    );
    return waits.map(([runId]) => runId).slice(0, limit);
  }

  readApproval(id: string): StoredApproval | null {
    return this.state.approvals.get(id) ?? null;
  }

  readApprovalAt(runId: string, round: number): StoredApproval | null {
    return this.#approvalsOf(runId).findLast(({ approval }) => approval.round === round) ?? null;
  }

  countApprovals(runId: string, gate: string): number {
    return this.#approvalsOf(runId).filter(({ approval }) => approval.gate === gate).length;
  }

  #approvalsOf(runId: string): StoredApproval[] {
    return [...this.state.approvals.values()].filter(({ approval }) => approval.runId === runId);
  }

  protected closeApprovals(runId: string): void {
    for (const [id, { approval, token }] of this.state.approvals) {
      if (approval.runId === runId) this.state.approvals.set(id, { approval: { ...approval, open: false }, token });
    }
  }

  readNextDue(boot: BootTime | null): { wall: number | null; bootMs: number | null } {
    return findNextDue(this.state.waits.values(), boot);
  }

  listDueWaits(now: number, boot: BootTime | null, limit: number): WaitingRun[] {
    return findDue(this.state.waits, now, boot, limit);
  }

  countWaiting(): Map<string, number> {
    return countWaitingOf(this.state.runs.values());
  }

  listWaiting(workflow: string, limit: number): Run[] {
    const all = [...this.state.runs.values()].filter((run) => run.workflow === workflow && run.status === "waiting");
    return all.slice(0, limit);
  }
}
