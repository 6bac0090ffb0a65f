import assert from "node:assert/strict";
import { createRecord, fromStored, toStored } from "../../../src/alerts/record.ts";
import type { Json } from "../../../src/protocol/json.ts";
import { FakeClock } from "../../support/fake_clock.ts";

Deno.test("what is stored of a state comes back after a restart, with times on the new clock", async () => {
  const clock = new FakeClock(), record = createRecord("full", "/", clock.monotonic());
  record.machine = { ...record.machine, status: "firing", holds: true, since: clock.monotonic() - 2_000 };
  Object.assign(record, {
    ...{ since: clock.now() - 2_000, reason: "when", summary: "full", lastId: 5, rowId: 6, turnId: 5 },
    ...{ toldAt: clock.now(), triedAt: clock.now(), heldBack: "limited", ack: { by: "a", comment: null, at: 1 } },
    due: [{ runId: "r", workflow: "w", prompt: "p", payload: {}, causeId: 6 }],
  });
  const stored = JSON.parse(JSON.stringify(toStored(record, clock))) as Json;
  assert.deepEqual(fromStored("full", "/", stored, clock), { ...record, wakeAt: null });
  await clock.tick(60_000);
  const later = fromStored("full", "/", stored, clock);
  assert.equal(clock.monotonic() - (later.machine.since ?? 0), 62_000, "the condition holds for longer by now");
  assert.equal(later.machine.seenAt, clock.monotonic(), "silence counts from now: nobody listened meanwhile");
});

Deno.test("after a boot the time that a condition holds is taken from the wall clock", () => {
  const clock = new FakeClock(), record = createRecord("full", "", clock.monotonic());
  record.machine = { ...record.machine, status: "pending", holds: true, since: clock.monotonic() - 2_000 };
  const stored = toStored(record, clock) as Json, booted = new FakeClock(clock.now() + 10_000);
  const { machine } = fromStored("full", "", stored, booted);
  assert.equal(booted.monotonic() - (machine.since ?? 0), 12_000);
});

Deno.test("a state without times stays without", () => {
  const clock = new FakeClock(), record = createRecord("full", "", clock.monotonic());
  const { machine } = fromStored("full", "", toStored(record, clock) as Json, clock);
  assert.deepEqual([machine.since, machine.clearedAt, machine.status], [null, null, "inactive"]);
});
