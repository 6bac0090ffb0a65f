/** The waits of runs, and what settles them, as the kernel stores them. */
import type { BootTime } from "../base/boot_time.ts";
import type { Moment } from "../base/moment.ts";
import type { ApprovalDecision } from "./approval.ts";
import type { ChildRequest } from "./asked_wait.ts";
import type { Json } from "./json.ts";
import type { Run } from "./run.ts";
import type { RunEvent } from "./run_event.ts";

/** What a run may wait for. */
export const waitKinds = ["sleep", "gate", "event", "children", "recovery"] as const;
export type WaitKind = (typeof waitKinds)[number];

/** The wait of a `waiting` run: a role that the kernel plays. Part of its `run.waiting` row. */
export type RunWait = {
  /** The round of the message that settles it. */
  readonly round: number;
  readonly role: string;
  readonly kind: WaitKind;
  readonly since: Moment;
  /** When the wait ends on its own, in wall milliseconds; null: never. */
  readonly due: number | null;
  /** The same in boot time, for a span: setting the clock back does not prolong it. Null for a time of day. */
  readonly dueBoot: BootTime | null;
  /** The name of the awaited event; null for other kinds of waits. */
  readonly event: string | null;
};

/** An event as it is sent to a run. `digest`: of its name and payload. Part of its `run.event` row. */
export type NewRunEvent = {
  readonly name: string;
  readonly key: string;
  readonly payload: Json;
  readonly digest: string;
  readonly received: number;
};

/** An event that no wait has taken. */
export interface KeptEvent {
  readonly key: string;
  readonly payload: Json;
}

export interface StoredRunEvent {
  readonly event: RunEvent;
  readonly digest: string;
}

/** A child of a run, as it was requested. Part of the `run.waiting` row. */
export type NewChild = {
  readonly runId: string;
  readonly request: ChildRequest;
};

/** A child that is yet to be started. */
export interface MissingChild extends NewChild {
  readonly n: number;
}

/** A child and its current state. */
export interface ChildOfRun {
  readonly round: number;
  readonly runId: string;
  readonly workflow: string;
  /** The child's number within its round, from 1. */
  readonly n: number;
  /** Why the child was not started; null: it was, or will be. */
  readonly refused: string | null;
  /** Null: the run does not exist yet. */
  readonly run: Pick<Run, "status" | "exitCode" | "reason"> | null;
}

/** What settled a wait: a decision, the event with this key, or the end of all children. None of these: its time. */
export interface Settlement {
  readonly decision?: ApprovalDecision;
  readonly event?: string;
  readonly children?: true;
}

/** A waiting run and its wait. */
export interface WaitingRun {
  readonly runId: string;
  readonly wait: RunWait;
}

/** The state from which a paused run resumes. Part of its `run.paused` row. */
export type RunPause = {
  readonly from: "queued" | "started" | "waiting";
  /** Wall milliseconds. */
  readonly since: number;
  /** Its reason before the pause, and what it waited for. */
  readonly reason: string | null;
  readonly wait: RunWait | null;
  /** The version of the code that contradicts its messages; null: it was paused for another reason. */
  readonly code: string | null;
};

/** A run that is paused because its code contradicts its messages. */
export interface HeldRun {
  readonly runId: string;
  readonly workflow: string;
  readonly code: string;
  readonly reason: string | null;
}

export interface PausedRun {
  readonly runId: string;
  readonly workflow: string;
  readonly from: RunPause["from"];
}
