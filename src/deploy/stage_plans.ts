/**
 * Converts the configuration into the plans of the scheduler, the senses and the workflows. Pure; used by
 * config_applier.ts.
 */
import { grantContext } from "../config/load.ts";
import { type NerveConfig, reflexesOf } from "../config/types.ts";
import { listReadable, parseWatched } from "../config/watched_paths.ts";
import type { WorkspacePaths } from "../config/workspace.ts";
import { groupKey } from "../protocol/unit.ts";
import type { SensePlan, WorkflowSchedulePlan } from "../scheduler/ports.ts";
import type { ComputeLimits } from "../sensing/ports.ts";
import type { WatchPlan } from "../watches/ports.ts";
import type { WorkflowPlan } from "../workflow/engine.ts";

/** One plan for each sense, even without a reflex: it can still be triggered manually. */
export function toSchedulePlans(config: NerveConfig, lastCronTick: (sense: string) => number | null): SensePlan[] {
  return [...config.senses.values()].map(({ name, throttleMs, startupDelayMs }) => ({
    sense: name,
    reflexes: reflexesOf(config, name),
    throttleMs,
    startupDelayMs,
    lastCronTick: lastCronTick(name),
  }));
}

/** One plan for each reflex that watches paths. The configuration was validated. */
export function toWatchPlans(config: NerveConfig, paths: WorkspacePaths): WatchPlan[] {
  const { home } = grantContext;
  return config.reflexes.flatMap(({ sense: name, watch, debounceMs }) => {
    const sense = config.senses.get(name);
    if (sense === undefined || watch.length === 0) return [];
    const patterns = watch.map((text) => parseWatched(text, paths, home)).flatMap((each) =>
      each.ok ? [each.value] : []
    );
    return [{ sense: name, patterns, debounceMs, readable: listReadable(sense, paths, home) }];
  });
}

export function toComputeLimits(config: NerveConfig): ComputeLimits[] {
  return [...config.senses.values()].map(({ name, group, timeoutMs, gracePeriodMs }) => ({
    sense: name,
    unit: groupKey(group),
    timeoutMs,
    gracePeriodMs,
  }));
}

export function toWorkflowSchedules(config: NerveConfig): WorkflowSchedulePlan[] {
  return [...config.workflows.values()].flatMap(({ name, schedule, engine }) =>
    schedule.length === 0 ? [] : [{ workflow: name, lines: schedule, shared: engine !== null }]
  );
}

export function toWorkflowPlans(config: NerveConfig): WorkflowPlan[] {
  return [...config.workflows.values()];
}
