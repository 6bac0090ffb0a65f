/**
 * Turns the parsed shape of nerve.yaml into a NerveConfig: applies defaults, checks names and the rules between the
 * keys of one entry. Called by parse.ts; check.ts has the rules between entries.
 */
import {
  defaultConcurrency,
  defaultDrainTimeoutMs,
  defaultGracePeriodMs,
  defaultGroupMemoryBytes,
  defaultMaxQueue,
  defaultMaxRounds,
  defaultMaxThreadBytes,
  defaultRetentionMs,
  defaultTimeoutMs,
} from "../base/limits.ts";
import { formatDuration } from "../base/duration.ts";
import { namePattern } from "../base/name_pattern.ts";
import { debounceMaxMs, defaultDebounceMs } from "../base/watch_limits.ts";
import { type ConfigPath, quote } from "./diagnostic.ts";
import { buildAgent, standardAgents } from "./agent_entries.ts";
import { buildAlert } from "./alert_entries.ts";
import { buildEngine } from "./engine_entries.ts";
import { buildHook, buildListen } from "./hook_entries.ts";
import { buildApprovers } from "./approvers.ts";
import type { DiagnosticList } from "./diagnostic_list.ts";
import type { AgentDefinition } from "../protocol/agent.ts";
import type { AlertDefinition } from "../protocol/alert.ts";
import type { EngineDefinition } from "../protocol/engine.ts";
import type { HookDefinition } from "../protocol/hook.ts";
import type { FileShape, ReflexShape, ScheduleShape, SenseShape, WorkflowShape } from "./schema.ts";
import type {
  ApprovalsConfig,
  GroupConfig,
  NerveConfig,
  ReflexConfig,
  ScheduleConfig,
  SenseConfig,
  WorkflowConfig,
} from "./types.ts";

/** `omit`: the positions of reflexes known to be invalid; the others keep their order. */
export function buildConfig(file: FileShape, diagnostics: DiagnosticList, omit: ReadonlySet<number>): {
  config: NerveConfig;
  /** The position in nerve.yaml of each reflex of `config`. */
  reflexPositions: readonly number[];
} {
  const maxRounds = file.max_rounds ?? defaultMaxRounds;
  const senses = new Map<string, SenseConfig>();
  for (const [name, shape] of Object.entries(file.senses ?? {})) {
    checkName(name, ["senses", name], diagnostics);
    senses.set(name, buildSense(name, shape ?? {}, diagnostics));
  }
  const agents = new Map<string, AgentDefinition>();
  for (const [name, shape] of Object.entries(file.agents ?? {})) {
    checkName(name, ["agents", name], diagnostics);
    agents.set(name, buildAgent(name, shape ?? {}, diagnostics));
  }
  const workflows = new Map<string, WorkflowConfig>();
  for (const [name, shape] of Object.entries(file.workflows ?? {})) {
    checkName(name, ["workflows", name], diagnostics);
    workflows.set(name, buildWorkflow(name, shape ?? {}, { maxRounds, agents }, diagnostics));
  }
  const alerts = new Map<string, AlertDefinition>();
  for (const [name, shape] of Object.entries(file.alerts ?? {})) {
    checkName(name, ["alerts", name], diagnostics);
    alerts.set(name, buildAlert(name, shape ?? {}, diagnostics));
  }
  const hooks = new Map<string, HookDefinition>();
  for (const [name, shape] of Object.entries(file.hooks ?? {})) {
    checkName(name, ["hooks", name], diagnostics);
    hooks.set(name, buildHook(name, shape ?? {}, diagnostics));
  }
  const engines = new Map<string, EngineDefinition>();
  for (const [name, shape] of Object.entries(file.engines ?? {})) {
    checkName(name, ["engines", name], diagnostics);
    engines.set(name, buildEngine(name, shape ?? {}, engines.values(), diagnostics));
  }
  const positions = (file.reflexes ?? []).flatMap((_, index) => omit.has(index) ? [] : [index]);
  const reflexes = (file.reflexes ?? []).flatMap((shape, index) => {
    return omit.has(index) ? [] : [buildReflex(shape, ["reflexes", index], diagnostics)];
  });
  const retentionMs = file.retention ?? defaultRetentionMs;
  const config = {
    ...{ maxRounds, retentionMs },
    envFile: file.env_file ?? null,
    isolation: file.isolation ?? "prefer",
    senses,
    groups: buildGroups(file, senses, diagnostics),
    reflexes,
    workflows,
    alerts,
    hooks,
    listen: buildListen(file, diagnostics),
    agents,
    engines,
    approvers: buildApprovers(file, diagnostics),
    approvals: buildApprovals(file, diagnostics),
    faults: new Map<string, string>(),
  };
  return { config, reflexPositions: positions };
}

function buildApprovals({ approvals }: FileShape, diagnostics: DiagnosticList): ApprovalsConfig {
  const notify = approvals?.notify ?? null, remindMs = approvals?.remind ?? null;
  if (notify === null && remindMs !== null) {
    diagnostics.error(["approvals", "remind"], "remind has no effect without notify", "remove it, or add notify");
  }
  return { notify, remindMs };
}

function buildSense(name: string, shape: SenseShape, diagnostics: DiagnosticList): SenseConfig {
  const group = shape.group ?? name;
  if (group !== name) checkName(group, ["senses", name, "group"], diagnostics);
  return {
    name,
    use: buildUse(shape.use, ["senses", name], diagnostics) ?? name,
    group,
    throttleMs: shape.throttle || null,
    timeoutMs: shape.timeout ?? defaultTimeoutMs,
    gracePeriodMs: shape.grace_period ?? defaultGracePeriodMs,
    startupDelayMs: shape.startup_delay ?? 0,
    permissions: shape.permissions ?? {},
    keepAlive: shape.keep_alive ?? false,
    peers: shape.peers ?? "all",
    config: shape.config ?? {},
  };
}

