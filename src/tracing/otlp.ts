/**
 * Spans in the JSON form of OTLP (opentelemetry.io/docs/specs/otlp, `ExportTraceServiceRequest`). Pure. Written by
 * hand: the libraries take longer to load than nerve takes to start, and a single request needs only this much.
 */

/** Ids are lowercase hex. Times are wall milliseconds. */
export interface TraceSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentId: string | null;
  readonly name: string;
  readonly start: number;
  readonly end: number;
  readonly attributes: Readonly<Record<string, string | number>>;
  /** Why it failed; null when it did not. */
  readonly error: string | null;
}

export function newTraceId(): string {
  return randomHex(16);
}

export function newSpanId(): string {
  return randomHex(8);
}

function randomHex(bytes: number): string {
  return crypto.getRandomValues(new Uint8Array(bytes)).toHex();
}

/** The body of a request. */
export function formatSpans(
  spans: readonly TraceSpan[],
  resource: Readonly<Record<string, string>>,
  version: string,
): string {
  return JSON.stringify({
    resourceSpans: [{
      resource: { attributes: toAttributes(resource) },
      scopeSpans: [{ scope: { name: "nerve", version }, spans: spans.map(toSpan) }],
    }],
  });
}

function toSpan({ traceId, spanId, parentId, name, start, end, attributes, error }: TraceSpan): unknown {
  return {
    traceId,
    spanId,
    ...parentId !== null && { parentSpanId: parentId },
    name,
    // Internal: not part of a request.
    kind: 1,
    startTimeUnixNano: toNanos(start),
    endTimeUnixNano: toNanos(Math.max(start, end)),
    attributes: toAttributes(attributes),
    status: error === null ? {} : { code: 2, message: error },
  };
}

/** As text: a double has too few digits. */
function toNanos(ms: number): string {
  return `${BigInt(Math.round(ms * 1_000)) * 1_000n}`;
}

function toAttributes(values: Readonly<Record<string, string | number>>): unknown[] {
  return Object.entries(values).map(([key, value]) => ({ key, value: toValue(value) }));
}

function toValue(value: string | number): unknown {
  if (typeof value === "string") return { stringValue: value };
  return Number.isInteger(value) ? { intValue: String(value) } : { doubleValue: value };
}
