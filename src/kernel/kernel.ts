/**
 * The kernel: has wiring.ts create every part, then starts and stops them in order. It makes no decisions itself:
 * sensing/ handles senses, workflow/ runs, process/ processes. Created by cli/commands/run.ts,
 * daemon/kernel_process.ts, and daemon/embedded_kernel.ts for programs that embed nerve.
 * I1. Sinks start first, sources last; stop is the reverse.
 * I2. User code is never evaluated here.
 */
import { Broadcast, type Subscription } from "../base/broadcast.ts";
import { systemClock } from "../base/clock.ts";
import { NerveError } from "../base/errors.ts";
import { describeMissingInit, missingInitHint } from "../base/init_process.ts";
import { ifPresentAsync } from "../base/if_present.ts";
import { describeUnheld } from "../base/landlock.ts";
import type { Clock } from "../base/time.ts";
import { makeRuntimeFolder } from "../config/runtime_folder.ts";
import { requireTrustedWorkspace } from "../config/trust.ts";
import type { NerveConfig } from "../config/types.ts";
import { type WorkspacePaths, workspacePaths } from "../config/workspace.ts";
import { PermissionLockInForce } from "../deploy/permission_lock.ts";
import { type Isolation, requireIsolation, systemIsolation } from "../process/isolation.ts";
import { endLeftovers } from "../process/program_ends.ts";
import type { ComputeResult, Health, StartRunRequest } from "../protocol/api.ts";
import { unknownSense } from "../protocol/common_errors.ts";
import type { KernelEvent } from "../protocol/event.ts";
import type { JsonObject } from "../protocol/json.ts";
import type { HolderName } from "../protocol/lock_holder.ts";
import type { LogType, NewLogRow } from "../protocol/log.ts";
import type { Run } from "../protocol/run.ts";
import { mendData } from "../store/maintenance/mend_data.ts";
import { finishRestore } from "../store/maintenance/restore.ts";
import { openStore, type Store } from "../store/store.ts";
import { lockWorkspace, type WorkspaceLock } from "../store/workspace_lock.ts";
import type { KernelApi } from "./kernel_api.ts";
import { lookAtRunFiles } from "./run_files.ts";
import { type KernelParts, wireKernel } from "./wiring.ts";
import { DiskReserve } from "./disk_reserve.ts";
import { WriteFailures } from "./write_failures.ts";

export interface KernelSetup {
  /** Who holds the workspace's lock while the kernel runs. */
  readonly holder: HolderName;
  /** Default: the system's clock. */
  readonly clock?: Clock;
  /** Watch nerve.yaml, senses/, workflows/ and lib/, and apply changes. Default: only `api.reload()` does. */
  readonly watch?: boolean;
  /** How user code is isolated. Default: with all that this system offers. */
  readonly isolation?: Isolation;
  /** Starts a part that is not the kernel's own, such as the control API: it starts last and stops first. */
  readonly beside?: (kernel: Kernel) => Promise<KernelCompanion>;
}

export interface KernelCompanion {
  stop(): Promise<void>;
}

export class Kernel {
  /**
   * Resolves when everything has started. Rejects with NerveError DAEMON_RUNNING if another kernel runs in the
   * workspace, and with the store's error if the store cannot be opened.
   */
  readonly ready: Promise<void>;
  readonly startedAt: number;
  readonly paths: WorkspacePaths;
  readonly #config: NerveConfig;
  readonly #setup: KernelSetup;
  /** The kernel's own parts have started. */
  readonly #started: Promise<void>;
  readonly #clock: Clock;
  readonly #startedMonotonic: number;
  readonly #reserve: DiskReserve;
  readonly #bus = new Broadcast<KernelEvent>();
  #parts: KernelParts | null = null;
  #lock: WorkspaceLock | null = null;
  #companion: Promise<KernelCompanion> | null = null;
  #stopping: Promise<void> | null = null;
  readonly #stopped = Promise.withResolvers<void>();

  /** Begins to start a kernel for the workspace at `root` with a validated configuration. Does not throw: see `ready`. */
  constructor(config: NerveConfig, root: string, setup: KernelSetup) {
    this.#config = config;
    this.#setup = setup;
    this.paths = workspacePaths(root);
    this.#clock = setup.clock ?? systemClock;
    this.startedAt = this.#clock.now();
    this.#startedMonotonic = this.#clock.monotonic();
    const { data } = this.paths, report = (message: string) => this.reportProblem(message);
    this.#reserve = new DiskReserve(`${data}/reserve`, this.#clock, report);
    this.#started = this.#start();
    this.ready = this.#started.then(() => this.#startCompanion());
    // A caller that does not await `ready` can use `stopped`; the rejection must not count as unhandled.
    this.ready.catch(() => {});
  }

  /** The configuration in force. */
  get config(): NerveConfig {
    return this.#parts?.current.config ?? this.#config;
  }

  /** Resolves when the kernel has stopped, for any reason. */
  get stopped(): Promise<void> {
    return this.#stopped.promise;
  }

