/**
 * What this folder needs from the stages and from the running processes. sensing/manager.ts, scheduler/scheduler.ts,
 * alerts/alert_runner.ts, workflow/engine.ts and kernel/process_events.ts implement these ports; kernel/wiring.ts
 * passes them in.
 */
import type { ApprovalsConfig, NerveConfig } from "../config/types.ts";
import type { UnitProcess } from "../process/unit_process.ts";
import type { AlertDefinition } from "../protocol/alert.ts";
import type { LoadProblem } from "../protocol/message.ts";
import type { UnitKey } from "../protocol/unit.ts";
import type { SensePlan, WorkflowSchedulePlan } from "../scheduler/ports.ts";
import type { ComputeLimits } from "../sensing/ports.ts";
import type { WatchPlan } from "../watches/ports.ts";
import type { WorkflowPlan } from "../workflow/engine.ts";

/** Receives the senses of a configuration. */
export interface SenseTarget {
  /** Adds a sense, or gives it new limits. */
  putSense(limits: ComputeLimits): void;
  /** Forgets all senses but these. */
  keepOnly(senses: { has(name: string): boolean }): void;
}

export interface ScheduleTarget {
  setPlans(plans: readonly SensePlan[]): void;
}

/** Receives the paths that reflexes watch. */
export interface WatchTarget {
  setPlans(plans: readonly WatchPlan[]): void;
}

/** Receives the schedules of the workflows that have one. */
export interface WorkflowScheduleTarget {
  setPlans(plans: readonly WorkflowSchedulePlan[]): void;
}

/** Receives the alerts of a configuration. */
export interface AlertTarget {
  configure(definitions: Iterable<AlertDefinition>): void;
}

/** Receives the hooks of a configuration, with the senses that compute for them. */
export interface HookTarget {
  configure(config: NerveConfig): void;
}

/** Receives the distributed engines of a configuration, before the workflows that name them. */
export interface EngineTarget {
  configure(config: NerveConfig): void;
}

/** Receives the settings for notices of requests. */
export interface ApprovalsTarget {
  configure(config: ApprovalsConfig): void;
}

export interface WorkflowTarget {
  configure(plans: readonly WorkflowPlan[]): void;
  onCodeReplaced(workflow: string): void;
}

/** The result of a sense's last load. */
export interface SenseLoads {
  recordOf(sense: string): { readonly loadProblems: readonly LoadProblem[] } | null;
  onLoaded(sense: string, problems: readonly LoadProblem[]): void;
}

/** The running units. */
export interface RunningUnits {
  /** When the process loaded this sense or workflow, in monotonic time; Infinity if it has not. */
  loadedAt(process: UnitProcess, name: string): number;
  /** Call this when the unit's files changed, and new work goes to a new process. */
  onReplaced(key: UnitKey): void;
  /** Lifts a quarantine or a backoff. */
  resetUnit(key: UnitKey): boolean;
}
