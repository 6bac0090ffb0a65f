/**
 * The manager's storage port in memory, for tests of the manager alone: the guards of the port's contract, and commits
 * that a test can hold back, fail, or lose in a crash. The real one is src/store/runs/run_store.ts.
 */
import assert from "node:assert/strict";
import { keptEventsMax } from "../../src/base/wait_limits.ts";
import { NerveError } from "../../src/base/errors.ts";
import { isPlainObject } from "../../src/protocol/json.ts";
import type { NewApproval, StoredApproval } from "../../src/protocol/approval.ts";
import type { NewLogRow } from "../../src/protocol/log.ts";
import type { BootTime } from "../../src/base/boot_time.ts";
import type { RoleFailure, Run, RunChange, RunMessage, RunRef, RunStatus } from "../../src/protocol/run.ts";
import type {
  KeptEvent,
  NewRunEvent,
  RunWait,
  Settlement,
  StoredRunEvent,
  WaitingRun,
} from "../../src/protocol/run_wait.ts";
import type { RunStore } from "../../src/workflow/local/ports.ts";
import { isLegalMove, isTerminal } from "../../src/workflow/transitions.ts";
import { findDue, findKept, findNextDue, type SentEvent } from "./memory_waits.ts";

interface State {
  readonly runs: Map<string, Run>;
  readonly messages: Map<string, readonly RunMessage[]>;
  readonly rows: NewLogRow[];
  readonly waits: Map<string, RunWait>;
  readonly approvals: Map<string, StoredApproval>;
  /** By run and key. */
  readonly events: Map<string, SentEvent>;
}

interface Waiting {
  readonly result: boolean;
  readonly resolve: (written: boolean) => void;
  readonly reject: (reason: Error) => void;
}

export class MemoryRunStore implements RunStore {
  /** The number of next commits that fail. */
  failures = 0;
  /** With what they fail. */
  failure = new NerveError("STORE_FAILED", "disk is full", { hint: "free some space" });
  readonly #auto: boolean;
  #committed: State;
  #state: State;
  #waiting: Waiting[] = [];

  /** Commits by itself at the end of a turn, or only when `commit` is called. */
  constructor(
    auto = true,
    state: State = {
      runs: new Map(),
      messages: new Map(),
      rows: [],
      waits: new Map(),
      approvals: new Map(),
      events: new Map(),
    },
  ) {
    this.#auto = auto;
    this.#committed = copyOf(state);
    this.#state = state;
  }

  /** What is on disk. */
  get disk(): State {
    return this.#committed;
  }

  get uncommitted(): number {
    return this.#waiting.length;
  }

