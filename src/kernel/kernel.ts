/**
 * The kernel: has every part created (wiring.ts), and starts and stops them in order. It makes no decisions itself:
 * sensing/ handles senses, workflow/ runs, process/ processes. Created by `nerve run`, and by programs that embed nerve
 * through mod.ts.
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
import { PermissionLockInForce } from "../deploy/permission_lock.ts";
import { endLeftovers } from "../process/program_ends.ts";
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
   * Watch nerve.yaml, senses/, workflows/ and lib/, and apply changes automatically. Default: false; changes are
   * applied when `api.reload()` is called.
   */
  readonly watch?: boolean;
}

/**
 * Starts a kernel for the workspace at `root` with a validated configuration. It does not throw: `ready` rejects with
 * NerveError DAEMON_RUNNING if another daemon runs in the workspace, and with the store's error if the store cannot be
 * opened.
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
  /** Resolves when everything has started. */
  readonly ready: Promise<void>;
  readonly startedAt: number;
  readonly paths: WorkspacePaths;
  readonly #config: NerveConfig;
  readonly #watch: boolean;
  readonly #clock: Clock;
  readonly #startedMonotonic: number;
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
    this.#startedMonotonic = clock.monotonic();
    this.ready = this.#start();
    // A caller that does not await `ready` can use `stopped`; the rejection must not count as unhandled.
    this.ready.catch(() => {});
  }

  /** The configuration in force. */
  get config(): NerveConfig {
    return this.#parts?.current.config ?? this.#config;
  }

  /** Resolves when the kernel has stopped, whoever stopped it. */
  get stopped(): Promise<void> {
    return this.#stopped.promise;
  }

  /** All events from now on. Ends when the kernel has stopped. */
  events(): Subscription<KernelEvent> {
    return this.#bus.subscribe();
  }

  /** The operations behind the control API. */
  get api(): KernelApi {
    return this.#running().api;
  }

  health(): Health {
    return this.api.health();
  }

  /** Resolves with the result of the compute that answers this trigger. Error: SENSE_UNKNOWN. */
  async triggerSense(name: string): Promise<ComputeResult> {
    const accepted = this.api.triggerSense(name);
    if (accepted === null) throw unknownSense(name, this.api.senses().map((sense) => sense.name));
    return await accepted.outcome();
  }

  /** Resolves when the run is on disk. Errors: WORKFLOW_UNKNOWN, PAYLOAD_INVALID, RUN_CONFLICT, STORE_FAILED. */
  async startWorkflow(name: string, request: StartRunRequest = {}): Promise<Run> {
    return await this.api.startRun(name, request);
  }

  /**
   * Stops in order: no new computes, running ones are aborted, roles get time to finish, processes end, the log closes.
   */
  stop(): Promise<void> {
    return this.#stopOnce(false);
  }

  /** Like `stop`, but kills all processes first. Runs resume at the next start, if their data still exists. */
  abandon(): Promise<void> {
    return this.#stopOnce(true);
  }

  /** Kills all processes now. The data on disk stays valid: the next start continues from it. */
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
      const leftovers = endLeftovers(paths.root);
      await finishRestore(paths);
      for (const folder of [paths.data, paths.senseDatabases, paths.blobs]) {
        await Deno.mkdir(folder, { recursive: true, mode: 0o700 });
      }
      const report = (message: string) =>
        this.#bus.publish({ kind: "problem", source: "kernel", message, ts: clock.now() });
      const failures = new WriteFailures(clock, report);
      store = openStore(paths.logDatabase, clock, {
        archiveFolder: paths.archive,
        onLost: (error, operations) => failures.report(error, operations),
      });
      const parts = wireKernel({
        store,
        config: this.#config,
        lock: await PermissionLockInForce.open(paths),
        paths,
        clock,
        startedAt: this.startedAt,
        startedMonotonic: this.#startedMonotonic,
        failures,
        emit: (event) => this.#bus.publish(event),
      });
      this.#parts = parts;
      store.log.append(createKernelRow("kernel.started", { pid: Deno.pid }));
      // Before any process loads code from disk: later changes are then noticed.
      if (this.#watch) parts.watcher.start();
      const swept = await leftovers;
      parts.stuck.onLeftovers(swept);
      if (swept.problem !== null) report(`could not look for programs of an earlier daemon: ${swept.problem}`);
      await parts.reload.begin();
      parts.workflows.start();
      parts.scheduler.start();
      parts.outboxes.recover(parts.current.config.senses.keys());
      parts.listening.resume();
      parts.retention.start();
      parts.walWatch.start();
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
    await Promise.all([watcher.stop(), reload.stop(), parts.retention.stop(), parts.walWatch.stop()]);
    scheduler.stop();
    const over = Promise.all([runner.stop(), workflows.stop(now ? 0 : undefined)]);
    if (now) supervisor.killAll();
    await over;
    await supervisor.stop();
    parts.stuck.stop();
    repeats.flush();
    parts.ticks.store();
    store.log.append(createKernelRow("kernel.stopped", { pid: Deno.pid }));
    await store.close();
    parts.failures.stop();
    feed.close();
    this.#lock?.release();
    this.#bus.close();
  }
}

function createKernelRow(type: LogType, payload: JsonObject): NewLogRow {
  return { source: "kernel", type, refId: null, causeId: null, payload };
}
