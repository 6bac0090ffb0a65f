/**
 * Runs a compute when the scheduler requests it, and turns its outcome into a signal, a run, or a counted reason for
 * neither. Created by kernel/wiring.ts, which connects it to the scheduler, the processes and the log.
 * I1. Each compute is counted under exactly one outcome.
 * I2. A signal is published when its row, and thus its id, is on disk (signal_publisher.ts).
 */
import { messageOf, unreachable } from "../base/errors.ts";
import type { Clock } from "../base/time.ts";
import type { ComputeResult } from "../protocol/api.ts";
import type { KernelEvent } from "../protocol/event.ts";
import type { JsonObject } from "../protocol/json.ts";
import type { LogRow, LogType, NewLogRow } from "../protocol/log.ts";
import type { LoadProblem } from "../protocol/message.ts";
import type { ComputeOutcome, NonActionReason, Signal, Trigger } from "../protocol/signal.ts";
import { formatPlace } from "../protocol/signal.ts";
import { causeOf, createSenseRecord, detailOf, type SenseRecord } from "./compute_record.ts";
import type { ComputeRunner } from "./compute_runner.ts";
import { type Directive, type OutputRoute, routeSenseComputeOutput } from "./directive.ts";
import type { ComputeLimits } from "./ports.ts";
import type { RepeatLimiter } from "./repeat_limiter.ts";
import type { SignalInbox } from "./signal_inbox.ts";
import type { SignalPublisher } from "./signal_publisher.ts";

export interface SenseManagerPorts {
  append(row: NewLogRow): LogRow;
  readonly repeats: RepeatLimiter;
  emit(event: KernelEvent): void;
  readonly inbox: Pick<SignalInbox, "take" | "settle">;
  readonly publisher: Pick<SignalPublisher, "publish">;
  isWorkflow(name: string): boolean;
  startRun(directive: Directive, payload: JsonObject, sense: string, causeId: number): Promise<{ runId: string }>;
}

/** A compute has ended (scheduler/ports.ts, `ComputeEnding`). */
interface ComputeEnded {
  readonly beganAt: number;
  readonly unheard: Signal | null;
}

export class SenseManager {
  readonly #runner: ComputeRunner;
  readonly #clock: Clock;
  readonly #ports: SenseManagerPorts;
  readonly #senses = new Map<string, SenseRecord>();
  readonly #waiters = new Map<number, ((report: ComputeResult) => void)[]>();

  constructor(runner: ComputeRunner, clock: Clock, ports: SenseManagerPorts) {
    this.#runner = runner;
    this.#clock = clock;
    this.#ports = ports;
  }

  /** Adds a sense, or gives it new limits and keeps its counters. */
  putSense(limits: ComputeLimits): void {
    const known = this.#senses.get(limits.sense);
    if (known !== undefined) known.limits = limits;
    else this.#senses.set(limits.sense, createSenseRecord(limits));
  }

