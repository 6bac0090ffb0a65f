/**
 * The promises of the workflow manager, checked at each of its actions. Used by workflow_world.ts. A violation in the
 * middle of the manager's work is recorded and thrown by `check`, so that the manager itself never notices.
 */
import assert from "node:assert/strict";
import { NerveError } from "../../src/base/errors.ts";
import { roundDeathsMax } from "../../src/base/limits.ts";
import type { Approval } from "../../src/protocol/approval.ts";
import type { AskedWait } from "../../src/protocol/asked_wait.ts";
import type { Json } from "../../src/protocol/json.ts";
import type { Run, RunMessage } from "../../src/protocol/run.ts";
import type { RunStore } from "../../src/workflow/local/ports.ts";
import { isTerminal } from "../../src/workflow/transitions.ts";
import type { FakeThread } from "./fake_workflow_host.ts";

/** A store, and the faults that a test may cause. `run` and `messages` return what is on disk. */
export interface Backing {
  readonly store: RunStore;
  run(runId: string): Run | null;
  messages(runId: string): readonly RunMessage[];
  /** Commits what is pending. */
  settle(): Promise<void>;
  /** Makes the next `commits` commits fail. */
  fail(commits: number): void;
  /** The store as the next daemon finds it. `kill9`: uncommitted changes are lost. */
  reopen(kill9: boolean): Promise<Backing>;
  close(): Promise<void>;
}

export class Witness {
  /** Every run that was ever requested. */
  readonly ids: string[] = [];
  #backing: Backing;
  readonly #ended = new Map<string, Run>();
  /** Every attempt that a process was given. */
  readonly #given = new Set<string>();
  /** By run and round: how often its process died, and whether it was alone there the last time. */
  readonly #deaths = new Map<string, { count: number; alone: boolean }>();
  /** Runs queued on disk, in order, without another decision. */
  #queue: string[] = [];
  readonly #killed = new Set<string>();
  /** By run and round: how often a role that runs once was allowed to begin. */
  readonly #begun = new Map<string, number>();
  /** By request. */
  readonly #decisions = new Map<string, string>();
  readonly #closed = new Set<string>();
  readonly #broken: unknown[] = [];

  constructor(backing: Backing) {
    this.#backing = backing;
  }

