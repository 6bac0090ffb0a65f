/**
 * The composition root: makes every part, wires them, starts and stops them in order. It decides nothing itself; what
 * happens to senses is in sense_desk.ts, to runs in workflow/, to processes in process/. Made by `nerve run` and by
 * whoever embeds nerve through mod.ts.
 * I1. Sinks start first, sources last; stop is the reverse.
 * I2. User code is never evaluated here.
 */
import { type Clock, systemClock } from "../base/clock.ts";
import { NerveError } from "../base/errors.ts";
import { SignalBus, type Subscription } from "../bus/signal_bus.ts";
import { makeRuntimeFolder } from "../config/private_folder.ts";
import type { NerveConfig } from "../config/types.ts";
import { type WorkspacePaths, workspacePaths } from "../config/workspace.ts";
import { Supervisor } from "../process/supervisor.ts";
import type { ComputeResult, Health, StartRunRequest } from "../protocol/api.ts";
import type { KernelEvent } from "../protocol/event.ts";
import type { JsonObject } from "../protocol/json.ts";
import type { LogRow, LogType, NewLogRow } from "../protocol/log.ts";
import type { Run, RunTrigger } from "../protocol/run.ts";
import { Scheduler } from "../scheduler/scheduler.ts";
import { openStore, type Store } from "../store/store.ts";
import { WorkflowManager } from "../workflow/manager.ts";
import { ComputeIds } from "./compute_ids.ts";
import { ComputeRunner } from "./compute_runner.ts";
import { lockWorkspace, type WorkspaceLock } from "./lock.ts";
import { FoldedRows } from "./folded_rows.ts";
import { computeLimits, schedulePlans, workflowPlans } from "./plans.ts";
import { RowFeed } from "./row_feed.ts";
import { SenseDesk } from "./sense_desk.ts";
import { UnitDesk } from "./unit_desk.ts";
import { planUnits } from "./units.ts";
import { KernelViews } from "./views.ts";
import { SupervisedWorkflows } from "./workflow_host.ts";

export interface KernelOptions {
  /** Default: the system's clock. */
  readonly clock?: Clock;
}

/**
 * Starts a kernel for the workspace at `root` with a checked configuration.
 * @throws nothing by itself: `ready` rejects with NerveError DAEMON_RUNNING when another daemon holds the workspace,
 * and with whatever kept the store from opening.
 * @example
 * ```ts
 * const kernel = createKernel(config, "/srv/watch");
 * await kernel.ready;
 * for await (const event of kernel.events()) console.log(event.kind);
 * ```
 */
export function createKernel(config: NerveConfig, root: string, options: KernelOptions = {}): Kernel {
  return new Kernel(config, workspacePaths(root), options.clock ?? systemClock);
}

export class Kernel {
  /** Resolves when everything is started. */
  readonly ready: Promise<void>;
  readonly startedAt: number;
  readonly paths: WorkspacePaths;
  readonly config: NerveConfig;
  readonly #clock: Clock;
  readonly #bus = new SignalBus<KernelEvent>();
  #parts: Parts | null = null;
  #lock: WorkspaceLock | null = null;
  #stopping: Promise<void> | null = null;
  readonly #stopped = Promise.withResolvers<void>();

  constructor(config: NerveConfig, paths: WorkspacePaths, clock: Clock) {
    this.config = config;
    this.paths = paths;
    this.#clock = clock;
    this.startedAt = clock.now();
    this.ready = this.#start();
    // Whoever does not await `ready` still learns of it through `stopped`; it is no stray rejection.
    this.ready.catch(() => {});
  }

  /** Resolves when the kernel has stopped, on whose word ever. */
  get stopped(): Promise<void> {
    return this.#stopped.promise;
  }

  /** Everything that happens from now on; ends when the kernel has stopped. */
  events(): Subscription<KernelEvent> {
    return this.#bus.subscribe();
  }

  /** What the control API asks for. */
  get view(): KernelViews {
    return this.#running().views;
  }

  health(): Health {
    return this.view.health();
  }

  /** Resolves with what became of the compute that answers this trigger. Throws SENSE_UNKNOWN. */
  async triggerSense(name: string): Promise<ComputeResult> {
    const taken = this.view.triggerSense(name);
    if (taken === null) {
      throw new NerveError("SENSE_UNKNOWN", `there is no sense ${name}`, { hint: "nerve sense list" });
    }
    return await taken.outcome;
  }

  /** The run is on disk when this resolves. Throws WORKFLOW_UNKNOWN, PAYLOAD_INVALID, RUN_CONFLICT. */
  async startWorkflow(name: string, request: StartRunRequest = {}): Promise<Run> {
    return await this.view.startRun(name, request);
  }

  /** Stops in order: no new computes, those under way abort, roles get their time, processes end, the log is closed. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop().finally(() => this.#stopped.resolve());
    return this.#stopping;
  }

  /** Ends all processes now. What is on disk stays good: the next start goes on from there. */
  stopAtOnce(): void {
    this.#parts?.supervisor.killAll();
  }

