/**
 * Records the values that computes returned: as a signal, or as a request for a run; directive.ts decides which. Used
 * by manager.ts, which counts the rest.
 * I1. A value that a sense keeps in its outbox (`key`) is recorded once, however often it is delivered: a signal's row
 *     and the key share a commit, and the run has the key as its id.
 */
import { messageOf, NerveError } from "../base/errors.ts";
import type { ComputeResult } from "../protocol/api.ts";
import type { Json, JsonObject } from "../protocol/json.ts";
import type { LogRow, LogType, NewLogRow } from "../protocol/log.ts";
import type { FromProcess } from "../protocol/message.ts";
import type { Signal, Trigger } from "../protocol/signal.ts";
import type { SenseRecord } from "./compute_record.ts";
import { type Directive, type OutputRoute, routeSenseComputeOutput } from "./directive.ts";
import type { SignalPublisher } from "./signal_publisher.ts";
import type { TakenOutcomes } from "./taken_outcomes.ts";

/**
 * The compute that returned a value, and its cause. `key`: the value's key in the sense's outbox; null: it is not kept
 * there.
 */
export interface Origin {
  readonly compute: number;
  readonly trigger: Trigger["kind"];
  readonly causeId: number | null;
  readonly key: string | null;
  readonly redelivered?: true;
}

export interface OutputRecorderPorts {
  /** `values` are stored in the same commit. */
  append(row: NewLogRow, values?: readonly (readonly [key: string, value: string])[]): LogRow;
  readonly publisher: Pick<SignalPublisher, "publish">;
  readonly taken: TakenOutcomes;
  isWorkflow(name: string): boolean;
  isRun(runId: string): boolean;
  /** `runId` null: a new one. With the id of a run, resolves with that run. */
  startRun(
    directive: Directive,
    payload: JsonObject,
    sense: string,
    causeId: number,
    runId: string | null,
  ): Promise<{ runId: string }>;
  reportProblem(sense: string, message: string): void;
  /** Counts and records an error of the compute. */
  fail(record: SenseRecord, message: string, origin: Origin): ComputeResult;
}

/** `holds`: the sense's next compute waits for the result. */
export interface Handled {
  readonly result: Promise<ComputeResult>;
  readonly holds: boolean;
}

export class OutputRecorder {
  readonly #ports: OutputRecorderPorts;

  constructor(ports: OutputRecorderPorts) {
    this.#ports = ports;
  }

  /** `awaited`: a caller waits for the result. */
  record(record: SenseRecord, value: Json, origin: Origin, awaited: boolean): Handled {
    const route = routeSenseComputeOutput(value, this.#ports.isWorkflow);
    if (route.kind === "workflow") return { result: this.#startRun(record, route, origin), holds: true };
    return { result: this.#emitSignal(record, route, origin, awaited), holds: origin.key !== null };
  }

  /** Records a value from a sense's outbox. Resolves with null when it is on disk, else with why it is not. */
  async take(
    record: SenseRecord,
    { sense, key, compute, trigger, causeId, value }: Extract<FromProcess, { t: "undelivered" }>,
  ): Promise<string | null> {
    const { taken, isRun } = this.#ports;
    if (taken.lastKey(sense) === key) return null;
    if (isRun(key)) {
      taken.take(sense, key);
      return null;
    }
    const origin = { compute, trigger, causeId, key, redelivered: true } as const;
    const result = await this.record(record, value, origin, true).result;
    return taken.lastKey(sense) === key ? null : result.kind === "error" ? result.message : "it was not recorded";
  }

  async #startRun(
    record: SenseRecord,
    { directive, payload }: Extract<OutputRoute, { kind: "workflow" }>,
    origin: Origin,
  ): Promise<ComputeResult> {
    const { sense } = record.limits, { key } = origin;
    const row = this.#appendRow(sense, "sense.directive", { ...toldOf(origin), ...directive, payload }, origin.causeId);
    try {
      const { runId } = await this.#ports.startRun(directive, payload, sense, row.id, key);
      if (key !== null) this.#ports.taken.take(sense, key);
      record.counters.runs++;
      return { kind: "run", workflow: directive.name, runId };
    } catch (thrown) {
      // A failure of the store is worth another try; any other fault would only repeat itself.
      const again = thrown instanceof NerveError && thrown.code === "STORE_FAILED";
      if (key !== null && !again) this.#ports.taken.take(sense, key);
      return this.#ports.fail(record, `could not start workflow ${directive.name}: ${messageOf(thrown)}`, origin);
    }
  }

  async #emitSignal(
    record: SenseRecord,
    { payload, warning }: Extract<OutputRoute, { kind: "signal" }>,
    origin: Origin,
    awaited: boolean,
  ): Promise<ComputeResult> {
    const { publisher, taken } = this.#ports, { sense } = record.limits, { key } = origin;
    const entries = key === null ? [] : [taken.toEntry(sense, key)];
    const row = this.#appendRow(sense, "sense.signal", { ...toldOf(origin), payload }, origin.causeId, entries);
    const signal: Signal = { id: row.id, sense, payload, ts: row.ts };
    if (warning !== null) {
      this.#appendRow(sense, "sense.directive_invalid", { compute: origin.compute, message: warning }, row.id);
      this.#ports.reportProblem(sense, warning);
    }
    // Hurries also for a compute that a signal triggered, so that a chain of signals does not slow down along the way.
    const lost = await publisher.publish(signal, awaited || key !== null || origin.trigger === "signal");
    if (lost !== null) return this.#ports.fail(record, `its signal could not be recorded: ${lost}`, origin);
    if (key !== null) taken.onStored(sense, key);
    record.counters.signals++;
    record.lastSignal = signal;
    return warning === null ? { kind: "signal", signal } : { kind: "signal", signal, warning };
  }

  #appendRow(
    sense: string,
    type: LogType,
    payload: JsonObject,
    causeId: number | null,
    entries?: readonly (readonly [string, string])[],
  ): LogRow {
    return this.#ports.append({ source: `sense:${sense}`, type, refId: sense, causeId, payload }, entries);
  }
}

/** The fields about the compute in the row of a value. */
function toldOf({ compute, trigger, redelivered }: Origin): JsonObject {
  return redelivered === true ? { compute, trigger, redelivered } : { compute, trigger };
}
