/** Waits, their texts, and the messages that settle them. Pure; used by waits.ts, due_waits.ts and events.ts. */
import { readMoment } from "../../base/moment.ts";
import type { Clock } from "../../base/time.ts";
import type { NewApproval } from "../../protocol/approval.ts";
import type { AskedWait } from "../../protocol/asked_wait.ts";
import type { RunMessage } from "../../protocol/run.ts";
import type { KeptEvent, NewChild, RunWait } from "../../protocol/run_wait.ts";
import { describeChildren } from "./child_texts.ts";
import { type AskedRecovery, describeGate } from "./gates.ts";

export function createWait(round: number, role: string, asked: AskedWait | AskedRecovery, clock: Clock): RunWait {
  const since = readMoment(clock), { boot, wall } = since;
  const rest = { round, role, kind: kinds[asked.kind], since, event: asked.kind === "event" ? asked.name : null };
  if (asked.kind === "until") return { ...rest, due: asked.at, dueBoot: null };
  // There is no child whose end would settle it.
  if (asked.kind === "children") return { ...rest, due: asked.runs.length === 0 ? wall : null, dueBoot: null };
  const ms = spanOf(asked);
  if (ms === null) return { ...rest, due: null, dueBoot: null };
  return { ...rest, due: wall + ms, dueBoot: boot === null ? null : { id: boot.id, ms: boot.ms + ms } };
}

const kinds = {
  for: "sleep",
  until: "sleep",
  gate: "gate",
  event: "event",
  children: "children",
  recovery: "recovery",
} as const;

function spanOf(asked: Exclude<AskedWait | AskedRecovery, { kind: "until" | "children" }>): number | null {
  return asked.kind === "for" ? asked.ms : asked.kind === "event" ? asked.timeoutMs : asked.expiresMs;
}

/** The reason of a run that waits, for a reader. */
export function describeWait(wait: RunWait, request: NewApproval | null, children: readonly NewChild[]): string {
  if (request !== null) return describeGate(request);
  const { role, due, event } = wait;
  if (wait.kind === "children") return `role ${role} waits for ${describeChildren(children)}`;
  if (event === null) return `role ${role} sleeps until ${formatTime(due)}`;
  return `role ${role} waits for the event ${event}${due === null ? "" : `, until ${formatTime(due)}`}`;
}

export function createSleepMessage({ round, role, due }: RunWait, now: number): RunMessage {
  return { round, role, content: `slept until ${formatTime(due)}`, meta: { until: due }, ts: now };
}

export function createEventMessage(
  { round, role, event }: RunWait,
  { key, payload }: KeptEvent,
  now: number,
): RunMessage {
  return { round, role, content: `event ${event}`, meta: { payload, key }, ts: now };
}

export function createTimeoutMessage({ round, role, event }: RunWait, now: number): RunMessage {
  return { round, role, content: `no event ${event} came in time`, meta: { timedOut: true }, ts: now };
}

function formatTime(ms: number | null): string {
  return ms === null ? "its end" : new Date(ms).toISOString();
}
