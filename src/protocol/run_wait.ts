/** What runs wait for, and what settles their waits: the parts that the kernel stores. */
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

/** What a `waiting` run waits for: a role that the kernel plays. Part of its `run.waiting` row. */
export type RunWait = {
  /** The round of the message that settles it. */
  readonly round: number;
  readonly role: string;
  readonly kind: WaitKind;
  readonly since: Moment;
  /** When it is over by itself, in wall milliseconds; null: never. */
  readonly due: number | null;
  /** The same in the time since the boot, for a span: a clock that is set back makes it no longer. Null for a time of day. */
  readonly dueBoot: BootTime | null;
  /** The name of the event that it waits for; null: another kind of wait. */
  readonly event: string | null;
};

/** An event as it is sent to a run; `digest`: of its name and payload. Part of its `run.event` row. */
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

/** A run that another run waits for, as it was asked for. Part of the `run.waiting` row. */
export type NewChild = {
  readonly runId: string;
  readonly request: ChildRequest;
};

/** One that has to be started. */
export interface MissingChild extends NewChild {
  readonly n: number;
}

/** What became of it. */
export interface ChildOfRun {
  readonly round: number;
  readonly runId: string;
  readonly workflow: string;
  /** Its place among those of its round, from 1. */
  readonly n: number;
  /** Why it was not started; null: it was, or will be. */
  readonly refused: string | null;
  /** Null: it does not exist yet. */
  readonly run: Pick<Run, "status" | "exitCode" | "reason"> | null;
}

/** What settles a wait beside its message: a decision, the event with this key, or that all children have ended. None: its time. */
export interface Settlement {
  readonly decision?: ApprovalDecision;
  readonly event?: string;
  readonly children?: true;
}

/** A run that waits, and what for. */
export interface WaitingRun {
  readonly runId: string;
  readonly wait: RunWait;
}

/** From where a paused run goes on. Part of its `run.paused` row. */
export type RunPause = {
  readonly from: "queued" | "started" | "waiting";
  /** Wall milliseconds. */
  readonly since: number;
  /** What its reason was before, and what it waited for. */
  readonly reason: string | null;
  readonly wait: RunWait | null;
  /** The version of the code that contradicts its messages; null: it was paused for something else. */
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
