/**
 * Who may start, who waits, who is turned away. Pure; manager.ts and dispatcher.ts act on it.
 * I1. Never more than `concurrency` runs hold a slot by these decisions.
 * I2. FIFO: nobody starts while somebody waits before him.
 */
import type { WorkflowPlan } from "../engine.ts";

/** What a workflow has at the moment. `accepting` is false in quarantine and while the manager does not run. */
export interface Load {
  readonly active: number;
  readonly queued: number;
  readonly accepting: boolean;
}

export type QueueDecision =
  | { readonly kind: "start" }
  /** It waits at the end of the queue. When it is there on disk, `excess` tells who leaves at the front. */
  | { readonly kind: "queue" }
  | { readonly kind: "drop"; readonly reason: string };

type Rules = Pick<WorkflowPlan, "concurrency" | "overflow" | "maxQueue">;

/** What becomes of a new run. */
export function admit(load: Load, rules: Rules): QueueDecision {
  if (load.queued === 0 && startable(load, rules) > 0) return { kind: "start" };
  if (rules.overflow === "queue" && rules.maxQueue > 0) return { kind: "queue" };
  if (!load.accepting) return { kind: "drop", reason: "the workflow is quarantined, or the daemon stops" };
  return { kind: "drop", reason: `${load.active} of ${rules.concurrency} runs are active` };
}

/** How many more runs may take a slot; they are taken from the front of the queue. */
export function startable(load: Pick<Load, "active" | "accepting">, rules: Pick<Rules, "concurrency">): number {
  return load.accepting ? Math.max(0, rules.concurrency - load.active) : 0;
}

/** How many of the oldest leave a queue that holds `queued` runs: dropped, so that the newest may stay. */
export function excess(queued: number, rules: Pick<Rules, "maxQueue">): number {
  return Math.max(0, queued - rules.maxQueue);
}
