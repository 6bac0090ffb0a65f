/**
 * Decides when each sense computes. The kernel passes in plans, manual triggers and signals. The scheduler requests
 * computes through ComputeStarter and reports non-actions to ScheduleListener.
 *
 * I1. Computes of one sense never overlap, nor start closer together than its throttle. None waits for another sense.
 * I2. A sense whose plan did not change keeps its timers, window and pending trigger, however often plans are set.
 * I3. All deadlines share one heap over one timer of the clock; nothing polls. While there are cron lines the scheduler
 *     follows the wall clock (`Clock.onSet`): timers run on monotonic time.
 */
import { isDeepEqual } from "../base/deep_equal.ts";
import { assert } from "../base/errors.ts";
import type { CancelTimer, Clock } from "../base/time.ts";
import { TimerHeap } from "../base/timer_heap.ts";
import { listFollowed } from "../protocol/delivery.ts";
import type { Signal, Trigger } from "../protocol/signal.ts";
import { toTriggerOf } from "../protocol/signal_text.ts";
import type {
  ComputeStarter,
  PauseRecords,
  ScheduleListener,
  SensePlan,
  SenseSchedule,
  TickRecords,
  TriggerReceipt,
} from "./ports.ts";
import { toWallTime } from "./schedule_timer.ts";
import { ScheduledSense, type ScheduledSensePorts } from "./scheduled_sense.ts";

export class Scheduler {
  readonly #clock: Clock;
  readonly #heap: TimerHeap;
  readonly #sensePorts: ScheduledSensePorts;
  /** Includes senses that were removed while they compute, until they finish. */
  readonly #senses = new Map<string, ScheduledSense>();
  /** For each sense and hook, the senses whose reflexes listen to its signals or deliveries. */
  readonly #listeners = new Map<string, ScheduledSense[]>();
  #phase: "new" | "started" | "stopped" = "new";
  #plans: readonly SensePlan[] = [];
  #unfollow: CancelTimer | null = null;

  /** `newComputeId` returns a number that was never used before. */
  constructor(
    parts: {
      clock: Clock;
      starter: ComputeStarter;
      listener: ScheduleListener;
      records: TickRecords;
      pauses: PauseRecords;
      newComputeId: () => number;
    },
  ) {
    this.#clock = parts.clock;
    this.#heap = new TimerHeap(parts.clock);
    this.#sensePorts = {
      ...parts,
      heap: this.#heap,
      newComputeId: parts.newComputeId,
      onRemoved: (sense) => void this.#senses.delete(sense),
    };
  }

  /**
   * Replaces all plans; there is one for each sense. Before `start` they are only recorded. A sense without a plan gets
   * no further computes. A sense whose plan changed keeps its running compute, its pending trigger and the schedules
   * that both plans share; a new schedule begins as it would at a start.
   */
  setPlans(plans: readonly SensePlan[]): void {
    this.#plans = plans;
    if (this.#phase === "started") this.#applyPlans();
  }

  /**
   * Intervals continue from their last tick. Due intervals and missed cron ticks are answered after the startup delay.
   */
  start(): void {
    assert(this.#phase === "new", "a scheduler starts once");
    this.#phase = "started";
    this.#applyPlans();
    for (const sense of this.#senses.values()) sense.catchUp();
  }

  /** Starts no new computes, drops pending ones, and lets running ones finish. */
  stop(): void {
    if (this.#phase === "stopped") return;
    this.#phase = "stopped";
    this.#listeners.clear();
    for (const sense of [...this.#senses.values()]) sense.remove();
    this.#heap.clear();
    this.#unfollow?.();
    this.#unfollow = null;
  }

  /** Null when the sense is unknown or the scheduler is not running. */
  trigger(sense: string, trigger: Trigger): TriggerReceipt | null {
    return this.#findActive(sense)?.trigger(trigger) ?? null;
  }

  /** Like `trigger`, for a reflex: also null when the sense is paused. */
  wake(sense: string, trigger: Trigger): TriggerReceipt | null {
    return this.#findActive(sense)?.wake(trigger) ?? null;
  }

  /** The sense was paused: a pending compute is dropped, unless it was requested manually. */
  pause(sense: string): void {
    this.#findActive(sense)?.pause();
  }

  /** The sense is no longer paused. */
  unpause(sense: string): void {
    this.#findActive(sense)?.unpause();
  }

  /** Triggers the senses whose reflexes follow the signal's sense, or its hook. Returns how many there are. */
  onSignal(signal: Signal): number {
    const listeners = this.#listeners.get(signal.sense) ?? [];
    for (const sense of listeners) sense.wake(toTriggerOf(signal));
    return listeners.length;
  }

  /** The sense can compute again after its process died. */
  resume(sense: string): void {
    this.#findActive(sense)?.resume();
  }

  /** Null when the sense is unknown or the scheduler is not running. */
  view(sense: string): SenseSchedule | null {
    return this.#findActive(sense)?.view() ?? null;
  }

  /** When the first of these senses is due to compute; null when nothing is due. May lie in the past. */
  nextDueAt(senses: Iterable<string>): number | null {
    let at = Infinity;
    for (const sense of senses) at = Math.min(at, this.#senses.get(sense)?.nextDueAt() ?? Infinity);
    return at === Infinity ? null : toWallTime(this.#clock, at);
  }

  #findActive(name: string): ScheduledSense | null {
    const sense = this.#senses.get(name);
    return this.#phase !== "started" || sense === undefined || sense.plan === null ? null : sense;
  }

  #applyPlans(): void {
    const wanted = new Set(this.#plans.map((plan) => plan.sense));
    assert(wanted.size === this.#plans.length, "two plans for one sense");
    for (const sense of [...this.#senses.values()]) {
      if (!wanted.has(sense.name) && sense.plan !== null) sense.remove();
    }
    this.#listeners.clear();
    for (const plan of this.#plans) {
      const sense = this.#senses.get(plan.sense) ?? new ScheduledSense(this.#sensePorts, plan.sense);
      this.#senses.set(plan.sense, sense);
      if (sense.plan === null || !isSamePlan(sense.plan, plan)) sense.applyPlan(plan);
      for (const source of new Set(plan.reflexes.flatMap(listFollowed))) {
        const listeners = this.#listeners.get(source) ?? [];
        this.#listeners.set(source, [...listeners, sense]);
      }
    }
    this.#followWallClock();
  }

  #followWallClock(): void {
    const hasCron = this.#plans.some((plan) => plan.reflexes.some((reflex) => reflex.cron !== null));
    if (hasCron) {
      this.#unfollow ??= this.#clock.onSet((setTo) => {
        for (const sense of [...this.#senses.values()]) sense.resync(setTo);
      });
    } else {
      this.#unfollow?.();
      this.#unfollow = null;
    }
  }
}

/** `lastCronTick` is state, not part of the plan: it changes with each tick. */
function isSamePlan(a: SensePlan, b: SensePlan): boolean {
  return isDeepEqual({ ...a, lastCronTick: null }, { ...b, lastCronTick: null });
}
