/**
 * The life of one state of an alert: from a signal, or from time that passed, to what becomes of it. Pure, over plain
 * numbers of one line of time that never goes back. alert_runner.ts calls it with the real clock, `nerve alert test` with
 * a virtual one.
 *
 * I1. It fires only when its condition held for `forMs` without a break, or was silent for `absentMs`.
 * I2. It resolves only when its condition has not held for `keepFiringMs` without a break.
 * I3. What it does at a time does not depend on how often it was asked before: it need be asked only at signals and at
 *     `wakeAt`.
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
  /** What the last signals said: `when` was true, and `clear` has not been since. */
  readonly holds: boolean;
  /** No signal came for too long, and none has come since. */
  readonly absent: boolean;
  /** When the last signal came, or when waiting for it began. */
  readonly seenAt: number;
  /** When the condition of a firing one ended; null while it holds. */
  readonly clearedAt: number | null;
}

/**
 * What a signal says. Null: an expression failed, which is no statement about the condition, but a signal all the same.
 * With `when`, or without `clear`, what held before is kept.
 */
export interface Observation {
  readonly verdict: { readonly when: boolean; readonly clear: boolean } | null;
}

export type AlertChange = "pending" | "inactive" | "firing" | "resolved";

export interface MachineStep {
  readonly state: MachineState;
  readonly change: AlertChange | null;
  /** When to ask again if no signal comes first; null: not at all. */
  readonly wakeAt: number | null;
}

export function createState(now: number): MachineState {
  return { status: "inactive", since: null, holds: false, absent: false, seenAt: now, clearedAt: null };
}

/** `settleAt`: until then, time alone changes nothing: the daemon has just started. */
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
    // A rule without `absent` never was silent, whatever an older rule said.
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
