/**
 * Makes spans of computes, of runs and of the work of their roles. Created by kernel/trace_wiring.ts if variables of
 * the daemon name a receiver. A compute's trace includes the run that it started, and the computes that its signal
 * triggered.
 * I1. Its memory is bounded; a run whose trace was forgotten begins another one.
 */
import type { Clock } from "../base/time.ts";
import { tracesKnownMax } from "../base/trace_limits.ts";
import type { ComputeResult } from "../protocol/api.ts";
import { isPlainObject } from "../protocol/json.ts";
import type { LogRow } from "../protocol/log.ts";
import type { Run } from "../protocol/run.ts";
import { newSpanId, newTraceId } from "./otlp.ts";
import { type SpanCounters, SpanExporter } from "./span_exporter.ts";
import type { TraceOptions } from "./trace_options.ts";

/** A compute that has ended; times in milliseconds, `at` in wall time. */
export interface TracedCompute {
  readonly sense: string;
  readonly id: number;
  readonly trigger: string;
  readonly causeId: number | null;
  readonly at: number;
  readonly durationMs: number;
  readonly result: ComputeResult;
}

interface Place {
  readonly traceId: string;
  readonly spanId: string;
}

interface TracedRun {
  traceId: string;
  readonly spanId: string;
  parentId: string | null;
  /** The time of its last row. */
  last: number | null;
}

export class Tracer {
  readonly #exporter: SpanExporter;
  /** For each row of the log, the span that wrote it. */
  readonly #rows = new Map<number, Place>();
  readonly #runs = new Map<string, TracedRun>();

  constructor(options: TraceOptions, clock: Clock, report: (problem: string) => void) {
    this.#exporter = new SpanExporter(options, clock, report);
  }

  get counters(): Readonly<SpanCounters> {
    return this.#exporter.counters;
  }

  stop(): Promise<void> {
    return this.#exporter.stop();
  }

  onComputed({ sense, id, trigger, causeId, at, durationMs, result }: TracedCompute): void {
    const parent = causeId === null ? null : this.#rows.get(causeId) ?? null;
    // The run may have begun already: its rows arrive separately.
    const run = result.kind === "run" ? this.#placeOf(result.runId, causeId) : null;
    const place = { traceId: parent?.traceId ?? run?.traceId ?? newTraceId(), spanId: newSpanId() };
    if (run !== null) Object.assign(run, { traceId: place.traceId, parentId: place.spanId });
    if (result.kind === "signal") remember(this.#rows, result.signal.id, place);
    this.#exporter.add({
      ...place,
      parentId: parent?.spanId ?? null,
      name: `compute ${sense}`,
      start: at,
      end: at + durationMs,
      attributes: {
        "nerve.sense": sense,
        "nerve.compute": id,
        "nerve.trigger": trigger,
        "nerve.outcome": result.kind,
        ...result.kind === "signal" && { "nerve.signal": result.signal.id },
        ...result.kind === "run" && { "nerve.run": result.runId },
      },
      error: describeFailure(result),
    });
  }

  /** A run has changed; once it has ended, its span covers its whole life. */
  onRun(run: Run): void {
    if (run.endedAt === null) return;
    const { traceId, spanId, parentId } = this.#placeOf(run.runId, run.causeId);
    this.#exporter.add({
      ...{ traceId, spanId, parentId },
      name: `run ${run.workflow}`,
      start: run.startedAt ?? run.queuedAt,
      end: run.endedAt,
      attributes: {
        "nerve.workflow": run.workflow,
        "nerve.run": run.runId,
        "nerve.status": run.status,
        "nerve.rounds": run.rounds,
        "nerve.attempts": run.attempt,
        ...run.exitCode !== null && { "nerve.exit_code": run.exitCode },
      },
      error: run.status === "completed" ? null : run.reason ?? run.status,
    });
  }

  /** A row of the log is on disk; the row of a run shows what a role did since the row before. */
  onRow({ type, refId, source, causeId, ts, payload }: LogRow): void {
    if (!type.startsWith("run.") || refId === null) return;
    const run = this.#placeOf(refId, causeId), start = run.last ?? ts;
    run.last = ts;
    if (type !== "run.message" && type !== "run.attempt_failed") return;
    const { role, round, attempt, message } = isPlainObject(payload) ? payload : {};
    const failed = type === "run.attempt_failed" ? String(message ?? "it failed") : null;
    this.#exporter.add({
      traceId: run.traceId,
      spanId: newSpanId(),
      parentId: run.spanId,
      name: `role ${typeof role === "string" ? role : "?"}`,
      start,
      end: ts,
      attributes: {
        "nerve.workflow": source.slice(source.indexOf(":") + 1),
        "nerve.run": refId,
        ...typeof round === "number" && { "nerve.round": round },
        ...typeof attempt === "number" && { "nerve.attempt": attempt },
      },
      error: failed,
    });
  }

  #placeOf(runId: string, causeId: number | null): TracedRun {
    const known = this.#runs.get(runId);
    if (known !== undefined) return known;
    const parent = causeId === null ? undefined : this.#rows.get(causeId);
    const run = {
      traceId: parent?.traceId ?? newTraceId(),
      spanId: newSpanId(),
      parentId: parent?.spanId ?? null,
      last: null,
    };
    remember(this.#runs, runId, run);
    return run;
  }
}

function describeFailure(result: ComputeResult): string | null {
  switch (result.kind) {
    case "error":
    case "group_down":
      return result.message;
    case "timeout":
      return `it took more than ${result.afterMs} ms`;
    default:
      return null;
  }
}

/** Adds an entry, and forgets the oldest if there are too many. */
function remember<Key, Value>(known: Map<Key, Value>, key: Key, value: Value): void {
  known.set(key, value);
  if (known.size <= tracesKnownMax) return;
  for (const oldest of known.keys()) {
    known.delete(oldest);
    return;
  }
}
