/**
 * Who may start, who waits, who is turned away. Pure; manager.ts and dispatcher.ts act on it.
 * I1. Never more than `concurrency` runs hold a slot by these decisions.
 * I2. FIFO: nobody starts while somebody waits before him.
 */
import type { WorkflowPlan } from "./ports.ts";

/** What a workflow has at the moment. `accepting` is false in quarantine and while the manager does not run. */
export interface Load {
  readonly active: number;
  readonly queued: number;
  readonly accepting: boolean;
}

export type Admission =
  | { readonly kind: "start" }
  /** It waits at the end of the queue; so many of the oldest leave from its front. */
  | { readonly kind: "queue"; readonly dropOldest: number }
  | { readonly kind: "drop"; readonly reason: string };

type Rules = Pick<WorkflowPlan, "concurrency" | "overflow" | "maxQueue">;

/** What becomes of a new run. */
export function admit(load: Load, rules: Rules): Admission {
  if (load.queued === 0 && startable(load, rules) > 0) return { kind: "start" };
  if (rules.overflow === "queue" && rules.maxQueue > 0) {
    return { kind: "queue", dropOldest: Math.max(0, load.queued + 1 - rules.maxQueue) };
  }
  if (!load.accepting) return { kind: "drop", reason: "the workflow takes no runs at the moment" };
  return { kind: "drop", reason: `${load.active} of ${rules.concurrency} runs are active` };
}

/** How many more runs may take a slot; they are taken from the front of the queue. */
export function startable(load: Pick<Load, "active" | "accepting">, rules: Pick<Rules, "concurrency">): number {
  return load.accepting ? Math.max(0, rules.concurrency - load.active) : 0;
}
