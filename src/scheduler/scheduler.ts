/**
 * Decides when which sense computes. Fed by the kernel with plans, manual triggers and signals; asks for computes
 * through ComputeStarter, and tells a ScheduleListener what did not happen.
 *
 * I1. Computes of one sense never overlap, nor start closer together than its throttle; none waits for another sense.
 * I2. A plan that did not change keeps its timers, window and pending trigger, however often plans are set.
 * I3. All deadlines sit in one heap over one timer of the clock; nothing polls. (The exception, see #watchWall, is one
 *     glance at the wall clock a minute while there are cron lines.)
 */
import { isDeepStrictEqual } from "node:util";
import { assert } from "../base/errors.ts";
import type { Clock } from "../base/time.ts";
import { type HeapTimer, TimerHeap } from "../base/timer_heap.ts";
import type { Signal, Trigger } from "../protocol/signal.ts";
import { wallOf } from "./alarm.ts";
import type { ComputeStarter, ScheduleListener, SensePlan, SenseSchedule, TriggerReceipt } from "./ports.ts";
import { ScheduledSense, type ScheduledSensePorts } from "./scheduled_sense.ts";

export type {
  ComputeStarter,
  NonActionDetail,
  ReflexPlan,
  ScheduleListener,
  SensePlan,
  SenseSchedule as SenseView,
  TriggerReceipt,
} from "./ports.ts";

/** How often cron lines make us compare the wall clock with the monotonic one. */
const wallWatchMs = 60_000;
/** By this much the wall clock may drift before deadlines are reckoned anew. */
const wallDriftMaxMs = 1_000;

export class Scheduler {
  readonly #clock: Clock;
  readonly #heap: TimerHeap;
  readonly #around: ScheduledSensePorts;
  /** Also those that were removed while they compute, until that is over. */
  readonly #senses = new Map<string, ScheduledSense>();
  /** By the sense that signals: those whose reflexes listen to it. */
  readonly #listening = new Map<string, ScheduledSense[]>();
  #phase: "new" | "started" | "stopped" = "new";
  #plans: readonly SensePlan[] = [];
  #wallWatch: HeapTimer | null = null;
  #wallOffset = 0;

  /** `newComputeId` gives a number that was never given before. */
  constructor(
    parts: { clock: Clock; starter: ComputeStarter; listener: ScheduleListener; newComputeId: () => number },
  ) {
    this.#clock = parts.clock;
    this.#heap = new TimerHeap(parts.clock);
    this.#around = {
      ...parts,
      heap: this.#heap,
      newId: parts.newComputeId,
      gone: (sense) => void this.#senses.delete(sense),
    };
  }

  /**
   * All plans there are from now on, one for each sense. Before `start` they are only recorded. A sense that is not
   * among them gets no further computes; one whose plan changed keeps its running compute, its pending trigger and the
   * schedules that are in both plans, while a new schedule begins as it would at a start.
   */
  setPlans(plans: readonly SensePlan[]): void {
    this.#plans = plans;
    if (this.#phase === "started") this.#follow();
  }

  /** The first tick of each interval comes at once, after its sense's startup delay; then what cron lines missed. */
  start(): void {
    assert(this.#phase === "new", "a scheduler starts once");
    this.#phase = "started";
    this.#follow();
    for (const sense of this.#senses.values()) sense.catchUp();
  }

  /** No new computes; those that wait are dropped, those that run go on to their end. */
  stop(): void {
    if (this.#phase === "stopped") return;
    this.#phase = "stopped";
    this.#listening.clear();
    for (const sense of [...this.#senses.values()]) sense.remove();
    this.#heap.clear();
  }

  /** Null when there is no such sense, or the scheduler is not running. */
  trigger(sense: string, trigger: Trigger): TriggerReceipt | null {
    return this.#present(sense)?.trigger(trigger) ?? null;
  }

  /** Wakes the senses whose reflexes name the signal's sense under `on`; how many there are. */
  signalled(signal: Signal): number {
    const listening = this.#listening.get(signal.sense) ?? [];
    for (const sense of listening) sense.trigger({ kind: "signal", signal, coalesced: 0 });
    return listening.length;
  }

  /** Null when there is no such sense, or the scheduler is not running. */
  view(sense: string): SenseSchedule | null {
    return this.#present(sense)?.view() ?? null;
  }

  /** When the first of these senses will compute next of itself; null when nothing is due. May lie in the past. */
  nextDueAt(senses: Iterable<string>): number | null {
    let at = Infinity;
    for (const sense of senses) at = Math.min(at, this.#senses.get(sense)?.nextAt() ?? Infinity);
    return at === Infinity ? null : wallOf(this.#clock, at);
  }

  #present(name: string): ScheduledSense | null {
    const sense = this.#senses.get(name);
    return this.#phase !== "started" || sense === undefined || sense.plan === null ? null : sense;
  }

  #follow(): void {
    const wanted = new Set(this.#plans.map((plan) => plan.sense));
    assert(wanted.size === this.#plans.length, "two plans for one sense");
    for (const sense of [...this.#senses.values()]) {
      if (!wanted.has(sense.name) && sense.plan !== null) sense.remove();
    }
    this.#listening.clear();
    for (const plan of this.#plans) {
      const sense = this.#senses.get(plan.sense) ?? new ScheduledSense(this.#around, plan.sense);
      this.#senses.set(plan.sense, sense);
      if (sense.plan === null || !samePlan(sense.plan, plan)) sense.follow(plan);
      for (const source of new Set(plan.reflexes.flatMap((reflex) => reflex.on))) {
        const listening = this.#listening.get(source) ?? [];
        this.#listening.set(source, [...listening, sense]);
      }
    }
    if (this.#wallWatch === null && this.#hasCron()) {
      this.#wallOffset = this.#clock.now() - this.#clock.monotonic();
      this.#watchWall();
    }
  }

  /**
   * Timers run on monotonic time, which does not notice that the wall clock was set nor that the machine slept. Cron
   * lines follow the wall, so their deadlines are reckoned anew when the two have moved apart.
   */
  #watchWall(): void {
    this.#wallWatch = this.#heap.add(this.#clock.monotonic() + wallWatchMs, () => {
      this.#wallWatch = null;
      if (!this.#hasCron()) return;
      this.#watchWall();
      const offset = this.#clock.now() - this.#clock.monotonic();
      if (Math.abs(offset - this.#wallOffset) <= wallDriftMaxMs) return;
      this.#wallOffset = offset;
      for (const sense of this.#senses.values()) sense.resync();
    });
  }

  #hasCron(): boolean {
    return this.#plans.some((plan) => plan.reflexes.some((reflex) => reflex.cron !== null));
  }
}

/** `lastCronTick` is a memory, not a plan: it moves with each tick. */
function samePlan(a: SensePlan, b: SensePlan): boolean {
  return isDeepStrictEqual({ ...a, lastCronTick: null }, { ...b, lastCronTick: null });
}
