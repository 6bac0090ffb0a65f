/**
 * One state of an alert in memory, and as it is stored: times on disk are moments, in memory they are monotonic
 * milliseconds. Used by alert_runner.ts.
 */
import { type Moment, momentBefore, msSince, readMoment } from "../base/moment.ts";
import type { Clock } from "../base/time.ts";
import type { AlertAck } from "../protocol/alert.ts";
import type { Json, JsonObject } from "../protocol/json.ts";
import { createState, type MachineState } from "./machine.ts";

export type AlertReason = "when" | "absent";

/** A start of the workflow that is not yet known to be accepted. */
export type DueNotice = {
  readonly runId: string;
  readonly workflow: string;
  readonly prompt: string;
  readonly payload: JsonObject;
  readonly causeId: number;
};

export interface AlertRecord {
  readonly alert: string;
  readonly key: string;
  machine: MachineState;
  /** When the condition began to hold (wall milliseconds); kept until the notice that it has resolved is made. */
  since: number | null;
  reason: AlertReason | null;
  summary: string | null;
  /** The row of the last processed signal of this key. */
  lastId: number | null;
  /** The row of the last change. */
  rowId: number | null;
  /** The row that started the current wait of a timer. */
  turnId: number | null;
  /** When the last notice of this incident was sent (wall milliseconds); null: none was sent. */
  toldAt: number | null;
  /** When a notice of this incident was last due (wall milliseconds), whether or not it was held back. */
  triedAt: number | null;
  heldBack: "silenced" | "limited" | null;
  ack: AlertAck | null;
  due: readonly DueNotice[];
  /** When to step the machine again (monotonic); null: only at a signal. Not stored. */
  wakeAt: number | null;
}

export function createRecord(alert: string, key: string, now: number): AlertRecord {
  return {
    alert,
    key,
    machine: createState(now),
    since: null,
    reason: null,
    summary: null,
    lastId: null,
    rowId: null,
    turnId: null,
    toldAt: null,
    triedAt: null,
    heldBack: null,
    ack: null,
    due: [],
    wakeAt: null,
  };
}

/** The fields that are stored as they are. */
const plain = [
  ...["since", "reason", "summary", "lastId", "rowId", "turnId"] as const,
  ...["toldAt", "triedAt", "heldBack", "ack", "due"] as const,
] as const;
type Plain = Pick<AlertRecord, (typeof plain)[number]>;

type StoredRecord = Plain & {
  readonly machine: Omit<MachineState, "since" | "seenAt" | "clearedAt"> & {
    readonly since: Moment | null;
    readonly clearedAt: Moment | null;
  };
};

export function toStored(record: AlertRecord, clock: Clock): JsonObject {
  const now = readMoment(clock), monotonic = clock.monotonic();
  const toMoment = (at: number | null) => at === null ? null : momentBefore(now, Math.round(monotonic - at));
  const { status, holds, absent, since, clearedAt } = record.machine;
  const kept = Object.fromEntries(plain.map((name) => [name, record[name]])) as unknown as Plain;
  const stored: StoredRecord = {
    ...kept,
    machine: { status, holds, absent, since: toMoment(since), clearedAt: toMoment(clearedAt) },
  };
  return stored as unknown as JsonObject;
}

/** Restores a record. Absence counts from now: while no daemon ran, no signal could come. */
export function fromStored(alert: string, key: string, stored: Json, clock: Clock): AlertRecord {
  const { machine, ...kept } = stored as unknown as StoredRecord, now = clock.monotonic();
  const toTime = (moment: Moment | null) => moment === null ? null : now - msSince(clock, moment);
  return {
    ...createRecord(alert, key, now),
    ...kept,
    machine: { ...machine, seenAt: now, since: toTime(machine.since), clearedAt: toTime(machine.clearedAt) },
  };
}