function buildGroups(
  file: FileShape,
  senses: ReadonlyMap<string, SenseConfig>,
  diagnostics: DiagnosticList,
): Map<string, GroupConfig> {
  const groups = new Map<string, GroupConfig>();
  for (const [name, shape] of Object.entries(file.groups ?? {})) {
    checkName(name, ["groups", name], diagnostics);
    groups.set(name, { name, memoryBytes: shape?.memory ?? defaultGroupMemoryBytes, diskBytes: shape?.disk ?? null });
  }
  for (const { group } of senses.values()) {
    if (!groups.has(group)) groups.set(group, { name: group, memoryBytes: defaultGroupMemoryBytes, diskBytes: null });
  }
  return groups;
}

function buildReflex(shape: ReflexShape, path: ConfigPath, diagnostics: DiagnosticList): ReflexConfig {
  const on = [...new Set(shape.on ?? [])], watch = [...new Set(shape.watch ?? [])];
  const intervalMs = shape.interval ?? null;
  const cron = shape.cron ?? null;
  const hook = shape.hook ?? null;
  if (intervalMs === null && cron === null && on.length === 0 && watch.length === 0 && hook === null) {
    const hint = 'give it interval: 30s, cron: "0 9 * * *", on: [a-sense], watch: [./a-folder] or hook: a-hook';
    diagnostics.error(path, "has no trigger", hint);
  }
  if (watch.length === 0 && (shape.debounce ?? null) !== null) {
    diagnostics.error([...path, "debounce"], "debounce has no effect without watch", "remove it, or add watch");
  }
  if ((shape.debounce ?? 0) > debounceMaxMs) {
    diagnostics.error([...path, "debounce"], `must be at most ${formatDuration(debounceMaxMs)}`);
  }
  for (const key of ["timezone", "catch_up"] as const) {
    if (cron === null && (shape[key] ?? null) !== null) {
      diagnostics.error([...path, key], `${key} has no effect without cron`, "remove it, or add cron");
    }
  }
  if (cron === null && intervalMs === null && (shape.jitter ?? null) !== null) {
    diagnostics.error([...path, "jitter"], "jitter has no effect without interval or cron", "remove it");
  }
  return {
    sense: shape.sense,
    intervalMs,
    cron,
    timezone: shape.timezone ?? null,
    catchUp: shape.catch_up ?? "none",
    jitterMs: shape.jitter ?? 0,
    on,
    hook,
    watch,
    debounceMs: shape.debounce ?? defaultDebounceMs,
  };
}

function buildWorkflow(
  name: string,
  shape: WorkflowShape,
  { maxRounds, agents }: { readonly maxRounds: number; readonly agents: ReadonlyMap<string, AgentDefinition> },
  diagnostics: DiagnosticList,
): WorkflowConfig {
  const overflow = shape.overflow ?? "queue";
  const maxQueue = shape.max_queue ?? null;
  if (overflow === "drop" && maxQueue !== null) {
    const hint = "remove max_queue, or write overflow: queue";
    diagnostics.error(["workflows", name, "max_queue"], "overflow: drop keeps no queue", hint);
  }
  return {
    name,
    use: buildUse(shape.use, ["workflows", name], diagnostics) ?? name,
    engine: shape.engine ?? null,
    concurrency: shape.concurrency ?? defaultConcurrency,
    overflow,
    maxQueue: overflow === "drop" ? 0 : maxQueue ?? defaultMaxQueue,
    maxRounds: shape.max_rounds ?? maxRounds,
    drainTimeoutMs: shape.drain_timeout ?? defaultDrainTimeoutMs,
    maxThreadBytes: shape.max_thread ?? defaultMaxThreadBytes,
    waiting: shape.waiting ?? "keep",
    permissions: shape.permissions ?? {},
    memoryBytes: shape.memory ?? defaultGroupMemoryBytes,
    peers: shape.peers ?? [],
    agents: new Map(
      (shape.agents ?? []).map((agent) => [agent, agents.get(agent) ?? standardAgents.get(agent) ?? null]),
    ),
    schedule: (shape.schedule ?? []).map((line, index) =>
      buildScheduleLine(line, ["workflows", name, "schedule", index], diagnostics)
    ),
    config: shape.config ?? {},
  };
}

/** A missing cron line stays empty, and is reported only here. */
function buildScheduleLine(shape: ScheduleShape, path: ConfigPath, diagnostics: DiagnosticList): ScheduleConfig {
  const { cron, timezone, catch_up, prompt } = shape;
  if ((cron ?? "") === "") diagnostics.error(path, "has no cron", 'give it cron: "0 9 * * *"');
  return { cron: cron ?? "", timezone: timezone ?? null, catchUp: catch_up ?? "none", prompt: prompt ?? "" };
}

function buildUse(use: string | null | undefined, path: ConfigPath, diagnostics: DiagnosticList): string | null {
  if ((use ?? null) !== null) checkName(use ?? "", [...path, "use"], diagnostics);
  return use ?? null;
}

function checkName(name: string, path: ConfigPath, diagnostics: DiagnosticList): void {
  if (namePattern.test(name)) return;
  const rule = "lower-case letters, digits and hyphens inside, at most 64";
  diagnostics.error(path, `${quote(name)} is not a name: ${rule}`, () => {
    const near = name.slice(0, 64).toLowerCase().replaceAll(/[^a-z0-9]+/g, "-").replaceAll(/^-+|-+$/g, "");
    return namePattern.test(near) ? `write ${near}` : null;
  });
}
