/**
 * What deploying needs of the stages and of the processes that run. `sensing/manager.ts`, `scheduler/scheduler.ts`,
 * `workflow/engine.ts` and `kernel/process_events.ts` fit these by their shape; `kernel/wiring.ts` hands them in.
 */
import type { UnitProcess } from "../process/unit_process.ts";
import type { LoadProblem } from "../protocol/message.ts";
import type { UnitKey } from "../protocol/unit.ts";
import type { SensePlan } from "../scheduler/ports.ts";
import type { ComputeLimits } from "../sensing/ports.ts";
import type { WorkflowPlan } from "../workflow/engine.ts";

/** Takes the senses of a configuration. */
export interface SenseTarget {
  /** Adds a sense, or gives it new limits. */
  plan(limits: ComputeLimits): void;
  /** Forgets all senses but these. */
  keepOnly(senses: { has(name: string): boolean }): void;
}

export interface ScheduleTarget {
  setPlans(plans: readonly SensePlan[]): void;
}

export interface WorkflowTarget {
  configure(plans: readonly WorkflowPlan[]): void;
  codeReplaced(workflow: string): void;
}

/** What is known of how a sense loaded last. */
export interface SenseLoads {
  record(sense: string): { readonly loadProblems: readonly LoadProblem[] } | null;
  loaded(sense: string, problems: readonly LoadProblem[]): void;
}

/** The units as they run. */
export interface RunningUnits {
  /** When the process loaded this sense or workflow, in monotonic time; Infinity when it has not yet. */
  loadedAt(process: UnitProcess, name: string): number;
  /** The unit's files changed: new work goes to a new process. */
  onReplaced(key: UnitKey): void;
  /** Lifts a quarantine or a backoff. */
  reset(key: UnitKey): boolean;
}