  /** Another daemon continues from what is on disk. */
  restarted(backing: Backing): void {
    this.#backing = backing;
    this.#deaths.clear();
    this.#queue = backing.store.listUnfinished().filter(({ status }) => status === "queued").map(({ runId }) => runId);
    for (const id of this.ids) {
      // The old daemon may have been killed between the commit and the report of an end.
      const run = backing.run(id);
      if (run !== null && isTerminal(run.status) && !this.#ended.has(id)) this.#ended.set(id, run);
    }
  }

  /** A process begins to close a run. `workers`: the work for it in all processes. */
  closes(runId: string, workers: readonly ("role" | "finally")[]): void {
    this.#note(() => {
      const run = this.#backing.run(runId);
      assert.ok(run !== null && isTerminal(run.status) && run.status !== "dropped", `${runId} is closed after its end`);
      assert.deepEqual(workers, ["finally"], `nothing else works on ${runId} when it is closed`);
      this.#closed.add(runId);
    });
  }

  /** Whether a run of these workflows still has to be closed. */
  isUnclosed(workflows: Iterable<string>): boolean {
    return [...workflows].some((name) => this.#backing.store.listClosings(name, 1).length > 0);
  }

  /** Checks that every run of this workflow was closed. */
  checkClosed(workflow: string): void {
    for (const id of this.ids) {
      const run = this.#backing.run(id);
      if (run?.workflow !== workflow || run.status === "dropped") continue;
      assert.ok(this.#closed.has(id), `${id}, which was ${run.status}, is closed`);
    }
  }

  /** A run is about to wait: it may start runs with these ids. */
  awaited({ start: { runId }, messages }: FakeThread, wait: AskedWait): AskedWait {
    if (wait.kind !== "children") return wait;
    const ids = wait.runs.map((_, index) => `${runId}.${messages.length + 1}.${index + 1}`);
    for (const id of ids) if (!this.ids.includes(id)) this.ids.push(id);
    return wait;
  }

  /** Checks what a run received about the runs that it waited for. */
  #checkChildren(parent: string, told: Json): void {
    for (const { runId, status, exitCode } of told as { runId: string; status: string; exitCode: number | null }[]) {
      const run = this.#backing.run(runId);
      // Another client may have started a run with that id.
      const isOwn = run?.trigger.kind === "run" && run.trigger.run === parent;
      if (status === "refused") assert.ok(!isOwn, `${runId} was not started by ${parent}`);
      else assert.deepEqual([run?.status, run?.exitCode], [status, exitCode], `${parent} was told of ${runId}`);
    }
  }

  check(): void {
    if (this.#broken.length > 0) throw this.#broken[0];
    for (const runId of this.ids) {
      const messages = this.#backing.messages(runId), rounds = messages.map(({ round }) => round);
      const events = messages.flatMap(({ meta }) => typeof meta.key === "string" ? meta.key : []);
      assert.equal(new Set(events).size, events.length, `${runId} took each event once`);
      assert.deepEqual(rounds, rounds.map((_, index) => index + 1), "rounds have no gap and none is there twice");
      for (const { meta } of messages) if (meta.runs !== undefined) this.#checkChildren(runId, meta.runs);
      const ended = this.#ended.get(runId);
      if (ended !== undefined) assert.deepEqual(this.#backing.run(runId), ended, "an ended run never changes");
    }
  }

  /**
   * A process received a run; `active` runs of that workflow now work, and `allowed` may. `holders`: the number of
   * processes that work on this one.
   */
  given(thread: FakeThread, active: number, allowed: number, holders: number): void {
    this.#note(() => {
      assert.equal(holders, 1, "one process works on a run");
      const { runId } = thread.start, disk = this.#backing.run(runId);
      assert.equal(disk?.status, "started", `${runId} is given to a process only while it is started on disk`);
      assert.equal(disk?.attempt, thread.attempt, "in the attempt that is on disk");
      assert.deepEqual(this.#backing.messages(runId), thread.messages, "with the messages that are on disk");
      const failure = this.#backing.store.readLastFailure(runId);
      const failures = failure?.round === thread.messages.length + 1 ? failure.failures : 0;
      assert.equal(thread.failures, failures, "and with the failures of this round");
      assert.ok(failures === 0 || failure?.retryAt !== null, `${runId} goes on after its last attempt`);
      assert.equal(this.#backing.store.readBegun(runId), null, `${runId} is given away in doubt`);
      const key = `${runId}/${thread.attempt}`;
      assert.ok(!this.#given.has(key), `attempt ${key} is given once`);
      this.#given.add(key);
      assert.ok(active <= allowed, `${active} runs at work, allowed ${allowed}`);
    });
  }

  /** A role that runs once was allowed to begin. */
  begun(runId: string, round: number): void {
    this.#note(() => {
      const on = this.#backing.store.readBegun(runId),
        key = `${runId}/${round}`,
        count = (this.#begun.get(key) ?? 0) + 1;
      this.#begun.set(key, count);
      assert.equal(on?.round, round, `${key} begins when that is on disk`);
      assert.ok(count <= 1 + this.#countRetries(runId, round), `${key} begins again although nobody has decided so`);
    });
  }

  /** How often a person has decided that the role of a round runs again. */
  #countRetries(runId: string, round: number): number {
    let retries = 0;
    for (let n = 1;; n++) {
      const asked = this.#backing.store.readApproval(`${runId}:once:recovery:${n}`)?.approval;
      if (asked === undefined) return retries;
      if (asked.round === round && asked.decision === "retry") retries++;
    }
  }

  acked(runId: string, message: RunMessage): void {
    const stored = this.#backing.messages(runId)[message.round - 1];
    this.#note(() => assert.deepEqual(stored, message, "an acked message is on disk as it was acked"));
  }

  changed(run: Run): void {
    this.#note(() => {
      const disk = this.#backing.run(run.runId);
      assert.ok(disk !== null, "a change is on disk before it is told");
      assert.ok(!this.#ended.has(run.runId), `${run.runId} changes after its end`);
      // An end or a pause may be in the same commit, after the change that is reported first.
      const isLast = !isTerminal(disk.status) && (disk.status !== "paused" || run.status === "paused");
      if (isLast) assert.deepEqual(run, { ...disk, rounds: run.rounds });
      this.#inOrder(run);
      if (isTerminal(run.status)) this.#end(run, disk);
    });
  }

  /** A process died while it worked on the run. */
  died(runId: string, round: number, alone: boolean): void {
    const key = `${runId}/${round}`;
    this.#deaths.set(key, { count: (this.#deaths.get(key)?.count ?? 0) + 1, alone });
  }

  /** A kill or a pause of the run is requested: from now on other runs may overtake it in the queue. */
  killAsked(runId: string, ends = true): void {
    if (ends) this.#killed.add(runId);
    this.#unqueue(runId);
  }

  /** A decision about a queued run that failed on the disk is retried; meanwhile others may overtake it. */
  problem(message: string): void {
    const decided = /^run (\S+) could not be written as/.exec(message);
    if (decided !== null) this.#unqueue(decided[1] ?? "");
  }

  /** An answer must satisfy `check`, or be an error with one of the codes. */
  expectRun(answer: Promise<Run>, codes: string[], check: (run: Run, disk: Run | null) => void): void {
    const backing = this.#backing;
    this.expect(answer, codes, (run) => check(run, backing.run(run.runId)));
  }

  /** The same for any answer. */
  expect<T>(answer: Promise<T>, codes: string[], check: (value: T) => void): void {
    answer.then((value) => this.#note(() => check(value)), (thrown) => {
      const expected = thrown instanceof NerveError && codes.includes(thrown.code);
      // The store asserts too: each requested move must be legal.
      if (!expected || thrown.cause instanceof assert.AssertionError) this.#broken.push(thrown);
    });
  }

  /** A client got the answer that this was decided. */
  decided({ id, runId, round, kind }: Approval, option: string): void {
    assert.equal(this.#decisions.get(id) ?? option, option, `${id} is decided once`);
    this.#decisions.set(id, option);
    const message = this.#backing.messages(runId)[round - 1];
    if (kind === "gate") {
      assert.equal(message?.meta.decision, option, `${id}: the decision and its message are on disk together`);
    }
    if (option === "done") assert.equal(message?.content, "done", `${id}: the message is what the person supplied`);
    if (option === "fail") assert.equal(this.#backing.run(runId)?.status, "failed", `${id}: the run has failed`);
  }

  /** A client got the answer that the event was accepted. */
  sent(runId: string, key: string): void {
    assert.ok(this.#backing.store.readEvent(runId, key) !== null, `event ${key} of ${runId} is on disk`);
  }

  #inOrder(run: Run): void {
    if (run.status === "queued") {
      // In order of creation: a run that was paused takes its old place, unless a start was decided before.
      const queued = this.#backing.store.listUnfinished().filter(({ status }) => status === "queued");
      const here = new Set([...this.#queue, run.runId]);
      this.#queue = queued.map(({ runId }) => runId).filter((id) => here.has(id));
      return;
    }
    if (run.status === "started" && this.#queue.includes(run.runId)) {
      const first = this.#queue.find((id) => this.#backing.run(id)?.workflow === run.workflow);
      assert.equal(run.runId, first, "queued runs start in order");
    }
    this.#unqueue(run.runId);
  }

  #end(run: Run, disk: Run): void {
    assert.deepEqual(run, disk, "an end is told as it is on disk");
    this.#ended.set(run.runId, run);
    // Its children end with it, and others may overtake them in the queue.
    for (const id of this.#queue) if (id.startsWith(`${run.runId}.`)) this.#unqueue(id);
    if (run.status === "killed") assert.ok(this.#isKilled(run), "only who was killed is killed, and its children");
    if (run.status !== "crashed") return;
    const deaths = this.#deaths.get(`${run.runId}/${run.rounds + 1}`) ?? { count: 0, alone: false };
    assert.ok(deaths.count >= roundDeathsMax, `${run.runId} ended as crashed after ${deaths.count} deaths`);
    assert.ok(deaths.alone, `${run.runId} ended as crashed by a death in company`);
  }

  #isKilled({ runId, trigger }: Run): boolean {
    const parent = trigger.kind === "run" ? this.#backing.run(trigger.run) : null;
    return this.#killed.has(runId) || parent !== null && isTerminal(parent.status);
  }

  #unqueue(runId: string): void {
    this.#queue = this.#queue.filter((id) => id !== runId);
  }

  #note(check: () => void): void {
    try {
      check();
    } catch (thrown) {
      this.#broken.push(thrown);
    }
  }
}
