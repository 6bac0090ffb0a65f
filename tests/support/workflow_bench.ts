/** One manager on fakes, for tests that tell a story step by step. */
import assert from "node:assert/strict";
import type { NewLogRow } from "../../src/protocol/log.ts";
import type { Approvers } from "../../src/protocol/approver.ts";
import type { AskedWait } from "../../src/protocol/asked_wait.ts";
import type { Run } from "../../src/protocol/run.ts";
import type { RunRequest, WorkflowPlan } from "../../src/workflow/engine.ts";
import { WorkflowManager } from "../../src/workflow/local/manager.ts";
import { FakeClock } from "./fake_clock.ts";
import { type FakeClosing, FakeHost, type FakeProcess, type FakeThread } from "./fake_workflow_host.ts";
import { MemoryRunStore } from "./memory_run_store.ts";

export const defaults: WorkflowPlan = {
  name: "w",
  engine: null,
  concurrency: 1,
  overflow: "queue",
  maxQueue: 2,
  maxRounds: 10,
  drainTimeoutMs: 30_000,
  maxThreadBytes: 128 * 1024 ** 2,
  waiting: "keep",
  memoryBytes: 256 * 1024 ** 2,
};

const ends = { crash: "out of memory", outside: "was killed from outside (SIGKILL)", recycled: "recycled" } as const;

export class Bench {
  readonly clock: FakeClock;
  readonly host: FakeHost = new FakeHost();
  readonly store: MemoryRunStore;
  readonly manager: WorkflowManager;
  /** The reported changes of each run, in order: `id:status`. */
  readonly changes: string[] = [];
  readonly problems: string[] = [];
  readonly failures: string[] = [];
  readonly freed: number[] = [];
  /** The approvers; while there are none, anyone who has access may decide. */
  approvers: Approvers = { people: new Map(), groups: new Map() };
  /** Rows that changed no run. */
  readonly logged: NewLogRow[] = [];
  #ids = 0;

  constructor(
    plan: Partial<WorkflowPlan> = {},
    store: MemoryRunStore = new MemoryRunStore(),
    clock: FakeClock = new FakeClock(),
    code = "v1",
  ) {
    this.store = store;
    this.host.code = code;
    // As if an earlier process had reported it; a test of `finally` changes it.
    if (store.readFinally("w") === null) store.know("w", { code: this.host.code, has: false });
    this.clock = clock;
    this.manager = new WorkflowManager({
      store,
      host: this.host,
      clock: this.clock,
      approvers: () => this.approvers,
      log: (row) => this.logged.push(row),
      onChange: (run) => this.changes.push(`${run.runId}:${run.status}`),
      onRoleFailed: (run, text) => this.failures.push(`${run.runId}: ${text}`),
      onProcessIdle: (id) => this.freed.push(id),
      reportProblem: (message) => this.problems.push(message),
      newRunId: () => `auto${++this.#ids}`,
    });
    this.manager.configure([{ ...defaults, ...plan }]);
    this.manager.start();
  }

  start(runId: string | null, more: Partial<RunRequest> = {}): Promise<Run> {
    const trigger = { kind: "manual" } as const;
    const rest = { prompt: "go", payload: { a: 1 }, maxRounds: null, causeId: 7, ...more };
    return this.manager.startRun({ workflow: "w", trigger, runId, ...rest });
  }

  /** Runs everything that is ready; no time passes. */
  turn(): Promise<void> {
    return this.clock.tick(0);
  }

  run(runId: string): Run {
    return this.store.disk.runs.get(runId) ?? assert.fail(`no run ${runId}`);
  }

  status(runId: string): string {
    return this.run(runId).status;
  }

  /** Types of the rows of a run, in order. */
  rows(runId: string): string[] {
    return this.store.disk.rows.filter(({ refId }) => refId === runId).map(({ type }) => type);
  }

  /** Gives the next process new code. */
  replaceCode(): void {
    this.host.replace("w");
    this.manager.onCodeReplaced("w");
  }

  /** The newest process answers whether the run may move there. `why`: the reason if it may not. */
  async answer(runId: string, why: string | null): Promise<void> {
    const process = this.host.processes.at(-1) ?? assert.fail("there is no process");
    const thread = process.threads.get(runId) ?? assert.fail(`${runId} was not asked about`);
    if (why !== null) process.threads.delete(runId);
    this.manager.onMessage(process, { t: "probed", runId, attempt: thread.attempt, why });
    await this.turn();
  }

  /** The code in the run's process contradicts the run. */
  async contradict(runId: string): Promise<void> {
    const { process, thread } = this.at(runId);
    process.threads.delete(runId);
    const outcome = { kind: "contradicted", message: "round 1 differs", place: null } as const;
    this.manager.onMessage(process, { t: "finished", runId, attempt: thread.attempt, outcome });
    await this.turn();
  }

