/**
 * The operations of the kernel for the control API and embedders: view, start, kill, reset, reload. Created by
 * wiring.ts.
 */
import type { Subscription } from "../base/broadcast.ts";
import type { Clock } from "../base/time.ts";
import { version } from "../base/version.ts";
import { reflexesOf } from "../config/types.ts";
import type { WorkspacePaths } from "../config/workspace.ts";
import type { CurrentConfig } from "../deploy/current_config.ts";
import type { LoadErrors } from "../deploy/load_errors.ts";
import type { PermissionLockInForce } from "../deploy/permission_lock.ts";
import type { Reload } from "../deploy/reload.ts";
import type { VariablesInForce } from "../deploy/variables.ts";
import type { Isolation } from "../process/isolation.ts";
import type { UnitSupervisor } from "../process/unit_supervisor.ts";
import {
  type AcceptedTrigger,
  type ArchiveReply,
  type ArchiveRequest,
  type Health,
  type ReloadReply,
  type SenseView,
  type StartRunRequest,
  type WorkflowView,
} from "../protocol/api.ts";
import { unknownRun } from "../protocol/common_errors.ts";
import type { LogRow } from "../protocol/log.ts";
import type { PageReader, Records } from "../protocol/queries.ts";
import type { Run } from "../protocol/run.ts";
import { formatReflex, formatSchedule } from "../protocol/schedule_text.ts";
import { formatPlace } from "../protocol/signal_text.ts";
import type { HandedSignal } from "../protocol/signal.ts";
import { groupKey, type UnitKey, workflowKey } from "../protocol/unit.ts";
import type { Scheduler } from "../scheduler/scheduler.ts";
import type { SenseManager } from "../sensing/manager.ts";
import type { WorkflowSchedules } from "./workflow_schedules.ts";
import type { AlertWiring, ShownAlerts } from "./alert_wiring.ts";
import type { AccessWiring } from "./access_wiring.ts";
import type { HookWiring } from "./hook_wiring.ts";
import type { ShownReader } from "./current_secrets.ts";
import { DashboardReads } from "./dashboard_reads.ts";
import { toFork } from "./fork.ts";
import type { SignalDelivery } from "./signal_delivery.ts";
import { describeState, type SensePauses } from "./sense_pauses.ts";
import { toStartTime } from "./start_time.ts";
import type { LogFeed } from "./log_feed.ts";
import type { LogRetention } from "./log_retention.ts";
import { toManualTrigger, toTriggeredRow } from "./manual_trigger.ts";
import type { ProcessEvents } from "./process_events.ts";
import type { StuckPrograms } from "./stuck_programs.ts";
import type { TraceWiring } from "./trace_wiring.ts";
import { UnitViews } from "./unit_views.ts";
import { WaitsApi, type WaitsApiPorts } from "./waits_api.ts";

export interface KernelApiPorts extends WaitsApiPorts {
  readonly current: CurrentConfig;
  readonly lock: PermissionLockInForce;
  readonly variables: VariablesInForce;
  readonly paths: WorkspacePaths;
  readonly clock: Clock;
  readonly isolation: Isolation;
  readonly startedAt: number;
  /** The same moment in monotonic time. */
  readonly startedMonotonic: number;
  readonly reader: ShownReader;
  readonly pages: PageReader;
  readonly feed: LogFeed;
  readonly retention: LogRetention;
  readonly supervisor: UnitSupervisor;
  readonly events: ProcessEvents;
  readonly stuck: StuckPrograms;
  readonly senses: SenseManager;
  readonly scheduler: Scheduler;
  readonly schedules: WorkflowSchedules;
  readonly errors: LoadErrors;
  readonly reload: Reload;
  readonly alerting: AlertWiring;
  readonly hooking: HookWiring;
  readonly access: AccessWiring;
  readonly tracing: TraceWiring;
  readonly delivery: SignalDelivery;
}

export class KernelApi extends WaitsApi {
  readonly #ports: KernelApiPorts;
  readonly #units: UnitViews;
  readonly pages: PageReader;
  readonly alerts: ShownAlerts;
  readonly hooks: HookWiring;
  readonly access: AccessWiring;
  readonly dashboard: DashboardReads;
  readonly pauses: SensePauses;
  /** Runs started by request. Runs that senses start are counted with the senses. */
  #runsByRequest = 0;

