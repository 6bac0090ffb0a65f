/** What a wait is, what it says, and the messages that settle it. Danger: a wait that ends too early, or never. */
import assert from "node:assert/strict";
import type { NewApproval } from "../../../src/protocol/approval.ts";
import type { AskedWait } from "../../../src/protocol/asked_wait.ts";
import {
  createEventMessage,
  createSleepMessage,
  createTimeoutMessage,
  createWait,
  describeWait,
} from "../../../src/workflow/local/wait_texts.ts";
import fc from "../../support/fast_check.ts";
import { FakeClock } from "../../support/fake_clock.ts";

const clock = new FakeClock(), now = clock.now(), boot = clock.boot();
const asked = { title: "Go?", body: "", options: ["ok"], onExpiry: null, approvers: null };
const child = { workflow: "w", prompt: "p", payload: null, maxRounds: null };
const children = (count: number) =>
  Array.from({ length: count }, (_, n) => ({ runId: `a.1.${n + 1}`, request: child }));
const wait = (of: Parameters<typeof createWait>[2]) => createWait(2, "cool", of, clock);
const messageOf = (text: string, meta: unknown) => ({ round: 2, role: "cool", content: text, meta, ts: 9 });

Deno.test("a span is over by the wall clock and by the time since the boot, whichever comes first", () => {
  assert.deepEqual(wait({ kind: "for", ms: 60_000 }), {
    ...{ round: 2, role: "cool", kind: "sleep", since: { wall: now, boot }, event: null },
    ...{ due: now + 60_000, dueBoot: { id: boot.id, ms: boot.ms + 60_000 } },
  });
});

Deno.test("a time of day is over by the wall clock alone, also one that has passed", () => {
  for (const at of [0, now - 1, now + 9]) {
    const { kind, due, dueBoot } = wait({ kind: "until", at });
    assert.deepEqual([kind, due, dueBoot], ["sleep", at, null]);
  }
});

Deno.test("where the system does not tell the time since its boot, a span is over by the wall clock alone", () => {
  class Bootless extends FakeClock {
    override boot(): never {
      return null as never;
    }
  }
  const { due, dueBoot, since } = createWait(1, "cool", { kind: "for", ms: 5 }, new Bootless(70));
  assert.deepEqual([due, dueBoot, since], [75, null, { wall: 70, boot: null }]);
});

Deno.test("gates, events and recoveries wait for ever, unless they are given a time", () => {
  const of = (expiresMs: number | null): Parameters<typeof createWait>[2][] => [
    { kind: "gate", ...asked, expiresMs },
    { kind: "recovery", ...asked, expiresMs },
    { kind: "event", name: "go", timeoutMs: expiresMs },
  ];
  const told = (each: Parameters<typeof createWait>[2]) => {
    const { kind, due, dueBoot, event } = wait(each);
    return [kind, due, dueBoot?.ms ?? null, event];
  };
  assert.deepEqual(of(null).map(told), [
    ["gate", null, null, null],
    ["recovery", null, null, null],
    ["event", null, null, "go"],
  ]);
  assert.deepEqual(of(0).map(told), [
    ["gate", now, boot.ms, null],
    ["recovery", now, boot.ms, null],
    ["event", now, boot.ms, "go"],
  ]);
});

Deno.test("runs are waited for without a time, and no runs are over at once", () => {
  const of = (count: number) => wait({ kind: "children", runs: Array.from({ length: count }, () => child) });
  assert.deepEqual([of(2).due, of(1).due, of(0).due], [null, null, now]);
  assert.deepEqual([of(0).kind, of(0).dueBoot], ["children", null]);
});

Deno.test("for any span: a wait is over exactly so long after it began, by either clock", () => {
  fc.assert(fc.property(fc.nat(2 ** 31), (ms) => {
    const { since, due, dueBoot } = wait({ kind: "event", name: "go", timeoutMs: ms });
    assert.deepEqual([(due ?? 0) - since.wall, (dueBoot?.ms ?? 0) - (since.boot?.ms ?? 0)], [ms, ms]);
  }));
});

Deno.test("a reader is told what a run waits for", () => {
  const told = (of: AskedWait, request: NewApproval | null = null, count = 0) =>
    describeWait(wait(of), request, children(count));
  const until = "2026-01-01T00:01:00.000Z", at = now + 60_000;
  assert.equal(told({ kind: "for", ms: 60_000 }), `role cool sleeps until ${until}`);
  assert.equal(told({ kind: "until", at }), `role cool sleeps until ${until}`);
  assert.equal(told({ kind: "event", name: "go", timeoutMs: null }), "role cool waits for the event go");
  assert.equal(
    told({ kind: "event", name: "go", timeoutMs: 60_000 }),
    `role cool waits for the event go, until ${until}`,
  );
  const runs: AskedWait = { kind: "children", runs: [] };
  assert.deepEqual([0, 1, 2].map((count) => told(runs, null, count)), [
    "role cool waits for no runs",
    "role cool waits for run a.1.1 of w",
    "role cool waits for 2 runs",
  ]);
  const request = { role: "ask", title: "Go\ud83d\ude00?" } as NewApproval;
  assert.equal(
    told({ kind: "gate", ...asked, expiresMs: 1 }, request),
    "role ask waits for a decision: Go\ud83d\ude00?",
  );
});

Deno.test("the message of a sleep says until when, that of an event what came, that of a timeout that nothing did", () => {
  const slept = wait({ kind: "for", ms: 60_000 }), event = wait({ kind: "event", name: "go", timeoutMs: 1 });
  const text = "slept until 2026-01-01T00:01:00.000Z";
  assert.deepEqual(createSleepMessage(slept, 9), messageOf(text, { until: now + 60_000 }));
  assert.deepEqual(createSleepMessage({ ...slept, due: null }, 9), messageOf("slept until its end", { until: null }));
  for (const payload of [null, 0, { n: [1] }]) {
    assert.deepEqual(createEventMessage(event, { key: "k", payload }, 9), messageOf("event go", { payload, key: "k" }));
  }
  assert.deepEqual(createTimeoutMessage(event, 9), messageOf("no event go came in time", { timedOut: true }));
});
