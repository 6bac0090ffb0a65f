/**
 * The manager's storage port in memory, for tests of the manager alone: the guards of the port's contract, and commits
 * that a test can hold back, fail, or lose in a crash. The real store is src/store/runs/run_store.ts.
 */
import assert from "node:assert/strict";
import type { Moment } from "../../src/base/moment.ts";
import { NerveError } from "../../src/base/errors.ts";
import { isPlainObject } from "../../src/protocol/json.ts";
import type { KnownFinally, RunClosing } from "../../src/protocol/closing.ts";
import type { NewLogRow } from "../../src/protocol/log.ts";
import type { RoleFailure, Run, RunChange, RunMessage, RunRef, RunStatus } from "../../src/protocol/run.ts";
import type { Fork } from "../../src/workflow/engine.ts";
import type { RunStore } from "../../src/workflow/local/ports.ts";
import { isLegalMove, isTerminal } from "../../src/workflow/transitions.ts";
import { type MemoryState, MemoryWaitStore } from "./memory_wait_store.ts";

interface Waiting {
  readonly result: boolean;
  readonly resolve: (written: boolean) => void;
  readonly reject: (reason: Error) => void;
}

export class MemoryRunStore extends MemoryWaitStore implements RunStore {
  /** The number of next commits that fail. */
  failures = 0;
  /** The error with which they fail. */
  failure = new NerveError("STORE_FAILED", "disk is full", { hint: "free some space" });
  readonly #auto: boolean;
  #committed: MemoryState;
  #state: MemoryState;
  #waiting: Waiting[] = [];

  /** Commits automatically at the end of a turn, or only when `commit` is called. */
  constructor(
    auto = true,
    state: MemoryState = {
      runs: new Map(),
      messages: new Map(),
      rows: [],
      waits: new Map(),
      approvals: new Map(),
      events: new Map(),
      pauses: new Map(),
      planned: new Map(),
      children: new Map(),
      begun: new Map(),
      closings: new Map(),
      finallies: new Map(),
    },
  ) {
    super();
    this.#auto = auto;
    this.#committed = copyOf(state);
    this.#state = state;
  }

  /** The committed state. */
  get disk(): MemoryState {
    return this.#committed;
  }

  get uncommitted(): number {
    return this.#waiting.length;
  }

  /** A store with the committed state, as after a crash: uncommitted changes are lost. */
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

  listPlanned(): ReadonlyMap<string, Moment> {
    return this.#state.planned;
  }

  readPlanned(runId: string): Moment | null {
    return this.#state.planned.get(runId) ?? null;
  }