  /** The process that works on the run. */
  at(runId: string): { process: FakeProcess; thread: FakeThread } {
    for (const process of this.host.processes.toReversed()) {
      const thread = process.alive ? process.threads.get(runId) : undefined;
      if (thread !== undefined) return { process, thread };
    }
    return assert.fail(`no process works on ${runId}`);
  }

  /** Runs that a living process was given. */
  working(): string[] {
    return this.host.processes.filter(({ alive }) => alive).flatMap(({ threads }) => [...threads.keys()]);
  }

  /** Lets the run's role return. */
  async sendMessage(runId: string, more: { round?: number; content?: string; role?: string; meta?: unknown } = {}) {
    const { process, thread } = this.at(runId);
    const round = thread.messages.length + 1, meta = (more.meta ?? {}) as Record<string, never>;
    const message = {
      t: "message",
      runId,
      attempt: thread.attempt,
      round,
      role: "r",
      content: "c",
      ...more,
      meta,
    } as const;
    thread.waits = true;
    this.manager.onMessage(process, message);
    await this.turn();
  }

  async finish(runId: string, kind: "completed" | "failed" | "max_rounds" = "completed"): Promise<void> {
    const { process, thread } = this.at(runId);
    process.threads.delete(runId);
    const outcome = kind === "completed"
      ? { kind } as const
      : kind === "failed"
      ? { kind, message: "role r failed", place: { file: "index.ts", line: 3, column: 7 } } as const
      : { kind, next: "again" } as const;
    this.manager.onMessage(process, { t: "finished", runId, attempt: thread.attempt, outcome });
    await this.turn();
  }

  /** Lets the run's role throw. `waitMs`: the wait that its policy decides. */
  async fail(
    runId: string,
    waitMs: number | null,
    more: { attempts?: number; round?: number; exhausted?: "pause" } = {},
  ): Promise<void> {
    const { process, thread } = this.at(runId);
    process.threads.delete(runId);
    this.manager.onMessage(process, {
      t: "attempt_failed",
      runId,
      attempt: thread.attempt,
      round: thread.messages.length + 1,
      role: "r",
      attempts: 3,
      exhausted: "fail",
      waitMs,
      message: "thrown",
      place: null,
      ...more,
    });
    await this.turn();
  }

  /** Lets the moderator name a role that waits. */
  async wait(runId: string, wait: AskedWait, more: { round?: number; role?: string } = {}): Promise<void> {
    const { process, thread } = this.at(runId), round = thread.messages.length + 1;
    process.threads.delete(runId);
    this.manager.onMessage(process, { t: "wait", runId, attempt: thread.attempt, round, role: "cool", wait, ...more });
    await this.turn();
  }

  /** Lets the moderator name a role that runs once. */
  async askToBegin(runId: string, role = "charge"): Promise<void> {
    const { process, thread } = this.at(runId), round = thread.messages.length + 1;
    this.manager.onMessage(process, { t: "may_begin", runId, attempt: thread.attempt, round, role });
    await this.turn();
  }

  /** Lets a role with a time limit begin. */
  async begin(runId: string, timeoutMs: number, waitMs: number | null): Promise<void> {
    const { process, thread } = this.at(runId), round = thread.messages.length + 1;
    const about = {
      runId,
      attempt: thread.attempt,
      round,
      role: "r",
      attempts: waitMs === null ? 1 : 3,
      exhausted: "fail",
    } as const;
    this.manager.onMessage(process, { t: "role_begun", ...about, waitMs, timeoutMs });
    await this.turn();
  }

  /** The process that closes the run. */
  closer(runId: string): { process: FakeProcess; closing: FakeClosing } {
    for (const process of this.host.processes.toReversed()) {
      const closing = process.alive ? process.closing.get(runId) : undefined;
      if (closing !== undefined) return { process, closing };
    }
    return assert.fail(`no process closes ${runId}`);
  }

  /** Runs that a living process closes. */
  closing(): string[] {
    return this.host.processes.filter(({ alive }) => alive).flatMap(({ closing }) => [...closing.keys()]);
  }

  /** Lets the run's `finally` return or throw, or reports that there is none. */
  async close(runId: string, how: "done" | "failed" | "none" = "done"): Promise<void> {
    const { process, closing: { attempt } } = this.closer(runId);
    process.closing.delete(runId);
    const outcome = how === "done"
      ? { kind: how, content: "closed", meta: {} } as const
      : how === "failed"
      ? { kind: how, message: "thrown", place: null } as const
      : { kind: how } as const;
    this.manager.onMessage(process, { t: "closed", runId, attempt, outcome });
    await this.turn();
  }

  async die(process: FakeProcess, kind: keyof typeof ends = "crash"): Promise<void> {
    this.host.end(process);
    this.manager.onProcessExit(process.id, { kind, message: ends[kind] });
    await this.turn();
  }
}

/** A bench with runs of these ids, each in a process. */
export async function running(...ids: string[]): Promise<Bench> {
  const bench = new Bench({ concurrency: ids.length });
  for (const id of ids) await bench.start(id);
  await bench.turn();
  return bench;
}