  /** Forgets all senses but these. A running compute of a forgotten sense still ends normally. */
  keepOnly(senses: { has(name: string): boolean }): void {
    for (const name of this.#senses.keys()) if (!senses.has(name)) this.#senses.delete(name);
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
    const record = this.#senses.get(sense), { inbox } = this.#ports;
    if (record === undefined) return { beganAt: from, unheard: null };
    let cause = trigger;
    const { outcome, beganAt } = await this.#runner.compute(record.limits, trigger, id, () => {
      const signals = inbox.take(sense), signal = signals.at(-1);
      if (trigger.kind === "signal" && signal !== undefined) cause = { ...trigger, signal };
      return signals;
    });
    const durationMs = Math.round((this.#clock.monotonic() - from) * 1_000) / 1_000;
    record.counters.computes++;
    const handled = this.#handleOutcome(record, outcome, cause, id);
    const unheard = inbox.settle(sense, outcome.kind !== "group_down");
    const ended = handled.result.then((result) => {
      record.lastCompute = { id, at, durationMs, outcome: result.kind, detail: detailOf(result) };
      for (const resolve of this.#waiters.get(id) ?? []) resolve(result);
      this.#waiters.delete(id);
    });
    if (handled.holds) await ended;
    return { beganAt, unheard };
  }

  /** Called by the scheduler for a trigger that did not start a compute at once. */
  onNonAction(sense: string, reason: "throttled" | "coalesced", detail: JsonObject, trigger: Trigger): void {
    const record = this.#senses.get(sense);
    if (record !== undefined) this.#recordNonAction(record, reason, "", { ...detail, trigger: trigger.kind }, trigger);
  }

  onLoaded(sense: string, problems: readonly LoadProblem[]): void {
    const record = this.#senses.get(sense);
    if (record === undefined) return;
    const known = JSON.stringify(record.loadProblems);
    record.loadProblems = problems;
    // Its process may start every minute: only a change is reported.
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

  #handleOutcome(record: SenseRecord, outcome: ComputeOutcome, trigger: Trigger, id: number): Handled {
    if (outcome.kind !== "value") return handledNow(this.#handleNonAction(record, outcome, trigger, id));
    const route = routeSenseComputeOutput(outcome.value, this.#ports.isWorkflow);
    if (route.kind === "workflow") return { result: this.#startRun(record, route, trigger, id), holds: true };
    return { result: this.#emitSignal(record, route, trigger, id), holds: false };
  }

  #handleNonAction(
    record: SenseRecord,
    outcome: Exclude<ComputeOutcome, { kind: "value" }>,
    trigger: Trigger,
    id: number,
  ): ComputeResult {
    switch (outcome.kind) {
      case "null": {
        const { returned = null } = outcome, detail = { compute: id, trigger: trigger.kind };
        const told = returned === null ? detail : { ...detail, returned };
        this.#recordNonAction(record, "null", returned ?? "", told, trigger);
        return returned === null ? { kind: "null" } : { kind: "null", returned };
      }
      case "error":
      case "timeout":
      case "group_down": {
        const detail = detailOf(outcome) ?? outcome.kind;
        const isNew = this.#recordNonAction(record, outcome.kind, detail, { compute: id, message: detail }, trigger);
        // A failed load and a dead group are reported elsewhere.
        const reported = outcome.kind === "group_down" || (outcome.kind === "error" && outcome.code === "load");
        if (isNew && !reported) this.#reportProblem(record.limits.sense, detail);
        return outcome;
      }
      default:
        return unreachable(outcome);
    }
  }

  async #startRun(
    record: SenseRecord,
    { directive, payload }: Extract<OutputRoute, { kind: "workflow" }>,
    trigger: Trigger,
    id: number,
  ): Promise<ComputeResult> {
    const { sense } = record.limits, asked = { compute: id, trigger: trigger.kind, ...directive, payload };
    const row = this.#appendRow(sense, "sense.directive", asked, causeOf(trigger));
    try {
      const { runId } = await this.#ports.startRun(directive, payload, sense, row.id);
      record.counters.runs++;
      return { kind: "run", workflow: directive.name, runId };
    } catch (thrown) {
      return this.#fail(record, `could not start workflow ${directive.name}: ${messageOf(thrown)}`, trigger, id);
    }
  }

  async #emitSignal(
    record: SenseRecord,
    { payload, warning }: Extract<OutputRoute, { kind: "signal" }>,
    trigger: Trigger,
    id: number,
  ): Promise<ComputeResult> {
    const { sense } = record.limits, told = { compute: id, trigger: trigger.kind, payload };
    const row = this.#appendRow(sense, "sense.signal", told, causeOf(trigger));
    const signal: Signal = { id: row.id, sense, payload, ts: row.ts };
    if (warning !== null) {
      this.#appendRow(sense, "sense.directive_invalid", { compute: id, message: warning }, row.id);
      this.#reportProblem(sense, warning);
    }
    const lost = await this.#ports.publisher.publish(signal, this.#waiters.has(id));
    if (lost !== null) return this.#fail(record, `its signal could not be recorded: ${lost}`, trigger, id);
    record.counters.signals++;
    record.lastSignal = signal;
    return warning === null ? { kind: "signal", signal } : { kind: "signal", signal, warning };
  }

  #fail(record: SenseRecord, message: string, trigger: Trigger, id: number): ComputeResult {
    if (this.#recordNonAction(record, "error", message, { compute: id, message }, trigger)) {
      this.#reportProblem(record.limits.sense, message);
    }
    return { kind: "error", code: "output", message, place: null };
  }

  /** True when the non-action got a row of its own: it is not a repetition. */
  #recordNonAction(
    record: SenseRecord,
    reason: NonActionReason,
    kind: string,
    detail: JsonObject,
    trigger: Trigger,
  ): boolean {
    record.counters[reason]++;
    const { sense } = record.limits, causeId = causeOf(trigger);
    const type: LogType = `sense.${reason}`;
    return this.#ports.repeats.record({ source: `sense:${sense}`, type, refId: sense, causeId, payload: detail }, kind);
  }

  #appendRow(sense: string, type: LogType, payload: JsonObject, causeId: number | null): LogRow {
    return this.#ports.append({ source: `sense:${sense}`, type, refId: sense, causeId, payload });
  }

  #reportProblem(sense: string, message: string): void {
    this.#ports.emit({ kind: "problem", source: `sense:${sense}`, message, ts: this.#clock.now() });
  }
}

/** The result of a compute, when it is known; `holds`: the sense's next compute waits for it. */
interface Handled {
  readonly result: Promise<ComputeResult>;
  readonly holds: boolean;
}

function handledNow(result: ComputeResult): Handled {
  return { result: Promise.resolve(result), holds: true };
}
