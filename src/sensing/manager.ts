/**
 * Runs a compute when the scheduler requests it, and turns its outcome into a signal, a run, or a counted reason for
 * neither. Created by kernel/wiring.ts, which connects it to the scheduler, the processes and the log.
 * I1. Each compute is counted under exactly one outcome.
 * I2. A signal has its row, and thus its id, before it is published.
 */
import { formatDuration } from "../base/duration.ts";
import { messageOf, unreachable } from "../base/errors.ts";
import type { Clock } from "../base/time.ts";
import type { ComputeResult, SenseCounters, SenseView } from "../protocol/api.ts";
import type { KernelEvent } from "../protocol/event.ts";
import type { JsonObject } from "../protocol/json.ts";
import type { LogRow, LogType, NewLogRow } from "../protocol/log.ts";
import type { LoadProblem } from "../protocol/message.ts";
import type { ComputeOutcome, NonActionReason, Signal, Trigger } from "../protocol/signal.ts";
import { formatPlace } from "../protocol/signal.ts";
import type { ComputeRunner } from "./compute_runner.ts";
import { type Directive, type OutputRoute, routeSenseComputeOutput } from "./directive.ts";
import type { ComputeLimits } from "./ports.ts";
import type { RepeatLimiter } from "./repeat_limiter.ts";

export interface SenseRecord {
  limits: ComputeLimits;
  readonly counters: SenseCounters;
  lastCompute: SenseView["lastCompute"];
  lastSignal: Signal | null;
  /** Why its last load failed; empty when it succeeded. */
  loadProblems: readonly LoadProblem[];
}

export interface SenseManagerPorts {
  append(row: NewLogRow): LogRow;
  readonly repeats: RepeatLimiter;
  emit(event: KernelEvent): void;
  onSignal(signal: Signal): void;
  isWorkflow(name: string): boolean;
  startRun(directive: Directive, payload: JsonObject, sense: string, causeId: number): Promise<{ runId: string }>;
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
    else {
      this.#senses.set(limits.sense, {
        limits,
        counters: createCounters(),
        lastCompute: null,
        lastSignal: null,
        loadProblems: [],
      });
    }
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

  /** Called by the scheduler. Resolves with the time at which the sense began to compute. Never rejects. */
  async compute(sense: string, trigger: Trigger, id: number): Promise<number> {
    const at = this.#clock.now(), from = this.#clock.monotonic();
    const record = this.#senses.get(sense);
    if (record === undefined) return from;
    const { outcome, beganAt } = await this.#runner.compute(record.limits, trigger, id);
    const durationMs = Math.round((this.#clock.monotonic() - from) * 1_000) / 1_000;
    record.counters.computes++;
    const result = await this.#handleOutcome(record, outcome, trigger, id);
    record.lastCompute = { id, at, durationMs, outcome: result.kind, detail: detailOf(result) };
    for (const resolve of this.#waiters.get(id) ?? []) resolve(result);
    this.#waiters.delete(id);
    return beganAt;
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

  async #handleOutcome(
    record: SenseRecord,
    outcome: ComputeOutcome,
    trigger: Trigger,
    id: number,
  ): Promise<ComputeResult> {
    switch (outcome.kind) {
      case "null": {
        const { returned = null } = outcome, detail = { compute: id, trigger: trigger.kind };
        this.#recordNonAction(
          record,
          "null",
          returned ?? "",
          returned === null ? detail : { ...detail, returned },
          trigger,
        );
        return returned === null ? { kind: "null" } : { kind: "null", returned };
      }
      case "value": {
        const route = routeSenseComputeOutput(outcome.value, this.#ports.isWorkflow);
        if (route.kind === "workflow") return await this.#startRun(record, route, trigger, id);
        return this.#emitSignal(record, route, trigger, id);
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
      const message = `could not start workflow ${directive.name}: ${messageOf(thrown)}`;
      if (this.#recordNonAction(record, "error", message, { compute: id, message }, trigger)) {
        this.#reportProblem(sense, message);
      }
      return { kind: "error", code: "output", message, place: null };
    }
  }

  #emitSignal(
    record: SenseRecord,
    { payload, warning }: Extract<OutputRoute, { kind: "signal" }>,
    trigger: Trigger,
    id: number,
  ): ComputeResult {
    const { sense } = record.limits;
    const row = this.#appendRow(
      sense,
      "sense.signal",
      { compute: id, trigger: trigger.kind, payload },
      causeOf(trigger),
    );
    const signal: Signal = { id: row.id, sense, payload, ts: row.ts };
    if (warning !== null) {
      this.#appendRow(sense, "sense.directive_invalid", { compute: id, message: warning }, row.id);
      this.#reportProblem(sense, warning);
    }
    record.counters.signals++;
    record.lastSignal = signal;
    this.#ports.emit({ kind: "signal", signal });
    this.#ports.onSignal(signal);
    return warning === null ? { kind: "signal", signal } : { kind: "signal", signal, warning };
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

function createCounters(): SenseCounters {
  return {
    computes: 0,
    signals: 0,
    runs: 0,
    null: 0,
    throttled: 0,
    coalesced: 0,
    timeout: 0,
    error: 0,
    group_down: 0,
  };
}

/** The row that caused a compute: the signal's, or the manual request's. A schedule has none. */
function causeOf(trigger: Trigger): number | null {
  if (trigger.kind === "signal") return trigger.signal.id;
  return trigger.kind === "manual" ? trigger.causeId : null;
}

/** Details of a result beyond its kind. */
function detailOf(result: ComputeResult | ComputeOutcome): string | null {
  switch (result.kind) {
    case "error": {
      const { place, message } = result;
      return `${message}${formatPlace(place)}`;
    }
    case "timeout":
      return `did not finish within ${formatDuration(result.afterMs)}${
        result.killed ? "; its process was killed" : ""
      }`;
    case "group_down":
      return result.message;
    case "run":
      return result.runId;
    case "signal":
      return result.warning ?? null;
    default:
      return null;
  }
}
