/**
 * The timeline of one sense. It decides whether a trigger starts a compute now, starts one at the end of the throttle
 * window, or is merged into a compute that is pending anyway. Pure; scheduled_sense.ts feeds it events and carries out
 * the actions.
 *
 * I1. Computes of one sense never overlap.
 * I2. The starts of two computes are at least `throttleMs` apart, as seen by the sense: a compute starts when its
 *     process, which may have to start first, calls it. That time is known only when the compute ends.
 * I3. No trigger is lost: each starts a compute, or is merged into the one pending compute.
 *
 * Times are monotonic milliseconds: setting the wall clock neither opens nor closes a window.
 */
import { assert, unreachable } from "../base/errors.ts";
import type { Trigger } from "../protocol/signal.ts";

/** A compute that has not started. Its id is the number of the first trigger that it answers. */
export interface Compute {
  readonly id: number;
  readonly trigger: Trigger;
}

interface Pace {
  /** The least time between the starts of two computes; 0 without a throttle. */
  readonly throttleMs: number;
  /**
   * When the last compute was requested or, once it has ended, when the sense began it; -Infinity when there was none.
   */
  readonly lastStart: number;
}

export type TimelineState =
  & Pace
  & (
    | { readonly tag: "idle" }
    | { readonly tag: "waiting"; readonly next: Compute }
    | { readonly tag: "running"; readonly runningId: number }
    | { readonly tag: "running_pending"; readonly runningId: number; readonly next: Compute }
  );

export type TimelineEvent =
  /** `id` is a fresh number. It becomes the compute's id, unless the trigger is merged into a pending compute. */
  | { readonly kind: "trigger"; readonly trigger: Trigger; readonly id: number; readonly now: number }
  /** `beganAt`: when the sense began the compute, at or after its start. */
  | { readonly kind: "finished"; readonly beganAt: number; readonly now: number }
  | { readonly kind: "window_elapsed"; readonly now: number }
  | { readonly kind: "plan_changed"; readonly throttleMs: number; readonly now: number }
  /** The sense was removed or the scheduler stops: a pending compute never starts. */
  | { readonly kind: "dropped" };

export type TimelineAction =
  | { readonly kind: "start"; readonly compute: Compute }
  /** Send `window_elapsed` at `until`. Replaces an earlier request. */
  | { readonly kind: "wait"; readonly until: number }
  /** The trigger of this event does not start a compute at once; compute `computeId` will answer it. */
  | { readonly kind: "deferred"; readonly reason: "throttled"; readonly computeId: number; readonly until: number }
  | { readonly kind: "deferred"; readonly reason: "coalesced"; readonly computeId: number; readonly until: null }
  | { readonly kind: "drop"; readonly compute: Compute };

export interface TimelineStep {
  readonly state: TimelineState;
  readonly actions: readonly TimelineAction[];
}

export function createTimeline(throttleMs: number): TimelineState {
  return { tag: "idle", throttleMs, lastStart: -Infinity };
}

/** When the throttle allows the next compute to start. May lie in the past. */
export function windowEndOf(state: TimelineState): number {
  return state.lastStart + state.throttleMs;
}

/** The state after `event`, and the actions to take, in order. */
export function advance(state: TimelineState, event: TimelineEvent): TimelineStep {
  switch (event.kind) {
    case "trigger":
      return onTrigger(state, { id: event.id, trigger: event.trigger }, event.now);
    case "finished":
      return onFinished({ ...state, lastStart: Math.max(state.lastStart, event.beganAt) }, event.now);
    case "window_elapsed":
      return state.tag === "waiting" ? startOrWait(state, state.next, event.now) : { state, actions: [] };
    case "plan_changed": {
      const changed = { ...state, throttleMs: event.throttleMs };
      return changed.tag === "waiting"
        ? startOrWait(changed, changed.next, event.now)
        : { state: changed, actions: [] };
    }
    case "dropped":
      return onDropped(state);
    default:
      return unreachable(event);
  }
}

function onTrigger(state: TimelineState, compute: Compute, now: number): TimelineStep {
  switch (state.tag) {
    case "idle": {
      const step = startOrWait(state, compute, now);
      if (step.state.tag === "running") return step;
      const until = windowEndOf(state);
      return withDeferral(step, { kind: "deferred", reason: "throttled", computeId: compute.id, until });
    }
    case "running":
      return coalesce({ ...paceOf(state), tag: "running_pending", runningId: state.runningId, next: compute });
    case "waiting":
    case "running_pending":
      return coalesce({ ...state, next: { id: state.next.id, trigger: merge(state.next.trigger, compute.trigger) } });
    default:
      return unreachable(state);
  }
}

function onFinished(state: TimelineState, now: number): TimelineStep {
  if (state.tag === "running_pending") return startOrWait(state, state.next, now);
  assert(state.tag === "running", "a compute ended that was not running");
  return { state: { ...paceOf(state), tag: "idle" }, actions: [] };
}

function onDropped(state: TimelineState): TimelineStep {
  if (state.tag === "waiting") {
    return { state: { ...paceOf(state), tag: "idle" }, actions: [{ kind: "drop", compute: state.next }] };
  }
  if (state.tag === "running_pending") {
    return {
      state: { ...paceOf(state), tag: "running", runningId: state.runningId },
      actions: [{ kind: "drop", compute: state.next }],
    };
  }
  return { state, actions: [] };
}

function startOrWait(before: Pace, compute: Compute, now: number): TimelineStep {
  const until = before.lastStart + before.throttleMs;
  if (now < until) {
    return { state: { ...paceOf(before), tag: "waiting", next: compute }, actions: [{ kind: "wait", until }] };
  }
  return {
    state: { throttleMs: before.throttleMs, lastStart: now, tag: "running", runningId: compute.id },
    actions: [{ kind: "start", compute }],
  };
}

function coalesce(state: TimelineState & { readonly next: Compute }): TimelineStep {
  return { state, actions: [{ kind: "deferred", reason: "coalesced", computeId: state.next.id, until: null }] };
}

function withDeferral(step: TimelineStep, deferral: TimelineAction): TimelineStep {
  return { state: step.state, actions: [...step.actions, deferral] };
}

function paceOf(state: Pace): Pace {
  return { throttleMs: state.throttleMs, lastStart: state.lastStart };
}

/** A hook ranks lowest: if an earlier compute processes its deliveries, the compute has no other reason to run. */
const rank: Readonly<Record<Trigger["kind"], number>> = {
  hook: 0,
  interval: 1,
  cron: 2,
  watch: 3,
  signal: 4,
  manual: 5,
};

/** Merges two triggers into one: the more specific or, if equal, the newer. Its `coalesced` counts all the others. */
function merge(older: Trigger, newer: Trigger): Trigger {
  const kept = rank[newer.kind] >= rank[older.kind] ? newer : older;
  return { ...kept, coalesced: older.coalesced + newer.coalesced + 1 };
}
