/**
 * One sense of the scheduler: its schedules, its throttle window and its timeline. Owned by scheduler.ts.
 * trigger_policy.ts decides; this file carries the decisions out.
 */
import { assert } from "../base/errors.ts";
import { msSince } from "../base/moment.ts";
import type { Trigger } from "../protocol/signal.ts";
import { toTriggerOf } from "../protocol/signal_text.ts";
import { findCatchUpLines, findMissedTick } from "./cron_catch_up.ts";
import type {
  ComputeEnding,
  ComputeStarter,
  PauseRecords,
  ScheduleListener,
  SensePlan,
  SenseSchedule,
  TickRecords,
  TriggerReceipt,
} from "./ports.ts";
import { AdvanceTimer, ScheduleTimer, type TimerPorts, toWallTime } from "./schedule_timer.ts";
import { spreadBy } from "./spread.ts";
import { advance, createTimeline, type TimelineAction, type TimelineEvent, windowEndOf } from "./trigger_policy.ts";
import { CronTimes, type Schedule, type Tick } from "./timetable.ts";

/** What all senses of one scheduler share. */
export interface ScheduledSensePorts extends TimerPorts {
  readonly starter: ComputeStarter;
  readonly listener: ScheduleListener;
  readonly records: TickRecords;
  readonly pauses: PauseRecords;
  /** A number that was never used before. */
  newComputeId(): number;
  /** The sense was removed and its last compute has ended. */
  onRemoved(sense: string): void;
}

export class ScheduledSense {
  readonly name: string;
  readonly #ports: ScheduledSensePorts;
  readonly #schedules = new Map<string, ScheduleTimer>();
  readonly #windowTimer: AdvanceTimer;
  readonly #onPrepare = (at: number): void => this.#prepareFor(at);
  #timeline = createTimeline(0);
  #catchUpTimer: AdvanceTimer | null = null;
  /** The newest cron tick that no compute has answered; null when there is none. */
  #unanswered: number | null = null;
  /** The newest interval tick that a pause has skipped; null when there is none. */
  #skipped: { readonly intervalMs: number; readonly due: number } | null = null;
  /** Null once the sense was removed. */
  #plan: SensePlan | null = null;