  constructor(ports: KernelApiPorts) {
    super(ports);
    this.#ports = ports;
    this.pages = ports.pages;
    this.hooks = ports.hooking;
    this.access = ports.access;
    this.dashboard = new DashboardReads(ports);
    this.alerts = ports.alerting.shown;
    this.pauses = ports.delivery.pauses;
    this.#units = new UnitViews({
      ...ports,
      findFault: (key, sense) => this.#findFault(key, sense),
      findWorkflowFault: (workflow) => this.#findWorkflowFault(workflow),
    });
  }

  /** For embedders: reads immediately, on the caller's thread. */
  get records(): Records {
    const { reader } = this.#ports;
    // Records must include everything that has been reported to callers.
    this.#ports.store.flush();
    return {
      runs: (query) => reader.runs(query),
      run: (runId) => reader.run(runId),
      messages: (runId, query) => reader.messages(runId, query),
      logs: (filter) => reader.logs(filter),
    };
  }

  run(runId: string): Run | null {
    return this.records.run(runId);
  }

  /** Resolves when reads see everything published so far: a signal is published before its row is written. */
  recorded(): Promise<void> {
    return this.#ports.store.recorded();
  }

  followLog(): Subscription<LogRow> {
    const { feed, store } = this.#ports;
    store.flush();
    return feed.follow();
  }

  /** Reads the memory that `health` shows, without blocking other work. */
  prepareHealth(): Promise<void> {
    return this.#units.refreshMemory();
  }

  health(): Health {
    const { paths, clock, startedAt, startedMonotonic, current, events, workflows, store, secrets } = this.#ports;
    const loads = workflows.readLoads(), held = [...workflows.describeHeldRuns(), ...this.pauses.warnings()];
    const total = (key: "active" | "queued" | "waiting" | "paused") => loads.reduce((sum, load) => sum + load[key], 0);
    const [active, queued, waiting, paused] = [total("active"), total("queued"), total("waiting"), total("paused")];
    const counters: Record<string, number> = {
      ...{ refused: events.rejected, dropped: events.dropped },
      ...{ lost: store.counters.lost, runs: this.#runsByRequest, reported: this.#ports.reports.mended },
      ...this.access.counters(),
      ...this.#ports.tracing.counters(),
    };
    for (const name of current.config.senses.keys()) {
      const record = this.#ports.senses.recordOf(name);
      for (const [key, value] of Object.entries(record?.counters ?? {})) counters[key] = (counters[key] ?? 0) + value;
    }
    return {
      pid: Deno.pid,
      version,
      workspace: paths.root,
      startedAt,
      uptimeMs: Math.round(clock.monotonic() - startedMonotonic),
      units: this.#units.list(),
      runs: { active, queued, waiting, paused, dropped: workflows.dropped },
      approvals: store.reader.countApprovals(this.#ports.clock.now() - 7 * 24 * 3_600_000),
      alerts: this.#ports.alerting.operations.counts(),
      listener: this.hooks.listener,
      counters,
      configError: current.error,
      lockError: this.#ports.lock.problem,
      landlock: this.#ports.isolation.landlock,
      stuckPrograms: this.#ports.stuck.list(),
      warnings: [...this.#ports.variables.warnings(current.config), ...secrets.mask(held)],
      storeError: store.writeFailure?.message ?? null,
      archive: this.#ports.retention.progress,
    };
  }

  senses(): SenseView[] {
    const names = [...this.#ports.current.config.senses.keys()];
    return names.map((name) => this.sense(name)).filter((view) => view !== null);
  }

  sense(name: string): SenseView | null {
    const { current, current: { config }, senses, scheduler, supervisor } = this.#ports;
    const sense = config.senses.get(name), record = senses.recordOf(name), timeline = scheduler.view(name);
    if (sense === undefined || record === null) return null;
    const key = groupKey(sense.group), held = current.findUnit(key)?.blocked ?? null;
    const paused = this.pauses.of(name);
    const down = supervisor.isQuarantined(key) ? supervisor.downReasonOf(key) : null;
    return this.#ports.secrets.mask({
      name,
      use: sense.use,
      group: sense.group,
      state: held !== null ? "held" : down !== null ? "quarantined" : describeState(timeline?.state ?? null, paused),
      reflexes: reflexesOf(config, name).map(formatReflex),
      nextDue: timeline?.nextDue ?? null,
      lastCompute: record.lastCompute,
      lastSignal: record.lastSignal,
      counters: { ...record.counters },
      paused,
      silences: Object.fromEntries(record.silences),
      problem: down ?? this.#findFault(key, name),
    });
  }

  /** Why the sense does not run as nerve.yaml and its code on disk declare; null when it does. */
  #findFault(key: UnitKey, sense: string): string | null {
    const { senses, errors, current } = this.#ports, [fault] = senses.recordOf(sense)?.loadProblems ?? [];
    return current.describeHold("sense", sense) ?? errors.describeProblem(key, sense) ??
      (fault === undefined ? null : `cannot be loaded: ${fault.message}${formatPlace(fault.place)}`);
  }

  #findWorkflowFault(workflow: string): string | null {
    const { current, errors } = this.#ports;
    return current.describeHold("workflow", workflow) ?? errors.describeProblem(workflowKey(workflow), workflow);
  }

  /** `signals`: what the sense receives, as if other senses had sent it. */
  triggerSense(name: string, signals: readonly HandedSignal[] = []): AcceptedTrigger | null {
    const { senses, scheduler, store } = this.#ports;
    if (senses.recordOf(name) === null) return null;
    const { trigger, handed } = toManualTrigger(store.log.append(toTriggeredRow(name, signals)), signals);
    senses.hand(name, handed);
    const receipt = scheduler.trigger(name, trigger);
    if (receipt === null) return null;
    // A lost row is counted and reported (kernel.ts, onLost); the compute was started regardless.
    const recorded = () => store.log.durable().catch(() => {});
    const outcome = async () => this.#ports.secrets.mask(await senses.waitForResult(receipt.computeId));
    return { ...receipt, outcome, recorded };
  }

  resetSense(name: string): boolean | null {
    const group = this.#ports.current.config.senses.get(name)?.group;
    return group === undefined ? null : this.#ports.events.resetUnit(groupKey(group));
  }

  resetWorkflow(name: string): boolean | null {
    return this.#ports.current.config.workflows.has(name) ? this.#ports.events.resetUnit(workflowKey(name)) : null;
  }

  async killRun(runId: string, reason: string | null): Promise<Run> {
    return this.#ports.secrets.mask(await this.#ports.workflows.killRun(runId, reason));
  }

  workflows(): WorkflowView[] {
    const { workflows, schedules, supervisor, secrets } = this.#ports;
    const units = supervisor.view(), loads = workflows.readLoads();
    return [...this.#ports.current.config.workflows.values()].map(({ name, use, concurrency, overflow, schedule }) => {
      const unit = units.find(({ key }) => key === workflowKey(name));
      const load = loads.find(({ workflow }) => workflow === name);
      const down = unit === undefined || unit.reason === null ? null : `${unit.state}: ${unit.reason}`;
      const problem = down ?? this.#findWorkflowFault(name);
      const { active = 0, queued = 0, waiting = 0, paused = 0 } = load ?? {};
      return {
        ...{ name, use, concurrency, overflow, active, queued, waiting, paused, problem: secrets.mask(problem) },
        ...{ schedule: schedule.map(formatSchedule), nextDue: schedules.nextDue(name) },
      };
    });
  }

  async reload(): Promise<ReloadReply> {
    return this.#ports.secrets.mask(await this.#ports.reload.reload());
  }

  archive(request: ArchiveRequest): Promise<ArchiveReply> {
    return this.#ports.retention.archive(request);
  }

  async startRun(workflow: string, request: StartRunRequest): Promise<Run> {
    const { store, workflows } = this.#ports;
    // A request that attaches to a run starts none. Asks the run store, because `records` would force a commit.
    const attaches = request.runId !== undefined && store.runs.get(request.runId) !== null;
    const { rerunOf, fromRound } = request, old = rerunOf === undefined ? null : store.runs.get(rerunOf);
    if (rerunOf !== undefined && old?.workflow !== workflow) throw unknownRun(rerunOf);
    const run = await workflows.startRun({
      workflow,
      prompt: request.prompt ?? old?.prompt ?? "",
      payload: request.payload ?? old?.payload ?? {},
      maxRounds: request.maxRounds ?? old?.maxRounds ?? null,
      runId: request.runId ?? null,
      trigger: { kind: "manual" },
      causeId: null,
      fork: fromRound === undefined ? null : toFork(store, old, fromRound),
      starts: toStartTime(this.#ports.clock, request),
    });
    if (!attaches) this.#runsByRequest++;
    return this.#ports.secrets.mask(run);
  }
}
