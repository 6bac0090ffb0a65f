import assert from "node:assert/strict";
import { AlertEntry, windowFromStored, windowToStored } from "../../../src/alerts/entry.ts";
import { createRecord } from "../../../src/alerts/record.ts";
import { alertFaultsTold, alertKeysMax } from "../../../src/base/alert_limits.ts";
import type { AlertDefinition } from "../../../src/protocol/alert.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { configOf } from "../../support/parsed_config.ts";

function definition(more = ""): AlertDefinition {
  const { alerts } = configOf(`senses: { disk: {} }
reflexes: [{ sense: disk, interval: 1s }]
alerts: { full: { sense: disk, key: signal.path, when: signal.used > 0.9${more} } }`);
  return alerts.get("full") ?? assert.fail();
}

function full(entry: AlertEntry): AlertEntry {
  for (let n = 0; n < alertKeysMax; n++) entry.records.set(`${n}`, createRecord("full", `${n}`, 0));
  return entry;
}

Deno.test("a fault is new once of its kind, and at most so many kinds are; the last one is the problem", () => {
  const entry = new AlertEntry(definition(), new FakeClock());
  assert.deepEqual([entry.isNewFault("when", "a"), entry.isNewFault("when", "b"), entry.problem], [true, false, "b"]);
  const kinds = Array.from({ length: 2 * alertFaultsTold }, (_, n) => entry.isNewFault(`kind ${n}`, "c"));
  assert.equal(kinds.filter(Boolean).length, alertFaultsTold - 1);
  entry.redefine(definition());
  assert.deepEqual([entry.problem, entry.isNewFault("when", "a")], [null, true]);
});

Deno.test("a full alert forgets an inactive state with nothing to do, but none that watches for absence", () => {
  const entry = full(new AlertEntry(definition(), new FakeClock()));
  assert.equal(entry.findRoom()?.key, "0");
  const notice = { runId: "r", workflow: "w", prompt: "", payload: {}, causeId: 1 };
  for (const record of entry.records.values()) record.due = [notice];
  assert.equal(entry.findRoom(), undefined);
  assert.equal(full(new AlertEntry(definition(", absent: 1h"), new FakeClock())).findRoom(), undefined);
  assert.equal(new AlertEntry(definition(), new FakeClock()).findRoom(), null);
});

Deno.test("the latest silence of a key counts, and one without a key is of every key", () => {
  const entry = new AlertEntry(definition(), new FakeClock()), mark = { by: "ada", comment: null, at: 0 };
  entry.silences = [{ ...mark, key: "/", until: 50 }, { ...mark, key: null, until: 30 }, {
    ...mark,
    key: "/",
    until: 9,
  }];
  assert.deepEqual(["/", "/var"].map((key) => entry.silencedUntil(key, 10)), [50, 30]);
  assert.deepEqual(["/", "/var"].map((key) => entry.silencedUntil(key, 30)), [50, null]);
});

Deno.test("a window of starts goes on where it was after a restart", () => {
  const clock = new FakeClock(), before = { from: clock.monotonic() - 5_000, started: 3, left: 1 };
  const stored = windowToStored(before, clock);
  assert.deepEqual(windowFromStored(stored, clock), before);
  assert.equal(windowFromStored(null, clock), null);
});

Deno.test("states belong to the sense and the key of their alert: the mark changes with them, and only then", () => {
  const mark = (changes: Partial<AlertDefinition>) =>
    new AlertEntry({ ...definition(), ...changes }, new FakeClock()).mark;
  assert.equal(mark({ when: "true", severity: "info" }), mark({}));
  assert.notEqual(mark({ sense: "other" }), mark({}));
  assert.notEqual(mark({ key: null }), mark({}));
});
