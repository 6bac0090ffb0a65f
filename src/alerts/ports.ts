/** The ports of alerts to the rest of the kernel. kernel/alert_wiring.ts implements them. */
import type { Clock } from "../base/time.ts";
import type { AlertNotice } from "../protocol/alert.ts";
import type { Json, JsonObject } from "../protocol/json.ts";
import type { LogRow, NewLogRow } from "../protocol/log.ts";
import type { Signal } from "../protocol/signal.ts";

/** A state as it is stored; null removes it. */
export interface StoredState {
  readonly alert: string;
  readonly key: string;
  readonly state: Json;
}

/** One write: all of it is on disk, or none. */
export interface AlertWrite {
  readonly states: readonly StoredState[];
  readonly values: readonly (readonly [key: string, value: string])[];
}

export interface AlertStorePort {
  loadStates(): readonly StoredState[];
  /** A value that was stored with a write. */
  getValue(key: string): string | null;
  /** Makes each row with the id that it gets; then `complete` returns what else is written with the rows. */
  save(rows: readonly ((id: number) => NewLogRow)[], complete: () => AlertWrite): readonly LogRow[];
  /** The id of the newest row of the log. */
  lastRowId(): number;
  /** Signals of all senses after row `afterId`, oldest first. */
  readSignals(afterId: number): { readonly signals: readonly Signal[]; readonly hasMore: boolean };
  /** The payload of a signal by the id of its row; null when it is no longer in the log. */
  readPayload(rowId: number): Json;
}

/** A request of an alert to start its workflow. A second one with the same `runId` attaches to the run. */
export interface AlertRunRequest {
  readonly workflow: string;
  readonly alert: string;
  readonly runId: string;
  readonly prompt: string;
  readonly payload: JsonObject;
  readonly causeId: number;
}

export interface AlertPorts {
  readonly clock: Clock;
  readonly store: AlertStorePort;
  /** Publishes a signal whose row was written in this turn. */
  publish(signal: Signal): void;
  /** Rejects with NerveError. */
  startRun(request: AlertRunRequest): Promise<unknown>;
  reportProblem(alert: string, message: string): void;
}

/** A notice as the payload of a signal or run. */
export function toPayload(notice: AlertNotice): JsonObject {
  return { ...notice, signal: notice.signal as Json };
}
