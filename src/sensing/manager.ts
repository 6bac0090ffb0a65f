/**
 * Runs a compute when the scheduler requests it, and turns its outcome into a signal, a run, or a counted reason for
 * neither. Created by kernel/wiring.ts, which connects it to the scheduler, the processes and the log.
 * I1. Each compute is counted under exactly one outcome.
 * I2. A signal is published when its row, and thus its id, is on disk (signal_publisher.ts).
 */
import { unreachable } from "../base/errors.ts";
import type { Clock } from "../base/time.ts";
import type { ComputeResult } from "../protocol/api.ts";
import type { KernelEvent } from "../protocol/event.ts";
import { type HookDelivery, hookOf } from "../protocol/delivery.ts";
import type { JsonObject } from "../protocol/json.ts";
import type { LogType } from "../protocol/log.ts";
import type { FromProcess, LoadProblem } from "../protocol/message.ts";
import type { ChangedPaths, ComputeOutcome, NonActionReason, Signal, Trigger } from "../protocol/signal.ts";
import { causeOf, formatPlace, toDelivery } from "../protocol/signal_text.ts";
import { countSilence, createSenseRecord, detailOf, type SenseRecord } from "./compute_record.ts";
import type { ComputeRunner } from "./compute_runner.ts";
import { type Origin, OutputRecorder, type OutputRecorderPorts } from "./output_recorder.ts";
import type { ComputeLimits } from "./ports.ts";
import type { RepeatLimiter } from "./repeat_limiter.ts";
import type { SignalInbox } from "./signal_inbox.ts";

export interface SenseManagerPorts extends Omit<OutputRecorderPorts, "reportProblem" | "fail"> {
  readonly repeats: RepeatLimiter;
  emit(event: KernelEvent): void;
  readonly inbox: Pick<SignalInbox, "take" | "settle" | "newestWaiting">;
  /** The same for watched paths that changed. */
  readonly watched: WatchedPaths;
  /** A process is about to compute. */
  beforeCompute(sense: string): void;
  /** A compute has ended, and its result is recorded. */
  onComputed(compute: EndedCompute): void;
  /** Makes a unique key for an outcome. */
  newKey(): string;
}

/** A compute that has ended. `at`: the wall time of its request; `durationMs`: from there to its end. */
export interface EndedCompute {
  readonly sense: string;
  readonly id: number;
  readonly trigger: Trigger["kind"];
  readonly causeId: number | null;
  readonly at: number;
  readonly durationMs: number;
  readonly result: ComputeResult;
}

/** See watches/watches.ts. */
export interface WatchedPaths {
  take(sense: string): ChangedPaths;
  settle(sense: string, answered: boolean): void;
}

/** How a compute ended (scheduler/ports.ts, `ComputeEnding`). */
interface ComputeEnded {
  readonly answered: boolean;
  readonly beganAt: number;
  readonly unheard: Signal | null;
}

export class SenseManager {
  readonly #runner: ComputeRunner;
  readonly #clock: Clock;
  readonly #ports: SenseManagerPorts;
  readonly #outputs: OutputRecorder;
  readonly #senses = new Map<string, SenseRecord>();
  readonly #waiters = new Map<number, ((report: ComputeResult) => void)[]>();
  /** Signals that a person passed in, and that no compute has taken yet. */
  readonly #handed = new Map<string, readonly Signal[]>();
  /**
   * Senses whose process may deliver one value of its outbox, because it was asked to load the sense, or to compute.
   */
  readonly #mayDeliver = new Set<string>();