  /** A store over what is on disk now, as after a crash: uncommitted changes are lost. */
  afterCrash(): MemoryRunStore {
    return new MemoryRunStore(this.#auto, copyOf(this.#committed));
  }

  commit(): void {
    const waiting = this.#waiting;
    if (waiting.length === 0) return;
    this.#waiting = [];
    if (this.failures > 0) {
      this.failures--;
      this.#state = copyOf(this.#committed);
      for (const { reject } of waiting) reject(this.failure);
      return;
    }
    this.#committed = copyOf(this.#state);
    for (const { resolve, result } of waiting) resolve(result);
  }

  create(run: Run, row: NewLogRow): Promise<boolean> {
    if (this.#state.runs.has(run.runId)) return this.#done(false);
    this.#state.runs.set(run.runId, run);
    this.#state.messages.set(run.runId, []);
    this.#state.rows.push(row);
    return this.#done(true);
  }

  transition(
    runId: string,
    guard: { from: readonly RunStatus[]; fence?: number; rounds?: number },
    change: RunChange,
    row: NewLogRow,
  ): Promise<boolean> {
    const run = this.#state.runs.get(runId);
    if (run === undefined || !guard.from.includes(run.status)) return this.#done(false);
    if (guard.fence !== undefined && guard.fence !== run.attempt) return this.#done(false);
    if (guard.rounds !== undefined && guard.rounds !== run.rounds) return this.#done(false);
    assert.ok(isLegalMove(run.status, change.status), `nobody asks for ${run.status} -> ${change.status}`);
    const isResumed = run.status === "started" && change.status === "started";
    assert.ok(!isResumed || change.attempt === run.attempt + 1, "the database takes no other change of a started run");
    this.#state.runs.set(runId, { ...run, ...change });
    this.#state.waits.delete(runId);
    if (isTerminal(change.status)) this.#close(runId);
    this.#state.rows.push(row);
    return this.#done(true);
  }

  appendMessage(of: RunRef, message: RunMessage): Promise<boolean> {
    const run = this.#state.runs.get(of.runId);
    if (run === undefined || run.status !== "started" || run.attempt !== of.attempt) return this.#done(false);
    if (run.rounds !== message.round - 1) return this.#done(false);
    this.#state.runs.set(of.runId, { ...run, rounds: message.round });
    this.#state.messages.set(of.runId, [...this.#state.messages.get(of.runId) ?? [], message]);
    const source = `workflow:${of.workflow}` as const;
    this.#state.rows.push({ source, type: "run.message", refId: of.runId, causeId: null, payload: { ...message } });
    return this.#done(true);
  }

  appendRoleFailure(of: RunRef, failure: RoleFailure): Promise<boolean> {
    const run = this.#state.runs.get(of.runId);
    if (run === undefined || run.status !== "started" || run.attempt !== of.attempt) return this.#done(false);
    if (run.rounds !== failure.round - 1) return this.#done(false);
    const source = `workflow:${of.workflow}` as const, payload = { attempt: of.attempt, ...failure };
    this.#state.rows.push({ source, type: "run.attempt_failed", refId: of.runId, causeId: null, payload });
    return this.#done(true);
  }

  beginWait(of: RunRef, wait: RunWait, reason: string, request: NewApproval | null = null): Promise<boolean> {
    const run = this.#state.runs.get(of.runId);
    if (run === undefined || run.status !== "started" || run.attempt !== of.attempt) return this.#done(false);
    if (run.rounds !== wait.round - 1) return this.#done(false);
    this.#state.runs.set(of.runId, { ...run, status: "waiting", reason });
    this.#state.waits.set(of.runId, wait);
    const source = `workflow:${of.workflow}` as const, payload = { attempt: of.attempt, wait };
    this.#state.rows.push({ source, type: "run.waiting", refId: of.runId, causeId: null, payload });
    if (request !== null) {
      const undecided = { decision: null, by: null, how: null, comment: null, decided: null };
      const { runId, workflow } = of, approval = { ...request, runId, workflow, state: "pending", open: true } as const;
      this.#state.approvals.set(request.id, { approval: { ...approval, ...undecided }, token: null });
      this.#state.rows.push({ source, type: "approval.requested", refId: runId, causeId: null, payload: { request } });
    }
    return this.#done(true);
  }

  settleWait(of: RunRef, message: RunMessage, by: Settlement = {}): Promise<boolean> {
    const { decision = null, event } = by, run = this.#state.runs.get(of.runId);
    if (run === undefined || run.status !== "waiting" || run.rounds !== message.round - 1) return this.#done(false);
    const asked = decision === null ? null : this.#state.approvals.get(decision.id) ?? null;
    if (decision !== null && (asked?.approval.open !== true || asked.approval.digest !== decision.digest)) {
      return this.#done(false);
    }
    const taken = event === undefined ? undefined : this.#state.events.get(`${of.runId} ${event}`);
    if (event !== undefined && taken?.taken !== null) return this.#done(false);
    if (taken !== undefined) this.#state.events.set(`${of.runId} ${event}`, { ...taken, taken: message.round });
    const attempt = run.attempt + 1, { round } = message;
    this.#state.runs.set(of.runId, { ...run, status: "started", attempt, rounds: round, reason: null });
    this.#state.waits.delete(of.runId);
    this.#state.messages.set(of.runId, [...this.#state.messages.get(of.runId) ?? [], message]);
    const source = `workflow:${of.workflow}` as const;
    this.#state.rows.push({ source, type: "run.message", refId: of.runId, causeId: null, payload: { ...message } });
    if (decision !== null && asked !== null) {
      const { token, ...rest } = decision, approval = { ...asked.approval, ...rest, open: false };
      this.#state.approvals.set(decision.id, { approval, token });
      const row = { source, type: "approval.decided", refId: of.runId, causeId: null, payload: { decision } } as const;
      this.#state.rows.push(row);
    }
    return this.#done(true);
  }

  readWait(runId: string): RunWait | null {
    return this.#state.waits.get(runId) ?? null;
  }

  insertEvent({ runId, workflow }: RunRef, sent: NewRunEvent): Promise<boolean> {
    const run = this.#state.runs.get(runId), key = `${runId} ${sent.key}`;
    const kept = [...this.#state.events.values()].filter((each) => each.runId === runId && each.taken === null);
    if (run === undefined || isTerminal(run.status) || this.#state.events.has(key)) return this.#done(false);
    if (kept.length >= keptEventsMax) return this.#done(false);
    this.#state.events.set(key, { runId, sent, taken: null });
    const source = `workflow:${workflow}` as const;
    this.#state.rows.push({ source, type: "run.event", refId: runId, causeId: null, payload: { event: sent } });
    return this.#done(true);
  }

  readEvent(runId: string, key: string): StoredRunEvent | null {
    const found = this.#state.events.get(`${runId} ${key}`);
    if (found === undefined) return null;
    const { sent: { name, received, digest }, taken } = found;
    return { event: { name, key, received, taken }, digest };
  }

  readKeptEvent(runId: string, name: string): KeptEvent | null {
    return findKept(this.#state.events.values(), runId, name);
  }

  listDeliverable(limit: number): string[] {
    const waits = [...this.#state.waits].filter(([runId, { event }]) =>
      event !== null && this.readKeptEvent(runId, event) !== null
    );
    return waits.map(([runId]) => runId).slice(0, limit);
  }

  readApproval(id: string): StoredApproval | null {
    return this.#state.approvals.get(id) ?? null;
  }

  readApprovalAt(runId: string, round: number): StoredApproval | null {
    const all = [...this.#state.approvals.values()];
    return all.find(({ approval }) => approval.runId === runId && approval.round === round) ?? null;
  }

  countApprovals(runId: string, gate: string): number {
    const all = [...this.#state.approvals.values()];
    return all.filter(({ approval }) => approval.runId === runId && approval.gate === gate).length;
  }

  #close(runId: string): void {
    for (const [id, { approval, token }] of this.#state.approvals) {
      if (approval.runId === runId) this.#state.approvals.set(id, { approval: { ...approval, open: false }, token });
    }
  }

  readNextDue(boot: BootTime | null): { wall: number | null; bootMs: number | null } {
    return findNextDue(this.#state.waits.values(), boot);
  }

  listDueWaits(now: number, boot: BootTime | null, limit: number): WaitingRun[] {
    return findDue(this.#state.waits, now, boot, limit);
  }

  countWaiting(): Map<string, number> {
    const counts = new Map<string, number>();
    for (const { status, workflow } of this.#state.runs.values()) {
      if (status === "waiting") counts.set(workflow, (counts.get(workflow) ?? 0) + 1);
    }
    return counts;
  }

  listWaiting(workflow: string, limit: number): Run[] {
    const all = [...this.#state.runs.values()].filter((run) => run.workflow === workflow && run.status === "waiting");
    return all.slice(0, limit);
  }

  readLastFailure(runId: string): RoleFailure | null {
    const row = this.#state.rows.findLast(({ refId, type }) => refId === runId && type === "run.attempt_failed");
    if (row === undefined || !isPlainObject(row.payload)) return null;
    const { attempt: _, ...failure } = row.payload as unknown as RoleFailure & { attempt: number };
    return failure;
  }

  get(runId: string): Run | null {
    return this.#state.runs.get(runId) ?? null;
  }

  readThread(runId: string): RunMessage[] {
    return [...this.#state.messages.get(runId) ?? []];
  }

  readThreadBytes(runId: string): number {
    return this.readThread(runId).reduce((sum, message) => sum + JSON.stringify(message).length, 0);
  }

  listUnfinished(): Run[] {
    return [...this.#state.runs.values()].filter(({ status }) => status === "queued" || status === "started");
  }

  #done(result: boolean): Promise<boolean> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ result, resolve, reject });
      if (this.#auto && this.#waiting.length === 1) queueMicrotask(() => this.commit());
    });
  }
}

function copyOf(state: State): State {
  return {
    runs: new Map(state.runs),
    messages: new Map(state.messages),
    rows: [...state.rows],
    waits: new Map(state.waits),
    approvals: new Map(state.approvals),
    events: new Map(state.events),
  };
}
