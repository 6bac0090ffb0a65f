/**
 * A supervisor with real processes on a fake clock, for tests of when processes start and end. This file stands in for
 * the kernel: a test sets what is due and what is running.
 */
import assert from "node:assert/strict";
import { listSocketFolders } from "../../src/config/runtime_folder.ts";
import { type WorkspacePaths, workspacePaths } from "../../src/config/workspace.ts";
import { planUnits } from "../../src/deploy/unit_plans.ts";
import type { ProcessEnd } from "../../src/process/exit_cause.ts";
import type { SupervisorPorts } from "../../src/process/ports.ts";
import type { StartOrder } from "../../src/process/start_queue.ts";
import { systemIsolation } from "../../src/process/isolation.ts";
import { UnitSupervisor } from "../../src/process/unit_supervisor.ts";
import type { UnitProcess } from "../../src/process/unit_process.ts";
import type { FromProcess } from "../../src/protocol/message.ts";
import type { ComputeOutcome, Trigger } from "../../src/protocol/signal.ts";
import type { UnitKey } from "../../src/protocol/unit.ts";
import { FakeClock } from "./fake_clock.ts";
import {
  makeWorkspace,
  noProcessIn,
  within,
  type WorkspaceFixture,
  type WorkspaceOptions,
} from "./workspace_fixture.ts";

export interface Ended {
  readonly key: UnitKey;
  readonly pid: number | null;
  readonly end: ProcessEnd;
  readonly isWanted: boolean;
}

const manual: Trigger = { kind: "manual", causeId: null, coalesced: 0 };

export class SupervisedWorkspace implements SupervisorPorts, AsyncDisposable {
  readonly clock = new FakeClock();
  readonly supervisor: UnitSupervisor;
  readonly ended: Ended[] = [];
  readonly messages: FromProcess[] = [];
  readonly output: string[] = [];
  readonly quarantines: string[] = [];
  readonly notStarted: string[] = [];
  available = 0;
  /** Wall time at which the units are next needed. */
  due: number | null = null;
  /** Whether every process has work in progress. */
  working = false;
  readonly #workspace: WorkspaceFixture;
  #wake = Promise.withResolvers<void>();
  #computes = 0;

  static async make(options: WorkspaceOptions): Promise<SupervisedWorkspace> {
    const workspace = await makeWorkspace(options), { paths } = workspace;
    for (const folder of [paths.senseDatabases, paths.blobs]) Deno.mkdirSync(folder, { recursive: true });
    const made = new SupervisedWorkspace(workspace);
    for (const plan of planUnits(await workspace.config(), workspacePaths(workspace.root))) {
      made.supervisor.putUnit(plan);
    }
    return made;
  }

  private constructor(workspace: WorkspaceFixture) {
    this.#workspace = workspace;
    const socketFolders = listSocketFolders(workspace.paths), isolation = systemIsolation();
    const launch = { socketFolders, workspace: workspace.root, tempFolder: null, isolation };
    this.supervisor = new UnitSupervisor(launch, this.clock);
    this.supervisor.connect(this);
  }

  get paths(): WorkspacePaths {
    return this.#workspace.paths;
  }

  /** The unit's process, started if there is none; null while it may not start. */
  findProcess(key: UnitKey, order: StartOrder = { asked: false, dueAt: 0 }): UnitProcess | null {
    return this.supervisor.getOrStartProcess(key, order);
  }

  /** Like `findProcess`, for a unit that may start. */
  process(key: UnitKey): UnitProcess {
    const process = this.findProcess(key);
    assert.ok(process !== null, `${key} may not start: ${this.supervisor.downReasonOf(key)}`);
    return process;
  }

  /** Resolves with the process once it is ready. */
  async ready(key: UnitKey): Promise<UnitProcess> {
    const process = this.process(key);
    await this.until(() => process.ready || !process.usable, `${key} to be ready`);
    return process;
  }

  /** Runs one compute in a process without the supervisor, which does not notice that the unit was needed. */
  async compute(process: UnitProcess, sense: string): Promise<ComputeOutcome> {
    const id = ++this.#computes;
    process.send({ t: "compute", id, sense, trigger: manual, signals: [], deliveries: [], key: null, taken: null });
    const answer = () => this.messages.find((message) => message.t === "outcome" && message.id === id);
    await this.until(() => answer() !== undefined || !process.usable, `a compute of ${sense}`);
    const message = answer();
    if (message?.t !== "outcome") assert.fail(`${sense} gave no answer: ${JSON.stringify(this.ended.at(-1))}`);
    return message.outcome;
  }

  /** Lets fake time pass in steps in which the process can answer its heartbeats, as it does in real time. */
  async pass(process: UnitProcess, sense: string, ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= 5_000) {
      await this.clock.tick(Math.min(left, 5_000));
      if (process.usable) await this.compute(process, sense);
    }
  }

  /** Resolves when `holds` does; it is checked whenever a process has sent something or ended. */
  async until(holds: () => boolean, what: string): Promise<void> {
    const story = () =>
      JSON.stringify({ ended: this.ended, messages: this.messages.slice(-5), output: this.output.slice(-5) });
    while (!holds()) await within(this.#wake.promise, what, story);
  }

  async gone(process: UnitProcess): Promise<Ended> {
    const found = () => this.ended.find(({ pid }) => pid === process.pid);
    await this.until(() => found() !== undefined, `the end of process ${process.pid}`);
    return found() as Ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await within(this.supervisor.stop(), "the supervisor to stop");
    await noProcessIn(this.#workspace.root);
    await this.#workspace[Symbol.asyncDispose]();
  }

  onNotStarted(_key: UnitKey, reason: string): void {
    this.notStarted.push(reason);
    this.#happened();
  }

  onReady(): void {
    this.#happened();
  }

  onMessage(_key: UnitKey, _process: UnitProcess, message: FromProcess): void {
    this.messages.push(message);
    this.#happened();
  }

  onPrograms(): void {}

  onBurning(): void {}

  onOutput(_key: UnitKey, line: string): void {
    this.output.push(line);
    this.#happened();
  }

  explainEnd(_process: UnitProcess, end: ProcessEnd): ProcessEnd {
    return end;
  }

  onEnd(key: UnitKey, process: UnitProcess, end: ProcessEnd, isWanted: boolean): void {
    this.ended.push({ key, pid: process.pid, end, isWanted });
    this.#happened();
  }

  onQuarantined(_key: UnitKey, reason: string): void {
    this.quarantines.push(reason);
    this.#happened();
  }

  onAvailable(): void {
    this.available++;
    this.#happened();
  }

  isBusy(): boolean {
    return this.working;
  }

  nextDueAt(): number | null {
    return this.due;
  }

  #happened(): void {
    this.#wake.resolve();
    this.#wake = Promise.withResolvers();
  }
}
