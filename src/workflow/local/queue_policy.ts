/**
 * Decides which runs start, wait or are dropped. Pure; run_admission.ts and dispatcher.ts act on it.
 * I1. These decisions never give slots to more than `concurrency` runs.
 * I2. FIFO: no run starts while another waits ahead of it.
 */
import type { WorkflowPlan } from "../engine.ts";

/** The current load of a workflow. `accepting` is false in quarantine and while the manager does not run. */
export interface Load {
  readonly active: number;
  readonly queued: number;
  readonly accepting: boolean;
}

export type QueueDecision =
  | { readonly kind: "start" }
  /** It waits at the end of the queue. Once that is stored, `countExcess` tells how many runs leave at the front. */
  | { readonly kind: "queue"; readonly reason?: string }
  | { readonly kind: "drop"; readonly reason: string };

type Rules = Pick<WorkflowPlan, "concurrency" | "overflow" | "maxQueue">;

/** Decides what happens to a new run. */
export function admit(load: Load, rules: Rules): QueueDecision {
  if (load.queued === 0 && countStartable(load, rules) > 0) return { kind: "start" };
  if (rules.overflow === "queue" && rules.maxQueue > 0) return { kind: "queue" };
  if (!load.accepting) return { kind: "drop", reason: "the workflow is quarantined, or the daemon stops" };
  return { kind: "drop", reason: `${load.active} of ${rules.concurrency} runs are active` };
}

/** How many more runs may take a slot. They come from the front of the queue. */
export function countStartable(load: Pick<Load, "active" | "accepting">, rules: Pick<Rules, "concurrency">): number {
  return load.accepting ? Math.max(0, rules.concurrency - load.active) : 0;
}

/** How many of the oldest runs a queue of `queued` runs must drop, so that the newest may stay. */
export function countExcess(queued: number, rules: Pick<Rules, "maxQueue">): number {
  return Math.max(0, queued - rules.maxQueue);
}
