/**
 * The configuration as the rest of nerve sees it: every default applied, durations in milliseconds, sizes in bytes.
 * Made by parse.ts from nerve.yaml. Keyed by Maps, because the keys are names that users chose (`constructor` is one).
 */
import type { JsonObject } from "../protocol/json.ts";

/** Deno's permissions, in the order in which they are shown. */
export const permissionNames = ["read", "write", "net", "env", "run", "sys", "ffi", "import"] as const;
export type PermissionName = (typeof permissionNames)[number];

/**
 * What a sense or workflow declares: `true` is everything of that kind, a list names it, an absent key is nothing.
 * A list is never empty. Paths are as written: grants.ts resolves them.
 */
export type PermissionRequest = { readonly [Name in PermissionName]?: true | readonly string[] };

export interface SenseConfig {
  readonly name: string;
  readonly group: string;
  /** Least time between the starts of two computes; null: none. */
  readonly throttleMs: number | null;
  readonly timeoutMs: number;
  readonly gracePeriodMs: number;
  readonly startupDelayMs: number;
  readonly permissions: PermissionRequest;
  readonly keepAlive: boolean;
  /** Senses whose databases it may read; its own is never among them. */
  readonly peers: "all" | readonly string[];
  readonly config: JsonObject;
}

export interface GroupConfig {
  readonly name: string;
  readonly memoryBytes: number;
  /** What the databases of its senses may hold together; null: as much as the disk. */
  readonly diskBytes: number | null;
}

/** At least one of `intervalMs`, `cron` and `on` is there. `timezone` null: that of the machine. */
export interface ReflexConfig {
  readonly sense: string;
  readonly intervalMs: number | null;
  readonly cron: string | null;
  readonly timezone: string | null;
  readonly catchUp: "once" | "none";
  /** Senses whose signals trigger it, each once. */
  readonly on: readonly string[];
}

export interface WorkflowConfig {
  readonly name: string;
  readonly concurrency: number;
  readonly overflow: "drop" | "queue";
  /** Runs that may wait; 0 when `overflow` is "drop". */
  readonly maxQueue: number;
  readonly maxRounds: number;
  readonly drainTimeoutMs: number;
  readonly permissions: PermissionRequest;
  readonly memoryBytes: number;
  readonly config: JsonObject;
}

export interface NerveConfig {
  readonly maxRounds: number;
  readonly retentionMs: number;
  readonly senses: ReadonlyMap<string, SenseConfig>;
  /** Every group that a sense names or that has an entry of its own. */
  readonly groups: ReadonlyMap<string, GroupConfig>;
  readonly reflexes: readonly ReflexConfig[];
  readonly workflows: ReadonlyMap<string, WorkflowConfig>;
}

/** The senses of a group, in the order of nerve.yaml. */
export function groupMembers(config: NerveConfig, group: string): SenseConfig[] {
  return [...config.senses.values()].filter((sense) => sense.group === group);
}
