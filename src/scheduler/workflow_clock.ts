/**
 * Decides when the schedules of workflows are due. The kernel passes in plans; the follower
 * (kernel/workflow_schedules.ts) handles the ticks.
 * I1. A line that is in both the old and the new plan keeps its timer, however often plans are set.
 * I2. Ticks that were missed while no daemon ran count as one tick, or one miss, for each line: the newest.
 */
import { isDeepEqual } from "../base/deep_equal.ts";
import { assert } from "../base/errors.ts";
import type { CancelTimer, Clock } from "../base/time.ts";
import { TimerHeap } from "../base/timer_heap.ts";
import { findMissedCronTick } from "./cron_catch_up.ts";
import { CronTimes } from "./cron_times.ts";
import type { ScheduleFollower, ScheduleLine, WorkflowSchedulePlan } from "./ports.ts";
import { ScheduleTimer, type TimerPorts, toWallTime } from "./schedule_timer.ts";

interface Followed {
  readonly workflow: string;
  readonly line: ScheduleLine;
  readonly timer: ScheduleTimer;
}

export class WorkflowClock {
  readonly #clock: Clock;
  readonly #heap: TimerHeap;
  readonly #follower: ScheduleFollower;
  #followed: readonly Followed[] = [];
  #plans: readonly WorkflowSchedulePlan[] = [];
  #phase: "new" | "started" | "stopped" = "new";
  #unfollow: CancelTimer | null = null;

  constructor(clock: Clock, follower: ScheduleFollower) {
    this.#clock = clock;
    this.#heap = new TimerHeap(clock);
    this.#follower = follower;
  }

  /** Replaces all plans. Before `start` they are only recorded. */
  setPlans(plans: readonly WorkflowSchedulePlan[]): void {
    this.#plans = plans;
    if (this.#phase === "started") this.#applyPlans();
  }

  /** Lines that were followed before catch up, or report their missed tick. */
  start(): void {
    assert(this.#phase === "new", "a clock of workflows starts once");
    this.#phase = "started";
    const missed = this.#plans.flatMap(({ workflow, lines }) =>
      lines.flatMap((line) => {
        const last = this.#follower.followedUpTo(workflow, line);
        const due = findMissedCronTick(new CronTimes(line.cron, line.timezone), last, this.#clock.now());
        return due === null ? [] : [{ workflow, line, due }];
      })
    );
    this.#applyPlans();
    for (const tick of missed) {
      if (tick.line.catchUp === "once") this.#follower.onTick(tick, true);
      else this.#follower.onMissed(tick);
    }
  }

  stop(): void {
    this.#phase = "stopped";
    this.#heap.clear();
    this.#followed = [];
    this.#unfollow?.();
    this.#unfollow = null;
  }

  /** When the workflow is due next; null when it has no schedule, or the clock does not run. */
  nextDue(workflow: string): number | null {
    const own = this.#followed.filter((each) => each.workflow === workflow);
    const at = Math.min(...own.map(({ timer }) => timer.at ?? Infinity));
    return at === Infinity ? null : toWallTime(this.#clock, at);
  }

  #applyPlans(): void {
    const before = new Set(this.#followed);
    const followed = this.#plans.flatMap(({ workflow, lines }) =>
      // A duplicate line would only double every tick.
      lines.filter((line, index) => lines.findIndex((other) => isDeepEqual(other, line)) === index).map(
        (line) => {
          const known = this.#followed.find((each) => each.workflow === workflow && isDeepEqual(each.line, line));
          if (known === undefined) return this.#follow(workflow, line);
          before.delete(known);
          return known;
        },
      )
    );
    for (const { timer } of before) timer.cancel();
    this.#followed = followed;
    if (followed.length > 0) {
      this.#unfollow ??= this.#clock.onSet((setTo) => this.#followed.forEach(({ timer }) => timer.resync(setTo)));
    } else {
      this.#unfollow?.();
      this.#unfollow = null;
    }
  }

  #follow(workflow: string, line: ScheduleLine): Followed {
    const ports: TimerPorts = { clock: this.#clock, heap: this.#heap };
    const schedule = { kind: "cron", times: new CronTimes(line.cron, line.timezone), delayMs: 0 } as const;
    const named = this.#follower.followedUpTo(workflow, line);
    if (named === null) this.#follower.onFollowed(workflow, line);
    const last = named === null ? null : { at: -Infinity, named };
    const onTick = (due: number | null) => this.#follower.onTick({ workflow, line, due: due ?? 0 }, false);
    const timer = new ScheduleTimer(ports, schedule, last, () => {}, (tick) => onTick(tick.named));
    return { workflow, line, timer };
  }
}
