/**
 * The composition root: makes every part, wires them, starts and stops them in order. It decides nothing itself; what
 * happens to senses is in manager.ts, to runs in workflow/, to processes in process/. Made by `nerve run` and by
 * whoever embeds nerve through mod.ts.
 * I1. Sinks start first, sources last; stop is the reverse.
 * I2. User code is never evaluated here.
 */
import { Broadcast, type Subscription } from "../base/broadcast.ts";
import { systemClock } from "../base/clock.ts";
import { NerveError } from "../base/errors.ts";
import type { Clock } from "../base/time.ts";
import { makeRuntimeFolder } from "../config/runtime_folder.ts";
import type { NerveConfig } from "../config/types.ts";
import { type WorkspacePaths, workspacePaths } from "../config/workspace.ts";
import type { ComputeResult, Health, StartRunRequest } from "../protocol/api.ts";
import { unknownSense } from "../protocol/common_errors.ts";
import type { KernelEvent } from "../protocol/event.ts";
import type { JsonObject } from "../protocol/json.ts";
import type { LogType, NewLogRow } from "../protocol/log.ts";
import type { Run } from "../protocol/run.ts";
import { finishRestore } from "../store/maintenance/backup.ts";
import { openStore, type Store } from "../store/store.ts";
import { lockWorkspace, type WorkspaceLock } from "../store/workspace_lock.ts";
import type { KernelApi } from "./kernel_api.ts";
import { type KernelParts, wireKernel } from "./wiring.ts";
import { WriteFailures } from "./write_failures.ts";

export interface KernelOptions {
  /** Default: the system's clock. */
  readonly clock?: Clock;
  /**
   * Follow changes of nerve.yaml, senses/, workflows/ and lib/ by itself. Default: false, they are followed when
   * `view.reload()` says so.
   */
  readonly watch?: boolean;
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
  return new Kernel(config, workspacePaths(root), options.clock ?? systemClock, options.watch ?? false);
}

export class Kernel {
  /** Resolves when everything is started. */
  readonly ready: Promise<void>;
  readonly startedAt: number;
  readonly paths: WorkspacePaths;
  readonly #config: NerveConfig;
  readonly #watch: boolean;
  readonly #clock: Clock;
  readonly #bus = new Broadcast<KernelEvent>();
  #parts: KernelParts | null = null;
  #lock: WorkspaceLock | null = null;
  #stopping: Promise<void> | null = null;
  readonly #stopped = Promise.withResolvers<void>();

  constructor(config: NerveConfig, paths: WorkspacePaths, clock: Clock, watch: boolean) {
    this.#config = config;
    this.#watch = watch;
    this.paths = paths;
    this.#clock = clock;
    this.startedAt = clock.now();
    this.ready = this.#start();
    // Whoever does not await `ready` still learns of it through `stopped`; it is no stray rejection.
    this.ready.catch(() => {});
  }

  /** The configuration in force. */
  get config(): NerveConfig {
    return this.#parts?.current.config ?? this.#config;
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
  get api(): KernelApi {
    return this.#running().api;
  }

  health(): Health {
    return this.api.health();
  }

  /** Resolves with what became of the compute that answers this trigger. Throws SENSE_UNKNOWN. */
  async triggerSense(name: string): Promise<ComputeResult> {
    const taken = this.api.triggerSense(name);
    if (taken === null) throw unknownSense(name, this.api.senses().map((sense) => sense.name));
    return await taken.outcome();
  }

  /** The run is on disk when this resolves. Throws WORKFLOW_UNKNOWN, PAYLOAD_INVALID, RUN_CONFLICT. */
  async startWorkflow(name: string, request: StartRunRequest = {}): Promise<Run> {
    return await this.api.startRun(name, request);
  }

  /** Stops in order: no new computes, those under way abort, roles get their time, processes end, the log is closed. */
  stop(): Promise<void> {
    return this.#stopOnce(false);
  }

  /** As `stop`, but nothing gets time: its processes are killed first. Runs go on at the next start, if their data is there. */
  abandon(): Promise<void> {
    return this.#stopOnce(true);
  }

  /** Ends all processes now. What is on disk stays good: the next start goes on from there. */
  stopAtOnce(): void {
    void this.#parts?.reload.stop();
    this.#parts?.supervisor.killAll();
  }

  #stopOnce(now: boolean): Promise<void> {
    this.#stopping ??= this.#stop(now).finally(() => this.#stopped.resolve());
    return this.#stopping;
  }

  #running(): KernelParts {
    if (this.#parts === null) {
      throw new NerveError("DAEMON_MISSING", "the kernel is not running", { hint: "await ready" });
    }
    return this.#parts;
  }

  async #start(): Promise<void> {
    const { paths } = this, clock = this.#clock;
    let store: Store | null = null;
    try {
      await makeRuntimeFolder(paths);
      this.#lock = await lockWorkspace(paths.lockFile, paths.pidFile, paths.root);
      await finishRestore(paths);
      for (const folder of [paths.data, paths.senseDatabases, paths.blobs]) {
        await Deno.mkdir(folder, { recursive: true, mode: 0o700 });
      }
      const failures = new WriteFailures(clock, (message) => {
        this.#bus.publish({ kind: "problem", source: "kernel", message, ts: clock.now() });
      });
      store = openStore(paths.logDatabase, clock, {
        archiveFolder: paths.archive,
        onLost: (error, operations) => failures.report(error, operations),
      });
      const parts = wireKernel({
        store,
        config: this.#config,
        paths,
        clock,
        startedAt: this.startedAt,
        failures,
        emit: (event) => this.#bus.publish(event),
      });
      this.#parts = parts;
      store.log.append(kernelRow("kernel.started", { pid: Deno.pid }));
      // Before any process loads what is on disk: what changes from now on is noticed.
      if (this.#watch) parts.watcher.start();
      await parts.reload.begin();
      parts.workflows.start();
      parts.scheduler.start();
      parts.retention.start();
    } catch (thrown) {
      await this.#parts?.watcher.stop();
      await store?.close();
      this.#lock?.release();
      this.#bus.close();
      this.#stopped.resolve();
      throw thrown;
    }
  }

  async #stop(now: boolean): Promise<void> {
    await this.ready.catch(() => {});
    const parts = this.#parts;
    if (parts === null) return;
    const { watcher, reload, scheduler, runner, workflows, supervisor, repeats, feed, store } = parts;
    await Promise.all([watcher.stop(), reload.stop(), parts.retention.stop()]);
    scheduler.stop();
    const over = Promise.all([runner.stop(), workflows.stop(now ? 0 : undefined)]);
    if (now) supervisor.killAll();
    await over;
    await supervisor.stop();
    repeats.flush();
    store.log.append(kernelRow("kernel.stopped", { pid: Deno.pid }));
    await store.close();
    feed.close();
    this.#lock?.release();
    this.#bus.close();
  }
}

function kernelRow(type: LogType, payload: JsonObject): NewLogRow {
  return { source: "kernel", type, refId: null, causeId: null, payload };
}
