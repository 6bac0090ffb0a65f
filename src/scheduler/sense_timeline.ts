/**
 * The timeline of one sense: whether a trigger starts a compute now, at the end of the throttle window, or is answered
 * by a compute that comes anyway. Pure; scheduler.ts feeds it events and carries out the actions.
 *
 * I1. Computes of one sense never overlap.
 * I2. The starts of two computes are at least `throttleMs` apart, as the sense sees them: a compute starts when its
 *     process, which may still have to start, calls it. When that was is known at its end.
 * I3. No trigger is lost: each starts a compute, or is merged into the one compute that is still to start.
 *
 * Times are monotonic milliseconds: setting the wall clock neither opens nor closes a window.
 */
import { assert, unreachable } from "../base/errors.ts";
import type { Trigger } from "../protocol/signal.ts";

/** A compute that is to start. Its id is the number of the first trigger that it answers. */
export interface Compute {
  readonly id: number;
  readonly trigger: Trigger;
}

interface Pace {
  /** Least time between the starts of two computes; 0 without a throttle. */
  readonly throttleMs: number;
  /** When the last compute was started, and once it is over, when it began; -Infinity when there was none. */
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
  /** `id` is a fresh number; it becomes the compute's id unless the trigger is merged into another. */
  | { readonly kind: "trigger"; readonly trigger: Trigger; readonly id: number; readonly now: number }
  /** `beganAt`: when the sense began the compute, at or after its start. */
  | { readonly kind: "finished"; readonly beganAt: number; readonly now: number }
  | { readonly kind: "window_elapsed"; readonly now: number }
  | { readonly kind: "plan_changed"; readonly throttleMs: number; readonly now: number }
  /** The sense was removed or the scheduler stops: what is still to start never will. */
  | { readonly kind: "dropped" };

export type TimelineAction =
  | { readonly kind: "start"; readonly compute: Compute }
  /** Send `window_elapsed` at `until`, instead of any that was asked for before. */
  | { readonly kind: "wait"; readonly until: number }
  /** The trigger of this event starts no compute at once; `computeId` is the one that will answer it. */
  | { readonly kind: "deferred"; readonly reason: "throttled"; readonly computeId: number; readonly until: number }
  | { readonly kind: "deferred"; readonly reason: "coalesced"; readonly computeId: number; readonly until: null }
  | { readonly kind: "drop"; readonly compute: Compute };

export interface TimelineStep {
  readonly state: TimelineState;
  readonly actions: readonly TimelineAction[];
}

export function newTimeline(throttleMs: number): TimelineState {
  return { tag: "idle", throttleMs, lastStart: -Infinity };
}

/** When the throttle lets the next compute start; may lie in the past. */
export function windowEnd(state: TimelineState): number {
  return state.lastStart + state.throttleMs;
}

/** The state after `event`, and what is to be done about it, in order. */
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
      const until = windowEnd(state);
      return withDeferral(step, { kind: "deferred", reason: "throttled", computeId: compute.id, until });
    }
    case "running":
      return coalesced({ ...pace(state), tag: "running_pending", runningId: state.runningId, next: compute });
    case "waiting":
    case "running_pending":
      return coalesced({ ...state, next: { id: state.next.id, trigger: merge(state.next.trigger, compute.trigger) } });
    default:
      return unreachable(state);
  }
}

function onFinished(state: TimelineState, now: number): TimelineStep {
  if (state.tag === "running_pending") return startOrWait(state, state.next, now);
  assert(state.tag === "running", "a compute ended that was not running");
  return { state: { ...pace(state), tag: "idle" }, actions: [] };
}

function onDropped(state: TimelineState): TimelineStep {
  if (state.tag === "waiting") {
    return { state: { ...pace(state), tag: "idle" }, actions: [{ kind: "drop", compute: state.next }] };
  }
  if (state.tag === "running_pending") {
    return {
      state: { ...pace(state), tag: "running", runningId: state.runningId },
      actions: [{ kind: "drop", compute: state.next }],
    };
  }
  return { state, actions: [] };
}

function startOrWait(before: Pace, compute: Compute, now: number): TimelineStep {
  const until = before.lastStart + before.throttleMs;
  if (now < until) {
    return { state: { ...pace(before), tag: "waiting", next: compute }, actions: [{ kind: "wait", until }] };
  }
  return {
    state: { throttleMs: before.throttleMs, lastStart: now, tag: "running", runningId: compute.id },
    actions: [{ kind: "start", compute }],
  };
}

function coalesced(state: TimelineState & { readonly next: Compute }): TimelineStep {
  return { state, actions: [{ kind: "deferred", reason: "coalesced", computeId: state.next.id, until: null }] };
}

function withDeferral(step: TimelineStep, deferral: TimelineAction): TimelineStep {
  return { state: step.state, actions: [...step.actions, deferral] };
}

function pace(state: Pace): Pace {
  return { throttleMs: state.throttleMs, lastStart: state.lastStart };
}

const rank: Readonly<Record<Trigger["kind"], number>> = { interval: 0, cron: 1, signal: 2, manual: 3 };

/** One trigger for two: the more specific, of equals the newer. Its `coalesced` counts all the others. */
function merge(older: Trigger, newer: Trigger): Trigger {
  const kept = rank[newer.kind] >= rank[older.kind] ? newer : older;
  return { ...kept, coalesced: older.coalesced + newer.coalesced + 1 };
}
