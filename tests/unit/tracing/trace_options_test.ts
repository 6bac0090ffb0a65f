/** The variables of OpenTelemetry that nerve supports. */
import assert from "node:assert/strict";
import { readTraceOptions } from "../../../src/tracing/trace_options.ts";

const read = (env: Record<string, string>) => readTraceOptions((name) => env[name]);

Deno.test("traces go where the variables of OpenTelemetry say, and nowhere without them", () => {
  assert.equal(read({}), null);
  assert.equal(read({ OTEL_EXPORTER_OTLP_ENDPOINT: "" }), null);
  assert.equal(read({ OTEL_EXPORTER_OTLP_ENDPOINT: "http://a:4318", OTEL_SDK_DISABLED: "true" }), null);
  assert.deepEqual(read({ OTEL_EXPORTER_OTLP_ENDPOINT: "http://a:4318/" }), {
    url: "http://a:4318/v1/traces",
    headers: {},
    resource: { "service.name": "nerve" },
  });
  const named = read({
    OTEL_EXPORTER_OTLP_ENDPOINT: "http://a:4318",
    OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "https://b/traces",
    OTEL_EXPORTER_OTLP_HEADERS: "authorization=Basic%20eA==,x-b= 2 ,broken, =x,bad=%",
    OTEL_RESOURCE_ATTRIBUTES: "deployment.environment=test,service.name=other",
    OTEL_SERVICE_NAME: "watch",
  });
  assert.deepEqual(named, {
    url: "https://b/traces",
    headers: { authorization: "Basic eA==", "x-b": "2", bad: "%" },
    resource: { "deployment.environment": "test", "service.name": "watch" },
  });
});
