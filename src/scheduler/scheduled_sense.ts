/**
 * One sense under the scheduler: its schedules, its throttle window, and the timeline that decides what they lead to.
 * Owned by scheduler.ts. Decisions are taken in sense_timeline.ts; here they are carried out.
 */
import { assert } from "../base/errors.ts";
import type { Trigger } from "../protocol/signal.ts";
import { Alarm, Reminder, type Time, wallOf } from "./alarm.ts";
import type { ComputeStarter, ScheduleListener, SensePlan, SenseSchedule, TriggerReceipt } from "./ports.ts";
import { advance, newTimeline, type TimelineAction, type TimelineEvent, windowEnd } from "./sense_timeline.ts";
import { CronTimes, findMissedCronTick, type Schedule } from "./timetable.ts";

/** What all senses of one scheduler share. */
export interface ScheduledSensePorts extends Time {
  readonly starter: ComputeStarter;
  readonly listener: ScheduleListener;
  /** A number that was not given out before. */
  newId(): number;
  /** The sense was removed and its last compute is over. */
  gone(sense: string): void;
}

export class ScheduledSense {
  readonly name: string;
  readonly #around: ScheduledSensePorts;
  readonly #alarms = new Map<string, Alarm>();
  readonly #window: Reminder;
  readonly #ahead = (at: number): void => this.#prepareFor(at);
  #timeline = newTimeline(0);
  #catchUp: Reminder | null = null;
  /** Null once the sense was removed. */
  #plan: SensePlan | null = null;

