/** Waits as an author wrote them: valid forms, what their functions may return, and errors that name the mistake. */
import assert from "node:assert/strict";
import { sleepMaxMs } from "../../../src/base/wait_limits.ts";
import { readRoles } from "../../../src/sandbox/roles.ts";
import { isWait, readWaitPlan } from "../../../src/sandbox/waits.ts";
import { event, sleep } from "../../../src/sdk/waits.ts";

const start = {
  runId: "r",
  workflow: "w",
  prompt: "",
  maxRounds: 9,
  payload: {},
  trigger: { kind: "manual" },
} as const;
const context = { start, messages: [], config: { wait: "2m" } };

function ask(role: unknown): unknown {
  assert.ok(isWait(role));
  const plan = readWaitPlan(role);
  if (!plan.ok) return `load: ${plan.error}`;
  const asked = plan.value.ask(context);
  return asked.ok ? asked.value : asked.error.message;
}

Deno.test("a sleep takes a span, milliseconds, a time, or a function that returns one of them", () => {
  assert.deepEqual(ask(sleep("1m30s")), { kind: "for", ms: 90_000 });
  assert.deepEqual(ask(sleep(0)), { kind: "for", ms: 0 });
  assert.deepEqual(ask(sleep(new Date(5_000))), { kind: "until", at: 5_000 });
  assert.deepEqual(ask(sleep(({ config }) => String(config.wait))), { kind: "for", ms: 120_000 });
  assert.deepEqual(ask(sleep(({ messages }) => new Date(messages.length))), { kind: "until", at: 0 });
});

Deno.test("a wrong time is an error when the workflow loads, and of a function when it is asked", () => {
  for (const time of ["soon", -1, 1.5, sleepMaxMs + 1, Infinity, null, new Date(NaN), new Date(-1)]) {
    assert.match(String(ask(sleep(time as never))), /^load: sleeps for a time that is /);
    assert.match(String(ask(sleep((() => time) as never))), /^its time is /);
  }
  assert.match(String(ask(sleep((() => Promise.resolve("1m")) as never))), /^its time is neither/);
  const thrown = ask(sleep(() => {
    throw new Error("no clock");
  }));
  assert.equal(thrown, "its time threw: no clock");
});

Deno.test("an event has a name, and a timeout that is a span", () => {
  assert.deepEqual(ask(event("deployed")), { kind: "event", name: "deployed", timeoutMs: null });
  assert.deepEqual(ask(event("a.b_c-1", { timeout: "1h" })), { kind: "event", name: "a.b_c-1", timeoutMs: 3_600_000 });
  for (const name of ["", "a b", ".x", "x".repeat(65), 5]) {
    assert.match(String(ask(event(name as never))), /^load: waits for an event without a name/);
  }
  for (const timeout of ["soon", -1, new Date(5)]) {
    assert.match(String(ask(event("x", { timeout: timeout as never }))), /^load: has a timeout that is/);
  }
  assert.match(String(ask({ ...event("x"), key: 1 })), /^load: has an unknown key key/);
});

Deno.test("an unknown wait or key keeps the workflow from loading, and names the role", () => {
  const fault = (role: unknown) => {
    const roles = readRoles({ cool: role });
    return roles.ok ? "" : roles.error;
  };
  assert.equal(fault(sleep("1m")), "");
  assert.equal(
    fault({ wait: "forever" }),
    'its role cool waits for "forever": use sleep(), gate(), event() or children()',
  );
  assert.equal(fault({ wait: 5 }), "its role cool waits for number: use sleep(), gate(), event() or children()");
  assert.equal(fault({ ...sleep("1m"), retry: {} }), "its role cool has an unknown key retry: write sleep(TIME)");
});
