/**
 * The composition root: creates every part of a running kernel, in the order of their dependencies, and connects them.
 * Called by kernel.ts, which starts and stops them. No other file knows all parts.
 */
import { prepareAheadMs } from "../base/limits.ts";
import type { WorkspacePaths } from "../config/workspace.ts";
import { ConfigApplier } from "../deploy/config_applier.ts";
import { CurrentConfig } from "../deploy/current_config.ts";
import { FileWatcher } from "../deploy/file_watcher.ts";
import { LoadErrors } from "../deploy/load_errors.ts";
import { Reload } from "../deploy/reload.ts";
import { launchFor } from "../deploy/trial_load.ts";
import { VariablesInForce } from "../deploy/variables.ts";
import { UnitSupervisor } from "../process/unit_supervisor.ts";
import type { Run } from "../protocol/run.ts";
import { groupKey, workflowKey } from "../protocol/unit.ts";
import type { ScheduleListener } from "../scheduler/ports.ts";
import { Scheduler } from "../scheduler/scheduler.ts";
import { ComputeIds } from "../sensing/compute_ids.ts";
import { ComputeRunner } from "../sensing/compute_runner.ts";
import { SenseManager } from "../sensing/manager.ts";
import type { RepeatLimiter } from "../sensing/repeat_limiter.ts";
import { SignalPublisher } from "../sensing/signal_publisher.ts";
import { TakenOutcomes } from "../sensing/taken_outcomes.ts";
import type { Store } from "../store/store.ts";
import { ClusterRuns } from "../workflow/cluster/cluster_runs.ts";
import { Engines } from "../workflow/cluster/engines.ts";
import { createJournaledStore } from "../workflow/cluster/journaled_store.ts";
import { WorkflowManager } from "../workflow/local/manager.ts";
import { createMaskedReader, CurrentSecrets } from "./current_secrets.ts";
import { AccessWiring } from "./access_wiring.ts";
import { Agents } from "./agents.ts";
import { SessionsApi } from "./sessions_api.ts";
import { DatabaseWatch } from "./database_watch.ts";
import { AlertWiring } from "./alert_wiring.ts";
import { ApprovalNotices } from "./approval_notices.ts";
import { EngineHost } from "./engine_host.ts";
import { HookWiring } from "./hook_wiring.ts";
import { KernelApi } from "./kernel_api.ts";
import { SignalDelivery } from "./signal_delivery.ts";
import { LogBudget } from "./log_budget.ts";
import type { LogFeed } from "./log_feed.ts";
import { LogRetention } from "./log_retention.ts";
import { type Foundation, makeOutlets, type Outlets } from "./outlets.ts";
import { OutboxRecovery } from "./outbox_recovery.ts";
import { Reports } from "./reports.ts";
import { createPageReader } from "./page_reader.ts";
import { ProcessEvents } from "./process_events.ts";
import type { SensePauses } from "./sense_pauses.ts";
import { StuckPrograms } from "./stuck_programs.ts";
import { UnitNotices } from "./unit_notices.ts";
import { isStored } from "./stored_row.ts";
import { RunSpans } from "./run_spans.ts";
import { SupervisedWorkflows } from "./workflow_host.ts";
import { WorkflowSchedules } from "./workflow_schedules.ts";
import { makeFeed } from "./store_feed.ts";
import { TraceWiring } from "./trace_wiring.ts";
import { TickTimes } from "./tick_times.ts";
import { WalWatch } from "./wal_watch.ts";
import type { WriteFailures } from "./write_failures.ts";

/** What kernel.ts starts and stops. */
export interface KernelParts {
  readonly store: Store;
  readonly current: CurrentConfig;
  readonly feed: LogFeed;
  readonly repeats: RepeatLimiter;
  readonly supervisor: UnitSupervisor;
  readonly runner: ComputeRunner;
  readonly workflows: Engines;
  readonly agents: Agents;
  readonly reports: Reports;
  readonly scheduler: Scheduler;
  readonly schedules: WorkflowSchedules;
  readonly delivery: SignalDelivery;
  readonly outboxes: OutboxRecovery;
  readonly alerting: AlertWiring;
  readonly hooking: HookWiring;
  readonly access: AccessWiring;
  readonly tracing: TraceWiring;
  readonly approvalNotices: ApprovalNotices;
  readonly ticks: TickTimes;
  readonly logBudget: LogBudget;
  readonly reload: Reload;
  readonly watcher: FileWatcher;
  readonly retention: LogRetention;
  readonly failures: WriteFailures;
  readonly walWatch: WalWatch;
  readonly stuck: StuckPrograms;
  readonly api: KernelApi;
}