  constructor(ports: ScheduledSensePorts, name: string) {
    this.#ports = ports;
    this.name = name;
    this.#windowTimer = new AdvanceTimer(
      ports,
      this.#onPrepare,
      () => this.#apply({ kind: "window_elapsed", now: ports.clock.monotonic() }),
    );
  }

  get plan(): SensePlan | null {
    return this.#plan;
  }

  /** Follows `plan` from now on. Schedules that the previous plan also had keep running unchanged. */
  applyPlan(plan: SensePlan): void {
    const { clock } = this.#ports;
    this.#plan = plan;
    const schedules = this.#readSchedules(plan);
    for (const [key, alarm] of this.#schedules) {
      if (schedules.has(key)) continue;
      alarm.cancel();
      this.#schedules.delete(key);
    }
    for (const [key, schedule] of schedules) {
      if (this.#schedules.has(key)) continue;
      const onTick = (tick: Tick) => this.#onScheduleTick(schedule, tick);
      const named = schedule.kind === "cron" ? plan.lastCronTick : null;
      const last = named === null ? null : { at: -Infinity, named };
      this.#schedules.set(key, new ScheduleTimer(this.#ports, schedule, last, this.#onPrepare, onTick));
    }
    if (plan.lastCronTick === null && findCatchUpLines(plan).length > 0) {
      this.#ports.listener.onCronTick(this.name, clock.now());
    }
    this.#apply({ kind: "plan_changed", throttleMs: plan.throttleMs ?? 0, now: clock.monotonic() });
  }

  /** Runs one compute for all cron ticks missed since `lastCronTick`, after the startup delay. */
  catchUp(): void {
    const { clock } = this.#ports;
    if (this.#plan === null) return;
    const due = findMissedTick(this.name, this.#plan, clock.now());
    if (due === null) return;
    this.#catchUpTimer = new AdvanceTimer(this.#ports, this.#onPrepare, () => this.#onCronTick(due));
    this.#catchUpTimer.set(clock.monotonic() + this.#plan.startupDelayMs);
  }

  /** The sense can compute again after its process died: makes up for a missed cron tick, if a line catches up. */
  resume(): void {
    const due = this.#unanswered;
    if (this.#isPaused) return;
    if (due === null || this.#plan === null || this.#timeline.tag !== "idle") return;
    if (findCatchUpLines(this.#plan).length > 0) this.trigger({ kind: "cron", due, coalesced: 0 });
  }

  /** Starts no further computes; a running one finishes. `applyPlan` brings the sense back. */
  remove(): void {
    this.#plan = null;
    for (const alarm of this.#schedules.values()) alarm.cancel();
    this.#schedules.clear();
    this.#windowTimer.cancel();
    this.#catchUpTimer?.cancel();
    this.#apply({ kind: "dropped" });
    if (this.#timeline.tag === "idle") this.#ports.onRemoved(this.name);
  }

  /** A reflex wakes the sense. Returns null when the sense is paused. */
  wake(trigger: Trigger): TriggerReceipt | null {
    if (!this.#isPaused) return this.trigger(trigger);
    this.#ports.listener.onSkipped(this.name);
    return null;
  }

  /**
   * The sense was paused: a pending compute is dropped, unless it was requested manually. A running compute finishes.
   */
  pause(): void {
    const state = this.#timeline, next = "next" in state ? state.next : null;
    if (next === null || next.trigger.kind === "manual") return;
    this.#ports.listener.onSkipped(this.name);
    if (next.trigger.kind === "interval") {
      const intervalMs = this.#plan?.reflexes.find((reflex) => reflex.intervalMs !== null)?.intervalMs ?? null;
      if (intervalMs !== null) this.#skipped = { intervalMs, due: next.trigger.due };
    }
    this.#windowTimer.cancel();
    this.#apply({ kind: "dropped" });
  }

  /**
   * The sense is no longer paused: one compute answers the skipped interval ticks, and a missed tick of a catch-up
   * line.
   */
  unpause(): void {
    const skipped = this.#skipped;
    this.#skipped = null;
    if (skipped !== null && this.#plan?.reflexes.some(({ intervalMs }) => intervalMs === skipped.intervalMs) === true) {
      const { listener, clock } = this.#ports;
      listener.onIntervalTick(this.name, skipped.intervalMs, clock.monotonic());
      this.trigger({ kind: "interval", due: skipped.due, coalesced: 0 });
    }
    this.resume();
  }

  trigger(trigger: Trigger): TriggerReceipt {
    const id = this.#ports.newComputeId();
    const actions = this.#apply({ kind: "trigger", trigger, id, now: this.#ports.clock.monotonic() });
    for (const action of actions) {
      if (action.kind === "start") return { computeId: action.compute.id, how: "started", until: null };
      if (action.kind !== "deferred") continue;
      const detail = { computeId: action.computeId, until: this.#toWallTimeOrNull(action.until), trigger };
      this.#ports.listener.onNonAction(this.name, action.reason, detail);
      return { computeId: detail.computeId, how: action.reason, until: detail.until };
    }
    assert(false, "a trigger was neither started nor deferred");
  }

  /** The wall clock was set: see `ScheduleTimer.resync`. */
  resync(setTo: number): void {
    for (const alarm of [...this.#schedules.values()]) alarm.resync(setTo);
  }

  /** When the next scheduled or pending compute starts, in monotonic time; null when nothing is due. */
  nextDueAt(): number | null {
    const state = this.#timeline;
    if (state.tag === "waiting") return windowEndOf(state);
    if (state.tag === "running_pending") return Math.max(this.#ports.clock.monotonic(), windowEndOf(state));
    if (this.#isPaused) return null;
    let at = this.#catchUpTimer?.at ?? Infinity;
    for (const alarm of this.#schedules.values()) at = Math.min(at, alarm.at ?? Infinity);
    return at === Infinity ? null : Math.max(at, windowEndOf(state));
  }

  view(): SenseSchedule {
    const state = this.#timeline;
    return {
      state: state.tag,
      nextDue: this.#toWallTimeOrNull(this.nextDueAt()),
      runningComputeId: "runningId" in state ? state.runningId : null,
      pending: "next" in state ? { computeId: state.next.id, trigger: state.next.trigger } : null,
    };
  }

  get #isPaused(): boolean {
    return this.#ports.pauses.isPaused(this.name);
  }

  #onScheduleTick(schedule: Schedule, { named, at }: Tick): void {
    if (schedule.kind === "cron") return this.#onCronTick(named ?? 0);
    const { listener, clock } = this.#ports, due = toWallTime(clock, at);
    // A skipped tick is not recorded: the next daemon, too, finds the interval elapsed.
    if (this.#isPaused) this.#skipped = { intervalMs: schedule.intervalMs, due };
    else listener.onIntervalTick(this.name, schedule.intervalMs, at);
    this.wake({ kind: "interval", due, coalesced: 0 });
  }

  #onCronTick(due: number): void {
    this.#unanswered = due;
    this.wake({ kind: "cron", due, coalesced: 0 });
  }

  /** Keyed by what makes two schedules equal: a duplicate in a plan would only double every tick. */
  #readSchedules(plan: SensePlan): Map<string, Schedule> {
    const schedules = new Map<string, Schedule>();
    for (const { intervalMs, cron, timezone, jitterMs } of plan.reflexes) {
      const delayMs = spreadBy(this.name, jitterMs);
      if (intervalMs !== null) {
        const anchor = this.#findAnchor(plan, intervalMs, delayMs);
        schedules.set(`interval ${intervalMs} ${jitterMs}`, { kind: "interval", intervalMs, anchor });
      }
      if (cron !== null) {
        const times = new CronTimes(cron, timezone);
        schedules.set(`cron ${cron} ${timezone} ${jitterMs}`, { kind: "cron", times, delayMs });
      }
    }
    return schedules;
  }

  /**
   * When an interval that begins now first ticks: one interval after its last tick, even if an earlier daemon ran that.
   */
  #findAnchor({ startupDelayMs }: SensePlan, intervalMs: number, delayMs: number): number {
    const { clock, records } = this.#ports, last = records.lastIntervalTick(this.name, intervalMs);
    const leftMs = last === null ? 0 : intervalMs - msSince(clock, last);
    return clock.monotonic() + (leftMs > 0 ? Math.max(leftMs, startupDelayMs) : startupDelayMs + delayMs);
  }

  /** A compute is due at `at`. Prepares its process, unless one is running or the throttle delays it for longer. */
  #prepareFor(at: number): void {
    const state = this.#timeline;
    const free = state.tag === "idle" || state.tag === "waiting";
    if (free && at >= windowEndOf(state) && !this.#isPaused) this.#ports.starter.prepare(this.name);
  }

  #apply(event: TimelineEvent): readonly TimelineAction[] {
    const step = advance(this.#timeline, event);
    // Set before the actions run: they may trigger this sense again.
    this.#timeline = step.state;
    for (const action of step.actions) {
      if (action.kind === "start") {
        this.#windowTimer.cancel();
        const { id, trigger } = action.compute, due = this.#unanswered;
        void this.#ports.starter.compute(this.name, trigger, id).then((ended) => this.#onFinished(ended, due));
      } else if (action.kind === "wait") {
        this.#windowTimer.set(action.until);
      } else if (action.kind === "drop") {
        this.#ports.listener.onDropped(this.name, action.compute.id, action.compute.trigger);
      }
    }
    return step.actions;
  }

  /** `due`: the cron tick that the compute should answer. */
  #onFinished({ beganAt, unheard, answered }: ComputeEnding, due: number | null): void {
    if (answered && due !== null) {
      this.#ports.listener.onCronTick(this.name, due);
      if (this.#unanswered === due) this.#unanswered = null;
    }
    this.#apply({ kind: "finished", beganAt, now: this.#ports.clock.monotonic() });
    if (this.#plan === null) this.#ports.onRemoved(this.name);
    else if (unheard !== null && this.#timeline.tag === "idle" && !this.#isPaused) {
      this.trigger(toTriggerOf(unheard));
    }
  }

  #toWallTimeOrNull(monotonic: number | null): number | null {
    return monotonic === null ? null : toWallTime(this.#ports.clock, monotonic);
  }
}
