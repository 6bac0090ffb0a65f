/** Where traces go, by the variables of OpenTelemetry. Pure. */

export interface TraceOptions {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Attributes of the resource. */
  readonly resource: Readonly<Record<string, string>>;
}

/** Null: no traces are wanted. `env` reads a variable of the daemon. */
export function readTraceOptions(env: (name: string) => string | undefined): TraceOptions | null {
  if (env("OTEL_SDK_DISABLED")?.toLowerCase() === "true") return null;
  const own = env("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") || null, base = env("OTEL_EXPORTER_OTLP_ENDPOINT") || null;
  const url = own ?? (base === null ? null : `${base.replace(/\/+$/, "")}/v1/traces`);
  if (url === null) return null;
  const headers = env("OTEL_EXPORTER_OTLP_TRACES_HEADERS") || env("OTEL_EXPORTER_OTLP_HEADERS") || "";
  const resource = parsePairs(env("OTEL_RESOURCE_ATTRIBUTES") ?? "");
  const service = env("OTEL_SERVICE_NAME") || resource["service.name"] || "nerve";
  return { url, headers: parsePairs(headers), resource: { ...resource, "service.name": service } };
}

/** Parses `a=1,b=2`, each part URL-encoded. */
function parsePairs(text: string): Record<string, string> {
  const pairs = text.split(",").flatMap((pair): [string, string][] => {
    const at = pair.indexOf("="), key = pair.slice(0, Math.max(0, at)).trim();
    return key === "" ? [] : [[key, decode(pair.slice(at + 1).trim())]];
  });
  return Object.fromEntries(pairs);
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch (thrown) {
    if (thrown instanceof URIError) return text;
    throw thrown;
  }
}
