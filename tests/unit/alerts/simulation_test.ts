/** Alerts in virtual time, as `nerve alert test` runs them. */
import assert from "node:assert/strict";
import { Simulation } from "../../../src/alerts/simulation.ts";
import type { Json } from "../../../src/protocol/json.ts";
import { configOf } from "../../support/parsed_config.ts";

function simulate(alert: string, signals: readonly (readonly [at: number, payload: Json])[]): Simulation {
  const { alerts } = configOf(`senses: { disk: {} }
reflexes: [{ sense: disk, interval: 1s }]
workflows: { notify: {} }
alerts: { full: { sense: disk, ${alert} } }`);
  return new Simulation(alerts.get("full") ?? assert.fail(), signals.map(([at, payload]) => ({ at, payload })));
}

Deno.test("a condition that holds for long enough fires, at its time and not before", () => {
  const alert = simulate("when: signal.used > 0.9, for: 1m, summary: '{{ signal.used }} used'", [
    [10_000, { used: 0.95 }],
    [200_000, { used: 0.5 }],
  ]);
  const times = [9_999, 10_000, 69_999, 70_000, 199_999, 200_000];
  assert.deepEqual(times.map((at) => alert.stateAt(at, "").status), [
    ...["inactive", "pending", "pending", "firing", "firing", "inactive"] as const,
  ]);
  assert.equal(alert.stateAt(300_000, "").summary, null);
});

Deno.test("absence is seen without any signal, and ends with one", () => {
  const alert = simulate("absent: 1m", [[200_000, {}]]);
  assert.equal(alert.stateAt(59_999, "").status, "inactive");
  assert.deepEqual(alert.stateAt(60_000, ""), { status: "firing", summary: "full: no signal of disk for 1m" });
  assert.equal(alert.stateAt(200_000, "").status, "inactive");
  assert.equal(alert.stateAt(260_000, "").status, "firing");
});

Deno.test("each key has a state of its own; the state without one is gone once a key is there", () => {
  const alert = simulate("when: signal.used > 0.9, absent: 1h, key: signal.path", [
    [1_000, { used: 0.95, path: "/" }],
    [2_000, { used: 0.1, path: "/var" }],
  ]);
  const states = (at: number) => ["", "/", "/var", "/none"].map((key) => alert.stateAt(at, key).status);
  assert.deepEqual(states(2_000), ["inactive", "firing", "inactive", "inactive"]);
  assert.deepEqual(states(3_602_000), ["inactive", "firing", "firing", "inactive"], "not the empty key");
});

Deno.test("last is the signal before of the same key", () => {
  const alert = simulate("when: last != null && signal.used - last.used > 0.5, key: signal.path", [
    [1, { used: 0.1, path: "/" }],
    [2, { used: 0.9, path: "/var" }],
    [3, { used: 0.7, path: "/" }],
  ]);
  assert.deepEqual(["/", "/var"].map((key) => alert.stateAt(3, key).status), ["firing", "inactive"]);
  assert.deepEqual(alert.faults, []);
});

Deno.test("a fault decides nothing, and is in the list once", () => {
  const alert = simulate("when: signal.used > 0.9, key: signal.path", [
    [1, { used: 0.95, path: "/" }],
    ...[2, 3, 4].map((at) => [at, { path: "/" }] as const),
    [5, { used: 0.95 }],
  ]);
  assert.equal(alert.stateAt(5, "/").status, "firing");
  assert.equal(alert.faults.length, 2, alert.faults.join("\n"));
  assert.match(alert.faults.join("\n"), /^when failed: .*\nkey failed: /);
});

Deno.test("a signal comes before what time does at the same moment", () => {
  const alert = simulate("when: signal.used > 0.9, for: 1m", [[0, { used: 0.95 }], [60_000, { used: 0.5 }]]);
  assert.equal(alert.stateAt(60_000, "").status, "inactive");
});
