/** From the configuration to what the scheduler, the desk and the workflow manager ask for. Pure; used by kernel.ts. */
import type { NerveConfig } from "../config/types.ts";
import { groupKey } from "../protocol/unit.ts";
import type { SensePlan } from "../scheduler/ports.ts";
import type { ComputeLimits } from "../sensing/ports.ts";
import type { WorkflowPlan } from "../workflow/engine.ts";

/** One plan for each sense, also for those without a reflex: a person may still trigger them. */
export function schedulePlans(config: NerveConfig, lastCronTick: (sense: string) => number | null): SensePlan[] {
  return [...config.senses.values()].map(({ name, throttleMs, startupDelayMs }) => ({
    sense: name,
    reflexes: config.reflexes.filter((reflex) => reflex.sense === name),
    throttleMs,
    startupDelayMs,
    lastCronTick: lastCronTick(name),
  }));
}

export function computeLimits(config: NerveConfig): ComputeLimits[] {
  return [...config.senses.values()].map(({ name, group, timeoutMs, gracePeriodMs }) => ({
    sense: name,
    unit: groupKey(group),
    timeoutMs,
    gracePeriodMs,
  }));
}

export function workflowPlans(config: NerveConfig): WorkflowPlan[] {
  return [...config.workflows.values()];
}