export function wireKernel(from: Foundation): KernelParts {
  const { store, paths, clock, lock } = from, { config, holds, heldApprovers } = lock.bindFirst(from.config);
  const current = new CurrentConfig(config, holds, heldApprovers), variables = new VariablesInForce(config, paths);
  const secrets = new CurrentSecrets(() => ({ config: current.config, environment: variables.environment }));
  const reader = createMaskedReader(store.reader, secrets), outlets = makeOutlets(from, current, secrets);
  const feed = makeFeed(from, secrets), pages = createPageReader(store, secrets);
  const launch = launchFor(paths, from.isolation), supervisor = new UnitSupervisor(launch, clock);
  const runner = new ComputeRunner(supervisor, clock), tracing = new TraceWiring({ ...outlets, secrets });
  const given = { supervisor, variables, tracing, secrets, reload: () => reload };
  const { local, workflows, engineHost, approvalNotices, agents, reports } = makeWorkflows(from, outlets, given);
  const schedules = new WorkflowSchedules({ ...outlets, meta: store.meta, workflows, newRunId: store.newRunId });
  const ticks = new TickTimes(store.meta, clock);
  const databases = new DatabaseWatch({ ...outlets, supervisor, folder: paths.senseDatabases });
  const logBudget = new LogBudget(clock, {
    unitOf: (sense) => groupKey(current.config.senses.get(sense)?.group ?? sense),
    onSpent: (unit) => events.onLogBudgetSpent(unit),
  });
  const needs = { paths, runner, workflows, ticks, databases, logBudget, variables, tracing };
  const { senses, scheduler, delivery, alerting, hooking } = makeSenses(store, outlets, secrets, needs);
  const outboxes = new OutboxRecovery({ current, supervisor, senses, databases: paths.senseDatabases });
  const notices = new UnitNotices({ ...outlets, logBudget }), stuck = new StuckPrograms({ clock, supervisor, notices });
  const stages = { supervisor, runner, workflows, senses, scheduler, delivery, outboxes, databases, stuck, notices };
  const events: ProcessEvents = new ProcessEvents({ ...outlets, ...stages, workflows: local, agents });
  supervisor.connect(events);
  const errors = new LoadErrors({ ...outlets, ...stages });
  const applier = new ConfigApplier({
    ...outlets,
    ...stages,
    ...{ scheduler: delivery, watches: delivery.watches, schedules, engineHost },
    ...{ alerts: alerting.runner, approvals: approvalNotices, hooks: hooking, paths, lock, variables, launch },
    lastCronTick: (sense) => ticks.lastCronTick(sense),
  });
  const units = events, inForce = { paths, variables, applier, errors, units, launch };
  const reload: Reload = new Reload({ ...outlets, ...stages, ...inForce });
  const scan = () => reload.check(), envFile = () => variables.path;
  const watcher = new FileWatcher(paths, { ...outlets, scan, envFile });
  const retention = new LogRetention({
    store,
    clock,
    archiveFolder: paths.archive,
    retentionMs: () => current.config.retentionMs,
    reportProblem: outlets.reportProblem,
  });
  const replaceProcesses = () => current.units.forEach(({ key }) => applier.replaceProcess(key));
  const walWatch = new WalWatch({ ...outlets, store, replaceProcesses });
  const access = new AccessWiring({ ...outlets, store, hooking });
  const outward = { alerting, hooking, engineHost, access, tracing, approvalNotices, agents, feed, reports };
  const made = { ...stages, ...outward, schedules, store, current, variables, reload, retention };
  const sessions = new SessionsApi({ store, secrets, agents, transcripts: paths.transcripts });
  const api = new KernelApi({ ...from, ...made, reader, pages, secrets, events, errors, sessions });
  applier.applyFirst();
  return { ...needs, ...made, failures: from.failures, repeats: outlets.repeats, watcher, walWatch, api };
}

interface MadeWorkflows {
  /** The engine that works on all runs, no matter which engine keeps them. */
  readonly local: WorkflowManager;
  readonly workflows: Engines;
  readonly engineHost: EngineHost;
  readonly approvalNotices: ApprovalNotices;
  readonly agents: Agents;
  readonly reports: Reports;
}

