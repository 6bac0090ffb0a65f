/**
 * What the scheduler is told, what it asks for and whom it tells. The kernel fits these to processes, store and log.
 * Times are wall milliseconds.
 */
import type { Trigger } from "../protocol/signal.ts";

/** Runs computes; the kernel hands it to the groups' processes. */
export interface ComputeStarter {
  /**
   * Resolves when the compute is over, however it ended, with the monotonic time at which the sense began it: its
   * process may have had to start first. Never rejects. Its outcome is not the scheduler's business.
   */
  compute(sense: string, trigger: Trigger, computeId: number): Promise<number>;
  /** A compute of this sense is due in `prepareAheadMs`: its process should be there by then. */
  prepare(sense: string): void;
}

/** Hears of what did not happen, and of cron ticks. Must not throw. */
export interface ScheduleListener {
  /**
   * A trigger started no compute at once. "throttled": it waits for the end of the window at `until`. "coalesced": it
   * is answered together with others. Either way by the compute `computeId`, which is still to start.
   */
  nonAction(sense: string, reason: "throttled" | "coalesced", detail: NonActionDetail): void;
  /** The compute `computeId` that was promised never starts: the scheduler stops, or the sense was removed. */
  dropped(sense: string, computeId: number, trigger: Trigger): void;
  /**
   * To be remembered and handed back as `lastCronTick`: the sense's cron lines have been followed up to `due`. Comes
   * with each cron tick, and when a line with `catch_up` is followed for the first time.
   */
  cronTick(sense: string, due: number): void;
}

export interface NonActionDetail {
  readonly computeId: number;
  readonly until: number | null;
  readonly trigger: Trigger;
}

/** All reflexes of one sense, and its pace. The configuration has been checked: a wrong cron line is a bug here. */
export interface SensePlan {
  readonly sense: string;
  readonly reflexes: readonly ReflexPlan[];
  /** Least time between the starts of two computes; null for none. */
  readonly throttleMs: number | null;
  /** From the start of the scheduler, or of this schedule, to its first interval tick. */
  readonly startupDelayMs: number;
  /** What `cronTick` last said; null when it never did. Read when the scheduler starts. */
  readonly lastCronTick: number | null;
}

export interface ReflexPlan {
  readonly intervalMs: number | null;
  readonly cron: string | null;
  /** An IANA name; null means the machine's own. */
  readonly timezone: string | null;
  readonly catchUp: "none" | "once";
  /** Senses whose signals wake this one. */
  readonly on: readonly string[];
}

/** What becomes of a trigger: `computeId` answers it; `until` is the end of the window when it was throttled. */
export interface TriggerReceipt {
  readonly computeId: number;
  readonly how: "started" | "throttled" | "coalesced";
  readonly until: number | null;
}

/** One sense, for a reader. */
export interface SenseSchedule {
  readonly state: "idle" | "waiting" | "running" | "running_pending";
  /** When a compute will start next of itself; null when no schedule and no trigger makes it. */
  readonly nextDue: number | null;
  readonly runningComputeId: number | null;
  /** The compute that is still to start, at the end of the window or of the running one. */
  readonly pending: { readonly computeId: number; readonly trigger: Trigger } | null;
}
