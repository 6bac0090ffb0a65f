/** A scheduler on a fake clock, with computes that take as long as a test sets. */
import assert from "node:assert/strict";
import { type Moment, momentBefore, readMoment } from "../../src/base/moment.ts";
import type { Trigger } from "../../src/protocol/signal.ts";
import type {
  ComputeEnding,
  ComputeStarter,
  NonActionDetail,
  ReflexPlan,
  ScheduleListener,
  SensePlan,
  TickRecords,
} from "../../src/scheduler/ports.ts";
import { Scheduler } from "../../src/scheduler/scheduler.ts";
import { FakeClock } from "./fake_clock.ts";

export interface StartedCompute {
  readonly sense: string;
  readonly computeId: number;
  readonly trigger: Trigger;
  /** Wall time of its start, as the sense sees it. */
  at: number;
}

export const manual: Trigger = { kind: "manual", causeId: null, coalesced: 0 };

export function reflex(parts: Partial<ReflexPlan>): ReflexPlan {
  return { intervalMs: null, cron: null, timezone: null, catchUp: "none", jitterMs: 0, on: [], hook: null, ...parts };
}

export function plan(sense: string, reflexes: Partial<ReflexPlan>[], parts: Partial<SensePlan> = {}): SensePlan {
  return {
    sense,
    reflexes: reflexes.map(reflex),
    throttleMs: null,
    startupDelayMs: 0,
    lastCronTick: null,
    ...parts,
  };
}

export class SchedulerBench implements ComputeStarter, ScheduleListener, TickRecords {
  readonly clock: FakeClock;
  readonly scheduler: Scheduler;
  readonly started: StartedCompute[] = [];
  readonly prepared: { sense: string; at: number }[] = [];
  readonly deferred: ({ sense: string; reason: string } & NonActionDetail)[] = [];
  readonly droppedIds: number[] = [];
  readonly cronTicks: { sense: string; due: number }[] = [];
  /** The last tick of each interval, by sense and interval; pass them to the bench of the next daemon. */
  readonly ticks: Map<string, Moment>;
  /** How long the next compute of a sense takes, in milliseconds. */
  durationMs: (sense: string) => number = () => 0;
  /** How long its process takes before it begins the compute. */
  delayMs: (sense: string) => number = () => 0;
  readonly #running = new Set<string>();
  /** Senses whose computes are not answered. */
  readonly down = new Set<string>();

  /** `before`: the bench of the previous daemon. */
  constructor(start?: number | FakeClock, before?: SchedulerBench) {
    this.clock = start instanceof FakeClock ? start : new FakeClock(start);
    this.ticks = new Map(before?.ticks);
    let id = 0;
    const ports = { starter: this, listener: this, records: this, pauses: this };
    this.scheduler = new Scheduler({ clock: this.clock, ...ports, newComputeId: () => ++id });
  }

  compute(sense: string, trigger: Trigger, computeId: number): Promise<ComputeEnding> {
    assert.ok(!this.#running.has(sense), `computes of ${sense} overlap`);
    this.#running.add(sense);
    const delayMs = this.delayMs(sense), durationMs = this.durationMs(sense);
    this.started.push({ sense, computeId, trigger, at: this.clock.now() + delayMs });
    const beganAt = this.clock.monotonic() + delayMs;
    return new Promise((resolve) => {
      const finish = () => {
        this.#running.delete(sense);
        resolve({ beganAt, unheard: null, answered: !this.down.has(sense) });
      };
      if (delayMs + durationMs === 0) finish();
      else this.clock.after(delayMs + durationMs, finish);
    });
  }

  prepare(sense: string): void {
    this.prepared.push({ sense, at: this.clock.now() });
  }

  onNonAction(sense: string, reason: string, detail: NonActionDetail): void {
    this.deferred.push({ sense, reason, ...detail });
  }

  onDropped(_sense: string, computeId: number): void {
    this.droppedIds.push(computeId);
  }

  onCronTick(sense: string, due: number): void {
    this.cronTicks.push({ sense, due });
  }

  /** Paused senses, and how many triggers of each were skipped. */
  readonly skipped = new Map<string, number>();

  isPaused(sense: string): boolean {
    return this.skipped.has(sense);
  }

  onSkipped(sense: string): void {
    this.skipped.set(sense, (this.skipped.get(sense) ?? 0) + 1);
  }

  onIntervalTick(sense: string, intervalMs: number, at: number): void {
    this.ticks.set(`${sense} ${intervalMs}`, momentBefore(readMoment(this.clock), this.clock.monotonic() - at));
  }

  lastIntervalTick(sense: string, intervalMs: number): Moment | null {
    return this.ticks.get(`${sense} ${intervalMs}`) ?? null;
  }

  /** Starts the scheduler with these plans. */
  start(...plans: SensePlan[]): void {
    this.scheduler.setPlans(plans);
    this.scheduler.start();
  }

  /** When the computes of a sense started, in milliseconds since `from`. */
  starts(sense: string, from = 0): number[] {
    return this.started.filter((compute) => compute.sense === sense).map((compute) => compute.at - from);
  }
}