  /** All events from now on. Ends when the kernel has stopped. */
  events(): Subscription<KernelEvent> {
    return this.#bus.subscribe();
  }

  /** Publishes a problem of the kernel itself, or of its companion. */
  reportProblem(message: string): void {
    this.#bus.publish({ kind: "problem", source: "kernel", message, ts: this.#clock.now() });
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
    void Promise.all([this.#parts?.reload.stop(), this.#parts?.agents.stop()]);
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
    const { paths } = this, clock = this.#clock, isolation = this.#setup.isolation ?? systemIsolation();
    let store: Store | null = null;
    try {
      requireIsolation(this.#config.isolation, isolation);
      requireTrustedWorkspace(paths);
      makeRuntimeFolder(paths);
      this.#lock = await lockWorkspace(paths.lockFile, paths.pidFile, paths.root, this.#setup.holder);
      const leftovers = endLeftovers(paths.root);
      await finishRestore(paths);
      // A kernel that was killed left this.
      await ifPresentAsync(() => Deno.remove(paths.temp, { recursive: true }));
      // Not the workspace itself: it may have just been removed.
      const mended = mendData(paths, this.startedAt);
      const failures = new WriteFailures(clock, (message) => this.reportProblem(message));
      store = this.#openStore(failures);
      const parts = wireKernel({
        store,
        config: this.#config,
        lock: await PermissionLockInForce.open(paths),
        paths,
        clock,
        startedAt: this.startedAt,
        startedMonotonic: this.#startedMonotonic,
        failures,
        isolation,
        emit: (event) => this.#bus.publish(event),
      });
      this.#parts = parts;
      this.#tellStart(store, mended, isolation);
      // Before any process loads code from disk: later changes are then noticed.
      if (this.#setup.watch) parts.watcher.start();
      const swept = await leftovers;
      parts.stuck.onLeftovers(swept);
      if (swept.problem !== null) {
        this.reportProblem(`could not look for programs of an earlier daemon: ${swept.problem}`);
      }
      await parts.reload.begin();
      await parts.agents.start(() => parts.workflows.start());
      await parts.alerting.runner.start();
      parts.scheduler.start();
      parts.schedules.start();
      parts.approvalNotices.start();
      parts.hooking.start();
      parts.access.control.start();
      void parts.tracing.follow(parts.feed);
      parts.outboxes.recover(parts.current.config.senses.keys());
      parts.delivery.start();
      for (const part of [parts.retention, parts.walWatch, this.#reserve]) part.start();
      await lookAtRunFiles(parts, paths.worktrees, (message) => this.reportProblem(message));
    } catch (thrown) {
      await this.#parts?.watcher.stop();
      await store?.close();
      this.#lock?.release();
      this.#bus.close();
      this.#stopped.resolve();
      throw thrown;
    }
  }

  #tellStart({ log }: Store, mended: readonly string[], { landlock }: Isolation): void {
    log.append(createKernelRow("kernel.started", { pid: Deno.pid }));
    for (const message of mended) {
      log.append(createKernelRow("kernel.data_moved", { message }));
      this.reportProblem(message);
    }
    const unheld = describeUnheld(landlock);
    if (unheld !== null) log.append(createKernelRow("kernel.isolation_reduced", { landlock, message: unheld }));
    const missingInit = describeMissingInit(Deno.pid);
    if (missingInit !== null) this.reportProblem(`${missingInit}; ${missingInitHint}`);
  }

  #openStore(failures: WriteFailures): Store {
    return openStore(this.paths.logDatabase, this.#clock, {
      archiveFolder: this.paths.archive,
      reserve: this.#reserve,
      onLost: (error, operations) => failures.report(error, operations),
    });
  }

  /** I1. A companion that cannot start stops the kernel. */
  async #startCompanion(): Promise<void> {
    this.#companion = this.#setup.beside?.(this) ?? null;
    try {
      await this.#companion;
    } catch (thrown) {
      this.#companion = null;
      await this.stop();
      throw thrown;
    }
  }

  async #stop(now: boolean): Promise<void> {
    await this.#started.catch(() => {});
    const parts = this.#parts;
    if (parts === null) return;
    // A companion that could not start rejects `ready`.
    const companion = await this.#companion?.catch(() => null);
    await companion?.stop();
    const { watcher, reload, scheduler, runner, supervisor, repeats, feed, store } = parts;
    await Promise.all([
      watcher.stop(),
      reload.stop(),
      parts.retention.stop(),
      parts.walWatch.stop(),
      parts.delivery.stop(),
      this.#reserve.stop(),
    ]);
    scheduler.stop();
    parts.schedules.stop();
    parts.approvalNotices.stop();
    parts.hooking.stop();
    parts.access.control.stop();
    parts.logBudget.stop();
    const over = Promise.all([runner.stop(), parts.agents.stopRoles(now)]);
    if (now) supervisor.killAll();
    await over;
    await Promise.all([parts.agents.stop(), parts.reports.stop()]);
    await supervisor.stop();
    parts.stuck.stop();
    repeats.flush();
    parts.ticks.store();
    parts.alerting.runner.stop();
    await parts.tracing.stop();
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