  constructor(around: ScheduledSensePorts, name: string) {
    this.#around = around;
    this.name = name;
    this.#window = new Reminder(
      around,
      this.#ahead,
      () => this.#apply({ kind: "window_elapsed", now: around.clock.monotonic() }),
    );
  }

  get plan(): SensePlan | null {
    return this.#plan;
  }

  /** Follows `plan` from now on. Schedules that it shares with the plan before go on as they were. */
  follow(plan: SensePlan): void {
    const { clock } = this.#around;
    this.#plan = plan;
    const schedules = schedulesOf(plan, clock.monotonic() + plan.startupDelayMs);
    for (const [key, alarm] of this.#alarms) {
      if (schedules.has(key)) continue;
      alarm.cancel();
      this.#alarms.delete(key);
    }
    for (const [key, schedule] of schedules) {
      if (this.#alarms.has(key)) continue;
      const ring = (due: number) => this.#ring(schedule.kind, due);
      this.#alarms.set(key, new Alarm(this.#around, schedule, this.#ahead, ring));
    }
    if (plan.lastCronTick === null && catchUpLines(plan).length > 0) {
      this.#around.listener.cronTick(this.name, clock.now());
    }
    this.#apply({ kind: "plan_changed", throttleMs: plan.throttleMs ?? 0, now: clock.monotonic() });
  }

  /** Runs one compute for the cron ticks that were missed since `lastCronTick`, after the startup delay. */
  catchUp(): void {
    const { clock } = this.#around;
    if (this.#plan === null) return;
    const { lastCronTick, startupDelayMs } = this.#plan;
    const missed = catchUpLines(this.#plan).map((line) =>
      findMissedCronTick(line, lastCronTick, clock.now()) ?? -Infinity
    );
    const due = Math.max(...missed);
    if (due === -Infinity) return;
    this.#catchUp = new Reminder(this.#around, this.#ahead, () => this.#ring("cron", due));
    this.#catchUp.set(clock.monotonic() + startupDelayMs);
  }

  /** No further computes; one that runs goes on to its end. `follow` brings the sense back. */
  remove(): void {
    this.#plan = null;
    for (const alarm of this.#alarms.values()) alarm.cancel();
    this.#alarms.clear();
    this.#window.cancel();
    this.#catchUp?.cancel();
    this.#apply({ kind: "dropped" });
    if (this.#timeline.tag === "idle") this.#around.gone(this.name);
  }

  trigger(trigger: Trigger): TriggerReceipt {
    const id = this.#around.newId();
    const actions = this.#apply({ kind: "trigger", trigger, id, now: this.#around.clock.monotonic() });
    for (const action of actions) {
      if (action.kind === "start") return { computeId: action.compute.id, how: "started", until: null };
      if (action.kind !== "deferred") continue;
      const detail = { computeId: action.computeId, until: this.#wallOrNull(action.until), trigger };
      this.#around.listener.nonAction(this.name, action.reason, detail);
      return { computeId: detail.computeId, how: action.reason, until: detail.until };
    }
    assert(false, "a trigger was neither started nor deferred");
  }

  /** The wall clock was set: see Alarm.resync. */
  resync(): void {
    for (const alarm of [...this.#alarms.values()]) alarm.resync();
  }

  /** When a compute will start next of itself, in monotonic time; null when nothing is due. */
  nextAt(): number | null {
    const state = this.#timeline;
    if (state.tag === "waiting") return windowEnd(state);
    if (state.tag === "running_pending") return Math.max(this.#around.clock.monotonic(), windowEnd(state));
    let at = this.#catchUp?.at ?? Infinity;
    for (const alarm of this.#alarms.values()) at = Math.min(at, alarm.at ?? Infinity);
    return at === Infinity ? null : Math.max(at, windowEnd(state));
  }

  view(): SenseSchedule {
    const state = this.#timeline;
    return {
      state: state.tag,
      nextDue: this.#wallOrNull(this.nextAt()),
      runningComputeId: "runningId" in state ? state.runningId : null,
      pending: "next" in state ? { computeId: state.next.id, trigger: state.next.trigger } : null,
    };
  }

  #ring(kind: Schedule["kind"], due: number): void {
    if (kind === "cron") this.#around.listener.cronTick(this.name, due);
    this.trigger({ kind, due, coalesced: 0 });
  }

  /** The process is needed at `at`, unless it is busy anyway or the throttle holds the compute back for longer. */
  #prepareFor(at: number): void {
    const state = this.#timeline;
    const free = state.tag === "idle" || state.tag === "waiting";
    if (free && at >= windowEnd(state)) this.#around.starter.prepare(this.name);
  }

  #apply(event: TimelineEvent): readonly TimelineAction[] {
    const step = advance(this.#timeline, event);
    // Before the actions: what they call may trigger this sense again.
    this.#timeline = step.state;
    for (const action of step.actions) {
      if (action.kind === "start") {
        this.#window.cancel();
        const { id, trigger } = action.compute;
        void this.#around.starter.compute(this.name, trigger, id).then((beganAt) => this.#finished(beganAt));
      } else if (action.kind === "wait") {
        this.#window.set(action.until);
      } else if (action.kind === "drop") {
        this.#around.listener.dropped(this.name, action.compute.id, action.compute.trigger);
      }
    }
    return step.actions;
  }

  #finished(beganAt: number): void {
    this.#apply({ kind: "finished", beganAt, now: this.#around.clock.monotonic() });
    if (this.#plan === null) this.#around.gone(this.name);
  }

  #wallOrNull(monotonic: number | null): number | null {
    return monotonic === null ? null : wallOf(this.#around.clock, monotonic);
  }
}

/** By what makes two schedules the same: a second equal one in a plan would only double every tick. */
function schedulesOf(plan: SensePlan, anchor: number): Map<string, Schedule> {
  const schedules = new Map<string, Schedule>();
  for (const { intervalMs, cron, timezone } of plan.reflexes) {
    if (intervalMs !== null) schedules.set(`interval ${intervalMs}`, { kind: "interval", intervalMs, anchor });
    if (cron !== null) {
      schedules.set(`cron ${cron} ${timezone}`, { kind: "cron", times: new CronTimes(cron, timezone) });
    }
  }
  return schedules;
}

function catchUpLines(plan: SensePlan): CronTimes[] {
  return plan.reflexes.flatMap(({ cron, timezone, catchUp }) =>
    cron !== null && catchUp === "once" ? [new CronTimes(cron, timezone)] : []
  );
}