  create(run: Run, row: NewLogRow, fork: Fork | null = null, starts: Moment | null = null): Promise<boolean> {
    if (this.#state.runs.has(run.runId)) return this.done(false);
    this.#state.runs.set(run.runId, run);
    const copied = fork === null ? [] : this.#state.messages.get(fork.runId)?.slice(0, fork.rounds) ?? [];
    this.#state.messages.set(run.runId, copied);
    if (starts !== null) this.#state.planned.set(run.runId, starts);
    this.#state.rows.push(row);
    return this.done(true);
  }

  transition(
    runId: string,
    guard: { from: readonly RunStatus[]; fence?: number; rounds?: number },
    change: RunChange,
    row: NewLogRow,
  ): Promise<boolean> {
    const run = this.#state.runs.get(runId);
    if (run === undefined || !guard.from.includes(run.status)) return this.done(false);
    if (guard.fence !== undefined && guard.fence !== run.attempt) return this.done(false);
    if (guard.rounds !== undefined && guard.rounds !== run.rounds) return this.done(false);
    assert.ok(isLegalMove(run.status, change.status), `nobody asks for ${run.status} -> ${change.status}`);
    const isResumed = run.status === "started" && change.status === "started";
    assert.ok(!isResumed || change.attempt === run.attempt + 1, "the database takes no other change of a started run");
    this.#state.runs.set(runId, { ...run, ...change });
    for (const map of [this.#state.waits, this.#state.pauses, this.#state.planned]) map.delete(runId);
    if (isTerminal(change.status)) {
      this.noteEnd(runId);
      this.closeApprovals(runId);
      this.#state.begun.delete(runId);
    }
    this.#state.rows.push(row);
    return this.done(true);
  }

  appendMessage(of: RunRef, message: RunMessage): Promise<boolean> {
    const run = this.#state.runs.get(of.runId);
    if (run === undefined || run.status !== "started" || run.attempt !== of.attempt) return this.done(false);
    if (run.rounds !== message.round - 1) return this.done(false);
    this.#state.runs.set(of.runId, { ...run, rounds: message.round });
    this.#state.begun.delete(of.runId);
    this.#state.messages.set(of.runId, [...this.#state.messages.get(of.runId) ?? [], message]);
    const source = `workflow:${of.workflow}` as const;
    this.#state.rows.push({ source, type: "run.message", refId: of.runId, causeId: null, payload: { ...message } });
    return this.done(true);
  }

  appendRoleFailure(of: RunRef, failure: RoleFailure): Promise<boolean> {
    const run = this.#state.runs.get(of.runId);
    if (run === undefined || run.status !== "started" || run.attempt !== of.attempt) return this.done(false);
    if (run.rounds !== failure.round - 1) return this.done(false);
    const source = `workflow:${of.workflow}` as const, payload = { attempt: of.attempt, ...failure };
    this.#state.rows.push({ source, type: "run.attempt_failed", refId: of.runId, causeId: null, payload });
    return this.done(true);
  }

  readLastFailure(runId: string): RoleFailure | null {
    const last = (wanted: string) =>
      this.#state.rows.findLastIndex(({ refId, type }) => refId === runId && type === wanted);
    const row = this.#state.rows[last("run.attempt_failed")];
    if (row === undefined || !isPlainObject(row.payload)) return null;
    const { attempt: _, ...failure } = row.payload as unknown as RoleFailure & { attempt: number };
    const since = (type: string) => last(type) > last("run.attempt_failed");
    const isOver = failure.retryAt === null && failure.exhausted === "pause" && since("run.paused");
    return isOver || since("approval.decided") ? null : failure;
  }

  readFork(runId: string): Fork | null {
    return this.#state.rows.map(({ refId, payload }) => refId === runId ? Object(payload).fork : null).find(Boolean) ??
      null;
  }

  readAccepted(runId: string): number {
    const rows = this.#state.rows.filter(({ refId, type }) => refId === runId && type === "run.resumed");
    return Math.max(0, ...rows.map(({ payload }) => Number(Object(payload).accepted ?? 0)));
  }

  /** Adds a `finally` that is already on disk. */
  know(workflow: string, known: KnownFinally): void {
    for (const { finallies } of [this.#state, this.#committed]) finallies.set(workflow, known);
  }

  readFinally(workflow: string): KnownFinally | null {
    return this.#state.finallies.get(workflow) ?? null;
  }

  async writeFinally(workflow: string, known: KnownFinally | null): Promise<void> {
    const { finallies, closings } = this.#state;
    if (known === null) finallies.delete(workflow);
    else finallies.set(workflow, known);
    if (known?.has === false) { for (const [id, its] of closings) if (its === workflow) closings.delete(id); }
    await this.done(true);
  }

  listClosings(workflow: string, limit: number): Run[] {
    const ids = [...this.#state.closings].filter(([, its]) => its === workflow).map(([id]) => id);
    return ids.slice(0, limit).map((id) => this.get(id)).filter((run) => run !== null);
  }

  closeRun({ runId, workflow }: RunRef, closing: RunClosing | null): Promise<boolean> {
    if (!this.#state.closings.delete(runId)) return this.done(false);
    const source = `workflow:${workflow}` as const;
    if (closing !== null) {
      this.#state.rows.push({ source, type: "run.closed", refId: runId, causeId: null, payload: closing });
    }
    return this.done(true);
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

  protected override get state(): MemoryState {
    return this.#state;
  }

  protected override done(result: boolean): Promise<boolean> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ result, resolve, reject });
      if (this.#auto && this.#waiting.length === 1) queueMicrotask(() => this.commit());
    });
  }
}

function copyOf(state: MemoryState): MemoryState {
  return {
    runs: new Map(state.runs),
    messages: new Map(state.messages),
    rows: [...state.rows],
    waits: new Map(state.waits),
    approvals: new Map(state.approvals),
    events: new Map(state.events),
    pauses: new Map(state.pauses),
    planned: new Map(state.planned),
    children: new Map(state.children),
    begun: new Map(state.begun),
    closings: new Map(state.closings),
    finallies: new Map(state.finallies),
  };
}