function makeWorkflows(
  { store, paths }: Foundation,
  outlets: Outlets,
  { supervisor, variables, tracing, secrets, reload }: {
    readonly supervisor: UnitSupervisor;
    readonly variables: VariablesInForce;
    readonly tracing: TraceWiring;
    readonly secrets: CurrentSecrets;
    readonly reload: () => Reload;
  },
): MadeWorkflows {
  const reports = new Reports({ ...outlets, root: paths.root, store: store.runs, secrets });
  const { current, clock, append, emit, reportProblem } = outlets, spans = new RunSpans(clock);
  const runs = new ClusterRuns(store.meta), { newRunId } = store;
  const onChange = (run: Run) => {
    emit({ kind: "run", run, tookMs: spans.measure(run) });
    agents.onRun(run);
    tracing.onRun(run);
    if (run.status === "waiting") approvalNotices.look();
  };
  const local = new WorkflowManager({
    store: createJournaledStore(store.runs, runs, clock),
    host: new SupervisedWorkflows(supervisor, (name) => reload().contentOf(workflowKey(name))),
    clock,
    approvers: () => current.config.approvers,
    log: append,
    onChange,
    onRoleFailed: ({ workflow, runId }, text) => {
      const message = `run ${runId}: ${text}`;
      emit({ kind: "log", source: `workflow:${workflow}`, level: "warn", message, ts: clock.now() });
    },
    onReport: (runId) => reports.onClosed(runId),
    onProcessIdle: (processId) => supervisor.releaseById(processId),
    newRunId,
    engines: () => workflows,
    reportProblem,
  });
  const workflows: Engines = new Engines(local, { ...outlets, store: store.runs, runs, newRunId, onChange });
  const engineHost = new EngineHost({
    ...outlets,
    engines: workflows,
    runs,
    readSecret: (name) => variables.environment.all[name] || null,
  });
  const recorded = () => store.recorded();
  const approvalNotices: ApprovalNotices = new ApprovalNotices({ ...outlets, ...store, workflows, recorded });
  const agents: Agents = new Agents({ ...outlets, store, paths, variables, workflows: local });
  agents.requests.onAsked = () => approvalNotices.look();
  return { local, workflows, engineHost, approvalNotices, agents, reports };
}

interface SensesNeeds {
  readonly paths: WorkspacePaths;
  readonly logBudget: LogBudget;
  readonly runner: ComputeRunner;
  readonly workflows: Engines;
  readonly ticks: TickTimes;
  readonly databases: DatabaseWatch;
  readonly variables: VariablesInForce;
  readonly tracing: TraceWiring;
}

/** The scheduler and the sense manager need each other: one requests computes, the other returns their signals. */
function makeSenses(
  store: Store,
  outlets: Outlets,
  secrets: CurrentSecrets,
  { paths, runner, workflows, ticks, databases, logBudget, variables, tracing }: SensesNeeds,
): { senses: SenseManager } & Pick<KernelParts, "scheduler" | "delivery" | "alerting" | "hooking"> {
  const { current, clock } = outlets, computeIds = new ComputeIds(store.meta);
  const isSense = (name: string) => current.config.senses.has(name);
  const delivery = new SignalDelivery({ ...outlets, store, paths, isSense, scheduler: () => scheduler });
  const { inbox, pauses } = delivery;
  const publisher = new SignalPublisher({
    ...outlets,
    inbox,
    durable: (hurry) => store.log.durable(hurry),
    isStored: (id) => isStored(store, id),
    onSignal: (signal) => [scheduler, alerting.runner].forEach((hearer) => hearer.onSignal(signal)),
  });
  const alerting: AlertWiring = new AlertWiring({ ...outlets, store, publisher, workflows, secrets });
  const hooking = new HookWiring({ ...outlets, store, publisher, inbox, secrets, variables });
  const senses = new SenseManager(runner, clock, {
    ...outlets,
    append: (row, values) => {
      logBudget.payFor(row);
      return outlets.append(row, values);
    },
    inbox,
    watched: delivery.watches,
    publisher,
    taken: new TakenOutcomes(store.meta),
    beforeCompute: (sense) => databases.check(sense),
    onComputed: (compute) => tracing.onComputed(compute),
    newKey: store.newRunId,
    isRun: (runId) => store.runs.get(runId) !== null,
    isWorkflow: (name) => current.config.workflows.has(name),
    startRun: ({ name, maxRounds, prompt }, payload, sense, causeId, runId) =>
      workflows.startRun({
        workflow: name,
        prompt,
        payload,
        maxRounds,
        runId,
        trigger: { kind: "sense", sense },
        causeId,
      }),
  });
  const scheduler: Scheduler = new Scheduler({
    clock,
    records: ticks,
    pauses,
    newComputeId: () => computeIds.next(),
    starter: {
      compute: (sense, trigger, id) => logBudget.pace(sense, () => senses.compute(sense, trigger, id)),
      prepare: (sense) => senses.prepare(sense, clock.now() + prepareAheadMs),
    },
    listener: makeScheduleListener(senses, pauses, ticks),
  });
  return { senses, scheduler, delivery, alerting, hooking };
}

function makeScheduleListener(senses: SenseManager, pauses: SensePauses, ticks: TickTimes): ScheduleListener {
  return {
    onNonAction: (sense, reason, { computeId, until, trigger }) => {
      senses.onNonAction(sense, reason, { compute: computeId, until }, trigger);
    },
    onDropped: (sense, computeId) => senses.onDropped(sense, computeId),
    onSkipped: (sense) => pauses.onSkipped(sense),
    onCronTick: (sense, due) => ticks.onCronTick(sense, due),
    onIntervalTick: (sense, intervalMs, at) => ticks.onIntervalTick(sense, intervalMs, at),
  };
}
