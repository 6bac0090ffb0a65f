/**
 * Binds a configuration to nerve.permissions.lock (lock_file.ts): what asks for more than the lock agrees to keeps its
 * previous version; without one that fits, it must not run. Pure; deploy/permission_lock.ts reads the lock.
 * I1. No unit of a bound configuration may do more than the lock allows, except those that must not run.
 * I2. A group is held as a whole, since its senses share one process. A sense that changed its group returns to its old
 *     one, which is then checked with it.
 * I3. What was removed from nerve.yaml is gone, held or not. No sense or workflow disappears because it is held: its
 *     schedule, its counters and its runs wait for the approval.
 */
import { isDeepEqual } from "../../base/deep_equal.ts";
import { groupKey, type UnitKey, workflowKey } from "../../protocol/unit.ts";
import { findApproverGrowth, formatApproverGrowth, lockApprovers, unlockApprovers } from "./approver_lock.ts";
import type { GroupConfig, NerveConfig, SenseConfig, WorkflowConfig } from "../types.ts";
import {
  createLock,
  findGrowth,
  formatGrowth,
  type LockGrowth,
  type PermissionLock,
  permissionLockName,
} from "./lock_file.ts";

/**
 * A sense or workflow whose version in nerve.yaml is not in force, because it exceeds the lock or because of a fault on
 * disk.
 */
export interface Hold {
  readonly kind: "sense" | "workflow";
  readonly name: string;
  /** Its unit in the bound configuration. */
  readonly unit: UnitKey;
  /** False: no previous version fits the lock, so its unit must not run. */
  readonly runs: boolean;
  /** What exceeds the lock, in words. */
  readonly excess: string;
  /** The fault found on disk, in words; null: the lock holds it. */
  readonly fault: string | null;
}

export interface BoundConfig {
  readonly config: NerveConfig;
  readonly holds: readonly Hold[];
  /** Who could decide beyond the lock, in words: the approvers of the lock decide instead. Null: no one. */
  readonly heldApprovers: string | null;
}

/** Whether a sense or workflow has the version of nerve.yaml, its previous one, or must not run. */
type Choice = "new" | "old" | "none";

interface Choices {
  readonly of: Map<string, Choice>;
  /** What exceeded the lock, by name. */
  readonly excess: Map<string, string>;
}

/** `before`: the configuration in force; null at the start. Without a lock, everything is as in nerve.yaml. */
export function bindToLock(wanted: NerveConfig, before: BoundConfig | null, lock: PermissionLock | null): BoundConfig {
  const bound = bindEntries(wanted, before, lock), faulty = listFaulty(bound.config);
  const named = new Set(faulty.map(({ kind, name }) => `${kind}:${name}`));
  return { ...bound, holds: [...faulty, ...bound.holds.filter(({ kind, name }) => !named.has(`${kind}:${name}`))] };
}

/** A fault on disk holds a group as a whole, too. */
function listFaulty(config: NerveConfig): Hold[] {
  const { senses, workflows, faults } = config, fixed = { runs: false, excess: "" } as const;
  if (faults.size === 0) return [];
  return [
    ...[...senses.values()].flatMap(({ name, group }): Hold[] => {
      const first = [...senses.values()].find((each) => each.group === group && faults.has(`sense:${each.name}`));
      const own = faults.get(`sense:${name}`), others = faults.get(`sense:${first?.name}`);
      if (own === undefined && others === undefined) return [];
      const fault = own ?? `its group has sense ${first?.name}: ${others}`;
      return [{ kind: "sense", name, unit: groupKey(group), fault, ...fixed }];
    }),
    ...[...workflows.keys()].flatMap((name): Hold[] => {
      const fault = faults.get(`workflow:${name}`);
      return fault === undefined ? [] : [{ kind: "workflow", name, unit: workflowKey(name), fault, ...fixed }];
    }),
  ];
}

function bindEntries(wanted: NerveConfig, before: BoundConfig | null, lock: PermissionLock | null): BoundConfig {
  if (lock === null) return { config: wanted, holds: [], heldApprovers: null };
  const old = before === null ? null : keepRunning(before);
  const senses = chooseSenses(wanted, old, lock), workflows = chooseWorkflows(wanted, old, lock);
  const config = assemble(wanted, old, senses, workflows);
  const holds = listHolds(wanted, config, senses, workflows);
  const grown = findApproverGrowth(lock.approvers, lockApprovers(wanted.approvers));
  if (grown.length === 0 || lock.approvers === undefined) return { config, holds, heldApprovers: null };
  const approvers = unlockApprovers(lock.approvers, wanted.approvers);
  return { config: { ...config, approvers }, holds, heldApprovers: grown.map(formatApproverGrowth).join("; ") };
}

/** Describes held approvers: what is in force, why, and what to do. */
export function describeHeldApprovers(excess: string): string {
  return `those of ${permissionLockName} decide: nerve.yaml names more than it agrees to (${excess}): nerve permissions approve`;
}

/** Describes a hold: what is in force, why, and what to do. */
export function describeHold({ runs, excess, fault }: Hold): string {
  if (fault !== null) return `does not run: ${fault}`;
  const state = runs ? "still on the previous version" : "does not run";
  return `${state}: it asks for more than ${permissionLockName} agrees to (${excess}): nerve permissions approve`;
}

