/**
 * The scheduler's input, the computes it requests, and the events it reports. The kernel connects these to processes,
 * store and log. Times are wall milliseconds.
 */
import type { Moment } from "../base/moment.ts";
import type { Signal, Trigger } from "../protocol/signal.ts";

/** Runs computes. The kernel forwards them to the groups' processes. */
export interface ComputeStarter {
  /** Resolves when the compute has ended, with any outcome, which the scheduler does not need. Never rejects. */
  compute(sense: string, trigger: Trigger, computeId: number): Promise<ComputeEnding>;
  /** A compute of this sense is due in `prepareAheadMs`: its process should be ready by then. */
  prepare(sense: string): void;
}

export interface ComputeEnding {
  /** False: the process could not be started, or died; a tick that the compute should have answered was missed. */
  readonly answered: boolean;
  /** The monotonic time at which the sense began the compute: its process may have had to start first. */
  readonly beganAt: number;
  /** The newest unprocessed signal or delivery of the sense for which no trigger will come; null when there is none. */
  readonly unheard: Signal | null;
}

/** Receives non-actions and cron ticks. Must not throw. */
export interface ScheduleListener {
  /**
   * A trigger did not start a compute at once. "throttled": it waits until the throttle window ends at `until`.
   * "coalesced": one compute answers it together with other triggers. Either way compute `computeId`, which has not
   * started yet, answers it.
   */
  onNonAction(sense: string, reason: "throttled" | "coalesced", detail: NonActionDetail): void;
  /** Pending compute `computeId` will never start: the scheduler stops, or the sense was removed. */
  onDropped(sense: string, computeId: number, trigger: Trigger): void;
  /**
   * The sense's cron lines have been followed up to `due`. Store it and pass it back as `lastCronTick`. Called when a
   * compute has answered a cron tick, and when a line with `catch_up` is followed for the first time.
   */
  onCronTick(sense: string, due: number): void;
  /** A reflex did not wake the sense, because it is paused. */
  onSkipped(sense: string): void;
  /** The interval of a sense has ticked; the tick was due at `at`, in monotonic time. Store it for `TickRecords`. */
  onIntervalTick(sense: string, intervalMs: number, at: number): void;
}

/** Knows which senses are paused. */
export interface PauseRecords {
  isPaused(sense: string): boolean;
}

/** The ticks before this start of the daemon. Read when a schedule begins. */
export interface TickRecords {
  /** When this interval of the sense last ticked, or else another interval of the sense; null: none ever did. */
  lastIntervalTick(sense: string, intervalMs: number): Moment | null;
}

export interface NonActionDetail {
  readonly computeId: number;
  readonly until: number | null;
  readonly trigger: Trigger;
}

/** All reflexes of one sense, and its throttle. The configuration was validated: an invalid cron line here is a bug. */
export interface SensePlan {
  readonly sense: string;
  readonly reflexes: readonly ReflexPlan[];
  /** The least time between the starts of two computes; null for no throttle. */
  readonly throttleMs: number | null;
  /** The least time from the start of the scheduler, or of a schedule, to that schedule's first interval tick. */
  readonly startupDelayMs: number;
  /** The last `due` that `onCronTick` reported; null when there was none. Read when the scheduler starts. */
  readonly lastCronTick: number | null;
}

export interface ReflexPlan {
  readonly intervalMs: number | null;
  readonly cron: string | null;
  /** An IANA name; null means the machine's own time zone. */
  readonly timezone: string | null;
  readonly catchUp: "none" | "once";
  /** The ticks are delayed by a part of this, the same for every tick of the sense. */
  readonly jitterMs: number;
  /** Senses whose signals trigger this one. */
  readonly on: readonly string[];
  /** The hook whose deliveries trigger this one; null: none. */
  readonly hook: string | null;
}

/**
 * How a trigger was handled. Compute `computeId` answers it; `until` is the end of the throttle window, if throttled.
 */
export interface TriggerReceipt {
  readonly computeId: number;
  readonly how: "started" | "throttled" | "coalesced";
  readonly until: number | null;
}

/** The schedule of a workflow: lines that start runs. The configuration was validated. */
export interface WorkflowSchedulePlan {
  readonly workflow: string;
  readonly lines: readonly ScheduleLine[];
  /**
   * True: other daemons follow the lines too, and a distributed engine keeps the runs, so all of them start the same
   * run.
   */
  readonly shared: boolean;
}

export interface ScheduleLine {
  readonly cron: string;
  /** An IANA name; null means the machine's own time zone. */
  readonly timezone: string | null;
  readonly catchUp: "none" | "once";
  readonly prompt: string;
}

/** `due` is the time that the line names. */
export interface LineTick {
  readonly workflow: string;
  readonly line: ScheduleLine;
  readonly due: number;
}

/** Handles the ticks of workflows' schedule lines. Must not throw. */
export interface ScheduleFollower {
  /** The time up to which the line was followed; null when it never was. */
  followedUpTo(workflow: string, line: ScheduleLine): number | null;
  /** The line is followed from now on, and was not before. */
  onFollowed(workflow: string, line: ScheduleLine): void;
  /** `caughtUp`: whether the tick was missed and is now caught up. */
  onTick(tick: LineTick, caughtUp: boolean): void;
  /** The newest tick at which nothing ran, because no daemon did. */
  onMissed(tick: LineTick): void;
}

/** The state of one sense, for display. */
export interface SenseSchedule {
  readonly state: "idle" | "waiting" | "running" | "running_pending";
  /** When the next scheduled or pending compute starts; null when there is none. */
  readonly nextDue: number | null;
  readonly runningComputeId: number | null;
  /** The compute that starts when the throttle window or the running compute ends. */
  readonly pending: { readonly computeId: number; readonly trigger: Trigger } | null;
}