  #running(): Parts {
    if (this.#parts === null) {
      throw new NerveError("DAEMON_MISSING", "the kernel is not running", { hint: "await ready" });
    }
    return this.#parts;
  }

  async #start(): Promise<void> {
    const { paths, config } = this, clock = this.#clock;
    let store: Store | null = null;
    try {
      await makeRuntimeFolder(paths);
      this.#lock = await lockWorkspace(paths.lockFile, paths.pidFile, paths.root);
      for (const folder of [paths.data, paths.senseDatabases, paths.blobs]) {
        await Deno.mkdir(folder, { recursive: true, mode: 0o700 });
      }
      const onLost = ({ message }: NerveError, operations: number) => {
        const text = `${operations} rows are lost: ${message}`;
        this.#bus.publish({ kind: "problem", source: "kernel", message: text, ts: clock.now() });
      };
      store = openStore(paths.logDatabase, clock, { onLost });
      const parts = makeParts(store, config, paths, clock, this.#bus, this.startedAt);
      this.#parts = parts;
      store.log.append(kernelRow("kernel.started", { pid: Deno.pid }));
      parts.workflows.start();
      parts.scheduler.start();
    } catch (thrown) {
      await store?.close();
      this.#lock?.release();
      this.#bus.close();
      this.#stopped.resolve();
      throw thrown;
    }
  }

  async #stop(): Promise<void> {
    await this.ready.catch(() => {});
    const parts = this.#parts;
    if (parts === null) return;
    const { scheduler, runner, workflows, supervisor, folded, feed, store } = parts;
    scheduler.stop();
    await Promise.all([runner.stop(), workflows.stop()]);
    await supervisor.stop();
    folded.flush();
    store.log.append(kernelRow("kernel.stopped", { pid: Deno.pid }));
    await store.close();
    feed.close();
    this.#lock?.release();
    this.#bus.close();
  }
}

/** Everything that exists only while the kernel runs. */
export interface Parts {
  readonly store: Store;
  readonly feed: RowFeed;
  readonly folded: FoldedRows;
  readonly supervisor: Supervisor;
  readonly runner: ComputeRunner;
  readonly desk: SenseDesk;
  readonly units: UnitDesk;
  readonly workflows: WorkflowManager;
  readonly scheduler: Scheduler;
  readonly views: KernelViews;
}

function makeParts(
  store: Store,
  config: NerveConfig,
  paths: WorkspacePaths,
  clock: Clock,
  bus: SignalBus<KernelEvent>,
  startedAt: number,
): Parts {
  const emit = (event: KernelEvent) => bus.publish(event);
  const append = (row: NewLogRow): LogRow => store.log.append(row);
  const feed = new RowFeed(store.reader);
  store.onCommit(() => feed.committed());
  const folded = new FoldedRows(clock, append);
  const units: UnitDesk = new UnitDesk(config, clock, { append, folded, emit, parts: () => parts });
  const supervisor = new Supervisor({ runtimeFolder: paths.runtimeFolder, workspace: paths.root }, clock, units);
  const runner = new ComputeRunner(supervisor, clock);
  const workflows = new WorkflowManager({
    store: store.runs,
    host: new SupervisedWorkflows(supervisor),
    clock,
    log: append,
    onChange: (run) => emit({ kind: "run", run }),
    onProcessFree: (processId) => supervisor.releasedProcess(processId),
    newRunId: store.newRunId,
    problem: (message) => emit({ kind: "problem", source: "kernel", message, ts: clock.now() }),
  });
  const desk = new SenseDesk(runner, clock, {
    append,
    folded,
    emit,
    signalled: (signal) => scheduler.signalled(signal),
    isWorkflow: (name) => config.workflows.has(name),
    startRun: ({ name, maxRounds, prompt }, payload, sense, causeId) => {
      const trigger: RunTrigger = { kind: "sense", sense };
      return workflows.startRun({ workflow: name, prompt, payload, maxRounds, runId: null, trigger, causeId });
    },
  });
  const computeIds = new ComputeIds(store.meta);
  const scheduler = new Scheduler({
    clock,
    newComputeId: () => computeIds.next(),
    starter: {
      compute: (sense, trigger, id) => desk.compute(sense, trigger, id),
      prepare: (sense) => units.prepare(sense),
    },
    listener: {
      nonAction: (sense, reason, { computeId, until, trigger }) => {
        desk.nonAction(sense, reason, { compute: computeId, until }, trigger);
      },
      dropped: (sense, computeId) => desk.dropped(sense, computeId),
      cronTick: (sense, due) => store.meta.set(`cron:${sense}`, String(due)),
    },
  });
  for (const plan of planUnits(config, paths)) supervisor.plan(plan);
  for (const limits of computeLimits(config)) desk.plan(limits);
  workflows.configure(workflowPlans(config));
  scheduler.setPlans(schedulePlans(config, (sense) => toNumber(store.meta.get(`cron:${sense}`))));
  const views = new KernelViews({ config, paths, clock, startedAt, reader: store.reader, parts: () => parts });
  const parts: Parts = { store, feed, folded, supervisor, runner, desk, units, workflows, scheduler, views };
  return parts;
}

function kernelRow(type: LogType, payload: JsonObject): NewLogRow {
  return { source: "kernel", type, refId: null, causeId: null, payload };
}

function toNumber(text: string | null): number | null {
  const value = text === null ? NaN : Number(text);
  return Number.isFinite(value) ? value : null;
}
