/**
 * A small world around the workflow manager for property tests: fake processes, a fake clock, any store behind a
 * `Backing`. `step` does one random thing; everything that the manager does meanwhile is checked against its promises.
 */
import assert from "node:assert/strict";
import { killGraceMs } from "../../src/base/limits.ts";
import { sha256 } from "../../src/base/sha256.ts";
import type { WorkflowPlan } from "../../src/workflow/engine.ts";
import { WorkflowManager } from "../../src/workflow/local/manager.ts";
import { isTerminal } from "../../src/workflow/transitions.ts";
import { FakeClock } from "./fake_clock.ts";
import { FakeHost, type FakeProcess } from "./fake_workflow_host.ts";
import { close, closingsOf, listWorkers } from "./workflow_closings.ts";
import { decide, satisfy, sendEvent } from "./workflow_people.ts";
import {
  answerProbe,
  anyWait,
  askToBegin,
  beginRole,
  beginWait,
  failRole,
  finish,
  forge,
  sendMessage,
} from "./workflow_reports.ts";
import { reap, stopSlowly, threadsAsked, threadsAtWork } from "./workflow_threads.ts";
import { pick, plan, type Step, waits } from "./workflow_steps.ts";
import { type Backing, Witness } from "./workflow_witness.ts";

const settleTurns = 3;
/** The most hashes: of the messages before a gate, and of its request. */
const hashesMax = 6;
const doubted: readonly Step["kind"][] = ["die", "throw", "resume", "stop", "kill9"];

export class World {
  /** Each daemon has its own clock: the timers of a killed one never fire. */
  clock: FakeClock = new FakeClock();
  readonly #plans = new Map<string, WorkflowPlan>();
  readonly #witness: Witness;
  #backing: Backing;
  #host = new FakeHost();
  #manager: WorkflowManager;
  /** How many turns may have to wait for WebCrypto, which hashes on another thread. */
  #hashing = 0;

  constructor(backing: Backing) {
    this.#backing = backing;
    this.#witness = new Witness(backing);
    this.#plans.set("drops", plan("drops", 2, "drop", 0));
    this.#plans.set("queues", plan("queues", 2, "queue", 3));
    this.#plans.set("frees", plan("frees", 2, "queue", 3, "release"));
    this.#manager = this.#newManager();
  }

