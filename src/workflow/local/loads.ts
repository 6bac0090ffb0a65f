/** The current load of the workflows, for readers. Pure; used by manager.ts. */
import type { WorkflowLoad } from "../engine.ts";
import type { ActiveRuns } from "./active_runs.ts";

/** Every configured workflow, and removed ones that still have runs. */
export function readLoads(runs: ActiveRuns): WorkflowLoad[] {
  const known = [...runs.queues()].filter(({ plan, active, queued, planned, waiting, paused }) =>
    plan !== null || active.size + queued.size + planned.size + waiting + paused.size > 0
  );
  return known.map(({ name, active, queued, planned, waiting, paused }) => ({
    workflow: name,
    active: active.size,
    unassigned: [...active].filter((entry) => entry.phase.tag === "unassigned").length,
    queued: queued.size + planned.size,
    waiting,
    paused: paused.size,
  }));
}