  constructor(runner: ComputeRunner, clock: Clock, ports: SenseManagerPorts) {
    this.#runner = runner;
    this.#clock = clock;
    this.#ports = ports;
    this.#outputs = new OutputRecorder({
      ...ports,
      reportProblem: (sense, message) => this.#reportProblem(sense, message),
      fail: (record, message, { compute, causeId }) => {
        const isNew = this.#recordNonAction(record, "error", message, { compute, message }, causeId);
        if (isNew) this.#reportProblem(record.limits.sense, message);
        return { kind: "error", code: "output", message, place: null };
      },
    });
  }

  /** Adds a sense, or updates its limits and keeps its counters. */
  putSense(limits: ComputeLimits): void {
    const known = this.#senses.get(limits.sense);
    if (known !== undefined) known.limits = limits;
    else this.#senses.set(limits.sense, createSenseRecord(limits));
  }

  /** Forgets all senses but these. A running compute of a forgotten sense still ends normally. */
  keepOnly(senses: { has(name: string): boolean }): void {
    for (const name of [...this.#senses.keys(), ...this.#handed.keys()]) {
      if (senses.has(name)) continue;
      this.#senses.delete(name);
      this.#handed.delete(name);
    }
  }

  recordOf(sense: string): SenseRecord | null {
    return this.#senses.get(sense) ?? null;
  }

  /** The result of a compute that has not ended. */
  waitForResult(computeId: number): Promise<ComputeResult> {
    return new Promise((resolve) => {
      const waiting = this.#waiters.get(computeId);
      if (waiting === undefined) this.#waiters.set(computeId, [resolve]);
      else waiting.push(resolve);
    });
  }

  /** Called by the scheduler. Never rejects. */
  async compute(sense: string, trigger: Trigger, id: number): Promise<ComputeEnded> {
    const at = this.#clock.now(), from = this.#clock.monotonic();
    const record = this.#senses.get(sense), { inbox, watched } = this.#ports;
    if (record === undefined) return { beganAt: from, unheard: null, answered: false };
    // An earlier compute has processed the deliveries of this one. Not `answered`: a missed tick still has to be made
    // up.
    const isHeard = trigger.kind === "hook" && inbox.newestWaiting(sense) === null;
    if (isHeard) return { beganAt: from, unheard: null, answered: false };
    const key = this.#ports.newKey();
    let causeId = causeOf(trigger);
    this.#ports.beforeCompute(sense);
    const { outcome, kept, beganAt } = await this.#runner.compute(record.limits, trigger, id, () => {
      const { signals, deliveries } = splitHeard(inbox.take(sense));
      signals.push(...this.#handed.get(sense) ?? []);
      this.#handed.delete(sense);
      if (trigger.kind === "signal") causeId = signals.at(-1)?.id ?? causeId;
      else if (trigger.kind !== "manual" && trigger.kind !== "watch") causeId = deliveries.at(-1)?.id ?? causeId;
      return { signals, deliveries, changed: watched.take(sense), key, taken: this.allowDelivery(sense) };
    });
    const durationMs = Math.round((this.#clock.monotonic() - from) * 1_000) / 1_000;
    record.counters.computes++;
    const origin = { compute: id, trigger: trigger.kind, causeId, key: kept ? key : null };
    const handled = outcome.kind === "value"
      ? this.#outputs.record(record, outcome.value, origin, this.#waiters.has(id))
      : { result: Promise.resolve(this.#recordNoValue(record, outcome, origin)), holds: true };
    const answered = isAnswer(outcome), unheard = inbox.settle(sense, answered);
    watched.settle(sense, answered);
    const ended = handled.result.then((result) => {
      record.lastCompute = { id, at, durationMs, outcome: result.kind, detail: detailOf(result) };
      this.#ports.onComputed({ sense, id, trigger: trigger.kind, causeId, at, durationMs, result });
      for (const resolve of this.#waiters.get(id) ?? []) resolve(result);
      this.#waiters.delete(id);
    });
    if (handled.holds) await ended;
    return { beganAt, unheard, answered };
  }

  /** The sense's next compute also gets these signals. Trigger it in the same turn. */
  hand(sense: string, signals: readonly Signal[]): void {
    if (signals.length > 0) this.#handed.set(sense, [...this.#handed.get(sense) ?? [], ...signals]);
  }

  /** Called by the scheduler: a compute of the sense is due at `dueAt`, in wall time. */
  prepare(sense: string, dueAt: number): void {
    const record = this.#senses.get(sense);
    if (record !== undefined) this.#runner.prepare(record.limits, dueAt, () => this.allowDelivery(sense));
  }

  /** Called by the scheduler for a trigger that did not start a compute at once. */
  onNonAction(sense: string, reason: "throttled" | "coalesced", detail: JsonObject, trigger: Trigger): void {
    const record = this.#senses.get(sense);
    if (record === undefined) return;
    this.#recordNonAction(record, reason, "", { ...detail, trigger: trigger.kind }, causeOf(trigger));
  }

  /**
   * Lets the sense's process deliver one value of its outbox. Returns the key of the last value that is on disk, for
   * the message that asks the process to load the sense or to compute.
   */
  allowDelivery(sense: string): string | null {
    this.#mayDeliver.add(sense);
    return this.#ports.taken.lastKey(sense);
  }

  /**
   * A process delivers a value of a sense's outbox. Returns null when it was not asked to; else resolves with null when
   * the value is on disk, or with why it is not.
   */
  onUndelivered(message: Extract<FromProcess, { t: "undelivered" }>): Promise<string | null> | null {
    const record = this.#senses.get(message.sense);
    return record === undefined || !this.#mayDeliver.delete(message.sense) ? null : this.#outputs.take(record, message);
  }

  onLoaded(sense: string, problems: readonly LoadProblem[]): void {
    const record = this.#senses.get(sense);
    if (record === undefined) return;
    const known = JSON.stringify(record.loadProblems);
    record.loadProblems = problems;
    // The process may start every minute: only a change is reported.
    if (known === JSON.stringify(problems)) return;
    const type: LogType = problems.length === 0 ? "sense.loaded" : "sense.load_failed";
    this.#appendRow(sense, type, { problems: problems.map((problem) => ({ ...problem })) }, null);
    for (const { message, place } of problems) {
      this.#reportProblem(sense, `cannot be loaded: ${message}${formatPlace(place)}`);
    }
  }

  /** Called by the scheduler for a pending compute that will never start. */
  onDropped(sense: string, computeId: number): void {
    const message = "the daemon stops or the sense was removed";
    for (const resolve of this.#waiters.get(computeId) ?? []) resolve({ kind: "group_down", message });
    this.#waiters.delete(computeId);
    const record = this.#senses.get(sense);
    if (record !== undefined) record.counters.group_down++;
  }

  #recordNoValue(
    record: SenseRecord,
    outcome: Exclude<ComputeOutcome, { kind: "value" }>,
    { compute, trigger, causeId }: Origin,
  ): ComputeResult {
    switch (outcome.kind) {
      case "null": {
        const { returned, silent } = outcome;
        const why = silent !== undefined ? { silent } : returned !== undefined ? { returned } : {};
        if (silent !== undefined) countSilence(record, silent);
        this.#recordNonAction(record, "null", silent ?? returned ?? "", { compute, trigger, ...why }, causeId);
        return { kind: "null", ...why };
      }
      case "error":
      case "timeout":
      case "group_down": {
        const message = detailOf(outcome) ?? outcome.kind;
        const isNew = this.#recordNonAction(record, outcome.kind, message, { compute, message }, causeId);
        // A failed load and a dead group are reported elsewhere.
        const reported = outcome.kind === "group_down" || (outcome.kind === "error" && outcome.code === "load");
        if (isNew && !reported) this.#reportProblem(record.limits.sense, message);
        return outcome;
      }
      default:
        return unreachable(outcome);
    }
  }

  /** Returns true when the non-action got its own row: it is not a repetition. */
  #recordNonAction(
    record: SenseRecord,
    reason: NonActionReason,
    kind: string,
    detail: JsonObject,
    causeId: number | null,
  ): boolean {
    record.counters[reason]++;
    const { sense } = record.limits;
    const type: LogType = `sense.${reason}`;
    return this.#ports.repeats.record({ source: `sense:${sense}`, type, refId: sense, causeId, payload: detail }, kind);
  }

  #appendRow(sense: string, type: LogType, payload: JsonObject, causeId: number | null): void {
    this.#ports.append({ source: `sense:${sense}`, type, refId: sense, causeId, payload });
  }

  #reportProblem(sense: string, message: string): void {
    this.#ports.emit({ kind: "problem", source: `sense:${sense}`, message, ts: this.#clock.now() });
  }
}

function splitHeard(heard: readonly Signal[]): { signals: Signal[]; deliveries: HookDelivery[] } {
  const signals = heard.filter(({ sense }) => hookOf(sense) === null);
  const deliveries = heard.filter(({ sense }) => hookOf(sense) !== null).map(toDelivery);
  return { signals, deliveries };
}

/** Whether compute was called and has ended; if not, its signals, deliveries and paths remain unprocessed. */
function isAnswer(outcome: ComputeOutcome): boolean {
  return outcome.kind !== "group_down" && !(outcome.kind === "error" && outcome.code === "load");
}