  async step({ kind, a, b, hold }: Step): Promise<void> {
    // A run in doubt asks a person.
    if (doubted.includes(kind) && this.#witness.ids.some((id) => this.#backing.store.readBegun(id) !== null)) {
      this.#hashing = hashesMax;
    }
    if (kind === "close") close(this.#manager, pick(closingsOf(this.#host), a), b);
    else await this.#do(kind, a, b);
    await this.clock.tick(0);
    if (!hold) await this.#settle();
    this.#witness.check();
  }

  /** Lets everything finish: no more faults, roles finish. */
  async drain(): Promise<void> {
    this.#backing.fail(0);
    this.#host.down.clear();
    this.#host.quarantine.clear();
    await this.#settle();
    for (let left = 200; left > 0 && this.#open(); left--) {
      for (const name of this.#plans.keys()) {
        this.#manager.onWorkflowAvailable(name);
        if (left % 10 === 0) this.#replace(name); // What is held waits for it.
      }
      for (const runId of this.#unfinished()) this.#move(runId, "resumed");
      for (const runId of this.#unfinished()) satisfy(this.#manager, this.#backing.store, this.#witness, runId, left);
      this.#hashing = hashesMax;
      for (const at of threadsAsked(this.#host)) answerProbe(this.#manager, at, null);
      await this.#settle();
      for (const at of threadsAtWork(this.#host)) finish(this.#manager, at, "completed");
      for (const at of closingsOf(this.#host)) close(this.#manager, at, left);
      reap(this.#host, this.#manager);
      await this.clock.tick(killGraceMs);
      await this.#settle();
      this.#witness.check();
    }
    assert.deepEqual(this.#unfinished(), [], "every run comes to its end");
    if (this.#plans.has("queues")) this.#witness.checkClosed("queues");
    assert.ok(!this.#open(), "no slot and no place in a queue is left over, and every process is free");
    await this.#stopManager();
    assert.equal(this.clock.pending, 0, "a stopped manager has no timers");
    await this.#backing.close();
  }

  async #do(kind: Exclude<Step["kind"], "close">, a: number, b: number): Promise<void> {
    const names = [...this.#plans.keys()];
    const name = pick(names, a) ?? "drops";
    const at = pick(threadsAtWork(this.#host), a), asked = pick(threadsAsked(this.#host), a);
    switch (kind) {
      case "start":
        return this.#start(name, `r${this.#witness.ids.length}`, b);
      case "start_again":
        return this.#start(name, pick(this.#witness.ids, b) ?? "none", b);
      case "message":
        return at && sendMessage(this.#manager, at, at[1].messages.length + 1, at[1].attempt);
      case "once":
        return at && askToBegin(this.#manager, at);
      case "forge":
        return this.#forge(a, b);
      case "finish":
        return at && finish(this.#manager, at, pick(["failed", "contradicted", "completed"], b) ?? "failed");
      case "throw":
        return at && failRole(this.#manager, at, pick(waits, b) ?? null, b % 2 === 0 ? "fail" : "pause");
      case "wait":
        this.#hashing = hashesMax;
        return at && beginWait(this.#manager, at, this.#witness.awaited(at[1], anyWait(b)));
      case "decide":
        return decide(this.#manager, this.#backing.store, this.#witness, a, b);
      case "send":
        this.#hashing = hashesMax;
        return sendEvent(this.#manager, this.#witness, a, b);
      case "pause":
        return this.#move(pick(this.#witness.ids, b) ?? "none", "paused");
      case "resume":
        return this.#move(pick(this.#witness.ids, b) ?? "none", "resumed", a % 2 === 0);
      case "begin":
        return at && beginRole(this.#manager, at, pick(waits, b) ?? null);
      case "die":
        return this.#die(a, b % 3 === 0);
      case "kill":
        return this.#kill(pick(this.#witness.ids, b) ?? "none");
      case "tick":
        return await this.clock.tick(pick([50, 200, 5_000, 40_000], b) ?? 0);
      case "reap":
        return reap(this.#host, this.#manager);
      case "reload":
        return this.#replace(name);
      case "probed":
        return asked && answerProbe(this.#manager, asked, b % 3 === 0 ? "it differs" : null);
      case "up":
        this.#host.lift(name);
        return this.#manager.onWorkflowAvailable(name);
      case "down":
      case "quarantine":
        return void this.#host[kind].add(name);
      case "configure":
        return this.#configure(a, b);
      case "fail":
        return this.#backing.fail(1 + b % 3);
      case "stop":
      case "kill9":
        return await this.#restart(kind === "kill9");
    }
  }

  #newManager(): WorkflowManager {
    const host = this.#host, witness = this.#witness;
    // Reports of a manager whose daemon was killed are lost.
    const isCurrent = () => this.#host === host;
    host.onProcess = (process) => {
      const ack = process.ack.bind(process);
      process.ack = (runId, attempt, message) => {
        if (isCurrent()) witness.acked(runId, message);
        ack(runId, attempt, message);
      };
      process.onClose = ({ start: { runId } }) => isCurrent() && witness.closes(runId, listWorkers(this.#host, runId));
      process.onBegin = ({ start }, round) => isCurrent() && witness.begun(start.runId, round);
      process.onRun = (thread) => {
        const active = threadsAtWork(this.#host).filter(([{ workflow }]) => workflow === process.workflow).length;
        const holders = threadsAtWork(this.#host).filter(([, { start }]) => start.runId === thread.start.runId).length;
        // A run that moves takes no slot: it already had one, even if fewer are allowed now.
        const allowed = thread.moved ? Infinity : this.#plans.get(process.workflow)?.concurrency ?? 0;
        if (isCurrent()) witness.given(thread, active, allowed, holders);
      };
    };
    const manager = new WorkflowManager({
      store: this.#backing.store,
      host,
      clock: this.clock,
      approvers: () => ({ people: new Map(), groups: new Map() }),
      log: () => {},
      onChange: (run) => isCurrent() && witness.changed(run),
      onRoleFailed: () => {},
      onProcessIdle: () => {},
      reportProblem: (message) => isCurrent() && witness.problem(message),
      newRunId: () => assert.fail("every run of this world brings its id"),
    });
    manager.configure([...this.#plans.values()]);
    manager.start();
    return manager;
  }

  #start(workflow: string, runId: string, n: number): void {
    if (!this.#witness.ids.includes(runId)) this.#witness.ids.push(runId);
    const request = { workflow, prompt: "p", payload: { n: n % 2 }, maxRounds: null, runId, causeId: null };
    const started = this.#manager.startRun({ ...request, trigger: { kind: "manual" } });
    this.#witness.expectRun(started, ["STORE_FAILED", "RUN_CONFLICT", "WORKFLOW_UNKNOWN"], (run, disk) => {
      assert.equal(run.workflow, workflow);
      assert.deepEqual(run.payload, request.payload, "attaching never gives the run of another input");
      assert.ok(disk !== null, "the caller is answered when the run is on disk");
    });
  }

  #kill(runId: string): void {
    this.#witness.killAsked(runId);
    const killed = this.#manager.killRun(runId, null);
    this.#witness.expectRun(killed, ["STORE_FAILED", "RUN_UNKNOWN", "RUN_ENDED"], (run, disk) => {
      assert.equal(run.status, "killed");
      assert.deepEqual(disk, run, "a kill is on disk before it is told");
    });
  }

  #move(runId: string, to: "paused" | "resumed", acceptCode = false): void {
    if (to === "paused") this.#witness.killAsked(runId, false);
    const moved = to === "paused" ? this.#manager.pauseRun(runId, null) : this.#manager.resumeRun(runId, acceptCode);
    this.#witness.expectRun(moved, ["STORE_FAILED", "RUN_UNKNOWN", "RUN_ENDED"], () => {});
  }

  /** A process reports about a run that it does not hold, or another attempt or round: the manager ignores it. */
  #forge(a: number, b: number): void {
    const process = pick(this.#host.processes, a), runId = pick(this.#witness.ids, b);
    if (process === undefined || runId === undefined) return;
    const before = this.#backing.store.get(runId);
    forge(this.#manager, process, runId, b);
    assert.deepEqual(this.#backing.store.get(runId), before, "what a process has no right to say changes nothing");
  }

  #replace(workflow: string): void {
    this.#host.replace(workflow);
    this.#manager.onCodeReplaced(workflow);
  }

  #die(a: number, outside: boolean): void {
    const process = pick(this.#host.processes.filter(({ alive }) => alive), a);
    if (process === undefined) return;
    const atWork = threadsAtWork(this.#host).filter(([its, thread]) => its === process && !thread.waits);
    for (const [, { start, messages }] of atWork) {
      if (!outside) this.#witness.died(start.runId, messages.length + 1, atWork.length + process.closing.size === 1);
    }
    this.#host.end(process);
    this.#manager.onProcessExit(process.id, { kind: outside ? "outside" : "crash", message: "gone" });
  }

  #configure(a: number, b: number): void {
    if (b % 5 === 0) this.#plans.delete("queues");
    else this.#plans.set("queues", plan("queues", 1 + a % 3, "queue", 1 + b % 4));
    if (b % 7 === 0) this.#plans.delete("frees");
    else this.#plans.set("frees", plan("frees", 1 + b % 3, "queue", 1 + a % 4, "release"));
    this.#manager.configure([...this.#plans.values()]);
  }

  async #restart(kill9: boolean): Promise<void> {
    if (!kill9) await this.#stopManager();
    for (const process of this.#host.processes) this.#host.end(process);
    // First: nothing that the killed manager does while its store closes may be seen.
    this.#host = new FakeHost();
    this.#backing = await this.#backing.reopen(kill9);
    this.clock = new FakeClock(this.clock.now());
    this.#witness.restarted(this.#backing);
    this.#manager = this.#newManager();
  }

  async #stopManager(): Promise<void> {
    await stopSlowly(this.#manager, async () => {
      await this.clock.tick(500);
      await this.#backing.settle();
    });
  }

  #unfinished(): string[] {
    return this.#witness.ids.filter((id) => {
      const run = this.#backing.run(id);
      return run !== null && !isTerminal(run.status);
    });
  }

  #open(): boolean {
    const busy = ({ id }: FakeProcess) => this.#manager.isBusy(id); // Until a refused message is tried again.
    return this.#unfinished().length > 0 || this.#witness.isUnclosed(this.#plans.keys()) ||
      this.#manager.readLoads().some(({ active, queued, waiting, paused }) => active + queued + waiting + paused > 0) ||
      this.#host.processes.some(busy);
  }

  async #settle(): Promise<void> {
    for (let turn = 0; turn < settleTurns; turn++) {
      for (; this.#hashing > 0; this.#hashing--) await sha256(new Uint8Array(1));
      await this.#backing.settle();
      await this.clock.tick(0);
    }
  }
}
