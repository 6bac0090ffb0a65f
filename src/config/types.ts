/**
 * The configuration as the rest of nerve sees it: defaults applied, durations in milliseconds, sizes in bytes. build.ts
 * makes it from nerve.yaml. It uses Maps, because users choose the names (`constructor` is a valid one).
 */
import type { AgentDefinition } from "../protocol/agent.ts";
import type { AlertDefinition } from "../protocol/alert.ts";
import type { Approvers } from "../protocol/approver.ts";
import type { EngineDefinition } from "../protocol/engine.ts";
import type { HookDefinition, ListenDefinition } from "../protocol/hook.ts";
import type { JsonObject } from "../protocol/json.ts";

/** Deno's permissions, in display order. */
export const permissionNames = ["read", "write", "net", "env", "run", "sys", "ffi", "import"] as const;
export type PermissionName = (typeof permissionNames)[number];

/**
 * What a sense or workflow declares: `true` grants everything of that kind, a list grants its items, an absent key
 * nothing. A list is never empty. Paths are as written: permissions/grants.ts resolves them.
 */
export type PermissionRequest =
  & { readonly [Name in PermissionName]?: true | readonly string[] }
  /** Landlock holds neither its process nor its programs. */
  & { readonly unconfined?: true };

export interface SenseConfig {
  readonly name: string;
  /** The folder of its code in senses/, which other senses may use too; by default its name. */
  readonly use: string;
  readonly group: string;
  /** The least time between the starts of two computes; null: no throttle. */
  readonly throttleMs: number | null;
  readonly timeoutMs: number;
  readonly gracePeriodMs: number;
  readonly startupDelayMs: number;
  readonly permissions: PermissionRequest;
  readonly keepAlive: boolean;
  /** Senses whose databases it may read, never itself. */
  readonly peers: "all" | readonly string[];
  readonly config: JsonObject;
}

export interface GroupConfig {
  readonly name: string;
  readonly memoryBytes: number;
  /** The size limit of all its sense databases together; null: no limit. */
  readonly diskBytes: number | null;
}

/** At least one of `intervalMs`, `cron`, `on`, `hook` and `watch` is set. `timezone` null: the machine's time zone. */
export interface ReflexConfig {
  readonly sense: string;
  readonly intervalMs: number | null;
  readonly cron: string | null;
  readonly timezone: string | null;
  readonly catchUp: "once" | "none";
  /** The most by which its ticks are delayed; 0 without `jitter`. */
  readonly jitterMs: number;
  /** Senses whose signals trigger it, without duplicates. */
  readonly on: readonly string[];
  /** The hook whose deliveries trigger it; null: none. */
  readonly hook: string | null;
  /** Paths and globs as written, without duplicates: a change there triggers it. */
  readonly watch: readonly string[];
  /** How long writing must have paused before a change counts. */
  readonly debounceMs: number;
}

/** A line of a workflow's schedule: it starts a run with `prompt`. `timezone` null: the machine's time zone. */
export interface ScheduleConfig {
  readonly cron: string;
  readonly timezone: string | null;
  readonly catchUp: "once" | "none";
  readonly prompt: string;
}

export interface WorkflowConfig {
  readonly name: string;
  /** The folder of its code in workflows/; by default its name. */
  readonly use: string;
  /** The distributed engine that keeps its runs; null: the local one. */
  readonly engine: string | null;
  readonly concurrency: number;
  readonly overflow: "drop" | "queue";
  /** The most runs that may wait; 0 when `overflow` is "drop". */
  readonly maxQueue: number;
  readonly maxRounds: number;
  readonly drainTimeoutMs: number;
  readonly maxThreadBytes: number;
  /** Whether a run that waits keeps its slot of `concurrency`. */
  readonly waiting: "keep" | "release";
  readonly permissions: PermissionRequest;
  readonly memoryBytes: number;
  /** Senses whose databases its roles may read. */
  readonly peers: "all" | readonly string[];
  /** The agents that its roles may ask, by name; null: there is no such agent. */
  readonly agents: ReadonlyMap<string, AgentDefinition | null>;
  readonly schedule: readonly ScheduleConfig[];
  readonly config: JsonObject;
}

/** How people are notified of requests. */
export interface ApprovalsConfig {
  /** The workflow that starts for each request; null: none. */
  readonly notify: string | null;
  /** After each such time without a decision, the workflow starts again; null: never. */
  readonly remindMs: number | null;
}

export interface NerveConfig {
  readonly maxRounds: number;
  readonly retentionMs: number;
  /** The file of variables that `permissions.env` may name, as written; null: none (environment.ts). */
  readonly envFile: string | null;
  /** Whether nerve refuses to run where the system has no Landlock. */
  readonly isolation: "prefer" | "require";
  readonly senses: ReadonlyMap<string, SenseConfig>;
  /** Every group that a sense names or that has its own entry. */
  readonly groups: ReadonlyMap<string, GroupConfig>;
  readonly reflexes: readonly ReflexConfig[];
  readonly workflows: ReadonlyMap<string, WorkflowConfig>;
  readonly alerts: ReadonlyMap<string, AlertDefinition>;
  readonly hooks: ReadonlyMap<string, HookDefinition>;
  /** The address of the listener; null: there is none. */
  readonly listen: ListenDefinition | null;
  readonly agents: ReadonlyMap<string, AgentDefinition>;
  readonly engines: ReadonlyMap<string, EngineDefinition>;
  readonly approvers: Approvers;
  readonly approvals: ApprovalsConfig;
  /**
   * The faults found on disk that keep a sense or workflow from running, in words, by `sense:NAME` or `workflow:NAME`
   * (load.ts).
   */
  readonly faults: ReadonlyMap<string, string>;
}

/** The senses of a group, in the order of nerve.yaml. */
export function groupMembers(config: NerveConfig, group: string): readonly SenseConfig[] {
  return indexOf(config).members.get(group) ?? [];
}

/** The reflexes of a sense, in the order of nerve.yaml. */
export function reflexesOf(config: NerveConfig, sense: string): readonly ReflexConfig[] {
  return indexOf(config).reflexes.get(sense) ?? [];
}

interface ConfigIndex {
  readonly members: ReadonlyMap<string, readonly SenseConfig[]>;
  readonly reflexes: ReadonlyMap<string, readonly ReflexConfig[]>;
}

/** Cached, because with 2,000 senses a search for each of them takes as long as reading the file. */
const indexes = new WeakMap<NerveConfig, ConfigIndex>();

function indexOf(config: NerveConfig): ConfigIndex {
  let index = indexes.get(config);
  if (index === undefined) {
    index = {
      members: Map.groupBy(config.senses.values(), ({ group }) => group),
      reflexes: Map.groupBy(config.reflexes, ({ sense }) => sense),
    };
    indexes.set(config, index);
  }
  return index;
}