/** The configuration without what must not run, which has no previous version. */
function keepRunning({ config, holds }: BoundConfig): NerveConfig {
  const down = new Set(holds.filter(({ runs }) => !runs).map(({ kind, name }) => `${kind}:${name}`));
  return {
    ...config,
    senses: new Map([...config.senses].filter(([name]) => !down.has(`sense:${name}`))),
    workflows: new Map([...config.workflows].filter(([name]) => !down.has(`workflow:${name}`))),
  };
}

/**
 * Each round takes the new version away from the senses of every group that exceeds the lock. A group that exceeds it
 * with no new version left, because the lock has shrunk, must not run. So the loop ends.
 */
function chooseSenses(wanted: NerveConfig, old: NerveConfig | null, lock: PermissionLock): Choices {
  const of = new Map<string, Choice>([...wanted.senses.keys()].map((name) => [name, "new"]));
  const excess = new Map<string, string>();
  for (;;) {
    const senses = pickSenses(wanted, old, of), asked = createLock({ ...wanted, senses, workflows: new Map() });
    const grown = Map.groupBy(findGrowth(lock, asked), ({ name }) => senses.get(name)?.group ?? name);
    if (grown.size === 0) return { of, excess };
    for (const [group, growth] of grown) {
      const members = [...senses.values()].filter((sense) => sense.group === group).map(({ name }) => name);
      const fresh = members.filter((name) => of.get(name) === "new");
      for (const name of fresh.length > 0 ? fresh : members) {
        of.set(name, of.get(name) === "new" && old?.senses.has(name) === true ? "old" : "none");
        const own = growth.filter((each) => each.name === name);
        excess.set(name, formatAll(own.length > 0 ? own : growth));
      }
    }
  }
}

function chooseWorkflows(wanted: NerveConfig, old: NerveConfig | null, lock: PermissionLock): Choices {
  const find = (workflows: ReadonlyMap<string, WorkflowConfig>) =>
    Map.groupBy(findGrowth(lock, createLock({ ...wanted, senses: new Map(), workflows })), ({ name }) => name);
  const grown = find(wanted.workflows), grownBefore = find(old?.workflows ?? new Map());
  const of = new Map<string, Choice>(), excess = new Map<string, string>();
  for (const name of wanted.workflows.keys()) {
    const growth = grown.get(name);
    if (growth !== undefined) excess.set(name, formatAll(growth));
    const fits = old?.workflows.has(name) === true && !grownBefore.has(name);
    of.set(name, growth === undefined ? "new" : fits ? "old" : "none");
  }
  return { of, excess };
}

/** The senses that may run, each in its chosen version, in the order of nerve.yaml. */
function pickSenses(
  wanted: NerveConfig,
  old: NerveConfig | null,
  choices: ReadonlyMap<string, Choice>,
): Map<string, SenseConfig> {
  const picked = [...wanted.senses].flatMap(([name, sense]): [string, SenseConfig][] => {
    const choice = choices.get(name), before = old?.senses.get(name);
    if (choice === "none") return [];
    return [[name, choice === "old" && before !== undefined ? before : sense]];
  });
  return new Map(picked);
}

function assemble(wanted: NerveConfig, old: NerveConfig | null, chosen: Choices, workflows: Choices): NerveConfig {
  const running = pickSenses(wanted, old, chosen.of), groups = new Map<string, GroupConfig>(wanted.groups);
  const inUse = new Set([...running.values()].map(({ group }) => group)), senses = new Map<string, SenseConfig>();
  for (const [name, sense] of wanted.senses) {
    const picked = running.get(name), before = picked === undefined ? undefined : old?.groups.get(picked.group);
    if (picked !== undefined && chosen.of.get(name) === "old" && before !== undefined) groups.set(before.name, before);
    // Beside senses that run, it would get their process: it waits in its own group, with a name that no file can give.
    const apart = inUse.has(sense.group) ? `${sense.group}.held` : sense.group;
    const group = wanted.groups.get(sense.group);
    if (picked === undefined && group !== undefined) groups.set(apart, { ...group, name: apart });
    senses.set(name, picked ?? { ...sense, group: apart });
  }
  const bound = [...wanted.workflows].map(([name, workflow]): [string, WorkflowConfig] => {
    return [name, (workflows.of.get(name) === "old" ? old?.workflows.get(name) : undefined) ?? workflow];
  });
  return { ...wanted, senses, groups, workflows: new Map(bound) };
}

function listHolds(wanted: NerveConfig, bound: NerveConfig, senses: Choices, workflows: Choices): Hold[] {
  const list = (kind: Hold["kind"], { of, excess }: Choices, names: Iterable<string>): Hold[] =>
    [...names].flatMap((name) => {
      const choice = of.get(name),
        [now, asked] = kind === "sense"
          ? [bound.senses.get(name), wanted.senses.get(name)]
          : [bound.workflows.get(name), wanted.workflows.get(name)];
      // In a held group, only what changed is held back.
      if (choice === "new" || now === undefined || (choice === "old" && isDeepEqual(now, asked))) return [];
      const unit = "group" in now ? groupKey(now.group) : workflowKey(name);
      return [{ kind, name, unit, runs: choice === "old", excess: excess.get(name) ?? "", fault: null }];
    });
  return [
    ...list("sense", senses, wanted.senses.keys()),
    ...list("workflow", workflows, wanted.workflows.keys()),
  ];
}

function formatAll(growth: readonly LockGrowth[]): string {
  return [...new Set(growth.map(formatGrowth))].join("; ");
}
