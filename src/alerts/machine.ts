/**
 * The state machine of one state of an alert, driven by signals and time. Pure; times are plain numbers that never
 * decrease. alert_runner.ts calls it with the real clock, `nerve alert test` with a virtual one.
 *
 * I1. It fires only when its condition held for `forMs` without a break, or no signal came for `absentMs`.
 * I2. It resolves only when its condition has not held for `keepFiringMs` without a break.
 * I3. The result does not depend on how often `step` was called before: calls at signals and at `wakeAt` suffice.
 */
import type { AlertStatus } from "../protocol/alert.ts";

export interface AlertRule {
  readonly forMs: number;
  readonly keepFiringMs: number;
  readonly absentMs: number | null;
}

export interface MachineState {
  readonly status: AlertStatus;
  /** When the condition began to hold; null while inactive. */
  readonly since: number | null;
  /** Whether, by the last signals, `when` was true and `clear` has not been true since. */
  readonly holds: boolean;
  /** Whether no signal came for too long, and none has come since. */
  readonly absent: boolean;
  /** When the last signal came, or when the wait for one began. */
  readonly seenAt: number;
  /** When the condition of a firing state ended; null while it holds. */
  readonly clearedAt: number | null;
}

/**
 * The result of evaluating a signal. `verdict` null: an expression failed, so the condition is unknown, but the signal
 * still ends an absence. If neither `when` nor `clear` is true, `holds` stays as it was.
 */
export interface Observation {
  readonly verdict: { readonly when: boolean; readonly clear: boolean } | null;
}

export type AlertChange = "pending" | "inactive" | "firing" | "resolved";

export interface MachineStep {
  readonly state: MachineState;
  readonly change: AlertChange | null;
  /** When to call `step` again if no signal comes first; null: not at all. */
  readonly wakeAt: number | null;
}

export function createState(now: number): MachineState {
  return { status: "inactive", since: null, holds: false, absent: false, seenAt: now, clearedAt: null };
}

/** `settleAt`: until then, the passing of time ends no `forMs` or `keepFiringMs`, since the daemon has just started. */
export function step(
  rule: AlertRule,
  before: MachineState,
  now: number,
  observed: Observation | null,
  settleAt = -Infinity,
): MachineStep {
  const state = observe(rule, before, now, observed), active = state.holds || state.absent;
  const mayTime = observed !== null || now >= settleAt;
  const after = (next: MachineState, change: AlertChange | null): MachineStep => {
    return { state: next, change, wakeAt: findWake(rule, next, now, settleAt) };
  };
  switch (state.status) {
    case "inactive": {
      if (!active) return after(state, null);
      const fires = state.absent || rule.forMs === 0;
      return after({ ...state, status: fires ? "firing" : "pending", since: now }, fires ? "firing" : "pending");
    }
    case "pending": {
      if (!active) return after({ ...state, status: "inactive", since: null }, "inactive");
      const held = now - (state.since ?? now) >= rule.forMs && mayTime;
      return state.absent || held ? after({ ...state, status: "firing" }, "firing") : after(state, null);
    }
    case "firing": {
      if (active) return after({ ...state, clearedAt: null }, null);
      const clearedAt = state.clearedAt ?? now;
      if (now - clearedAt < rule.keepFiringMs || !mayTime) return after({ ...state, clearedAt }, null);
      return after({ ...state, status: "inactive", since: null, clearedAt: null }, "resolved");
    }
  }
}

function observe(rule: AlertRule, state: MachineState, now: number, observed: Observation | null): MachineState {
  if (observed === null) {
    const silent = rule.absentMs !== null && now - state.seenAt >= rule.absentMs;
    // Without `absent` in the rule a state is never absent, even if it was under an older rule.
    return { ...state, absent: rule.absentMs !== null && (state.absent || silent) };
  }
  const { verdict } = observed;
  const holds = verdict === null ? state.holds : verdict.when || (state.holds && !verdict.clear);
  return { ...state, holds, absent: false, seenAt: Math.max(state.seenAt, now) };
}

function findWake(rule: AlertRule, state: MachineState, now: number, settleAt: number): number | null {
  const times: number[] = [];
  if (rule.absentMs !== null && !state.absent) times.push(state.seenAt + rule.absentMs);
  if (state.status === "pending" && state.since !== null) times.push(Math.max(state.since + rule.forMs, settleAt));
  if (state.status === "firing" && state.clearedAt !== null) {
    times.push(Math.max(state.clearedAt + rule.keepFiringMs, settleAt));
  }
  return times.length === 0 ? null : Math.max(now, Math.min(...times));
}
