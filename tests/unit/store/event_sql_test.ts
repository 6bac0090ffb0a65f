/** What was sent to runs, in the database. Danger: an event is taken twice, or one that nobody asked for shuts out another. */
import assert from "node:assert/strict";
import { keptEventsMax, keptEventsMaxBytes } from "../../../src/base/wait_limits.ts";
import type { NewRunEvent } from "../../../src/protocol/run_wait.ts";
import {
  insertEvent,
  insertLoggedEvent,
  listDeliverable,
  readEvent,
  readKeptEvent,
  takeEvent,
} from "../../../src/store/runs/event_sql.ts";
import { settleWait } from "../../../src/store/runs/wait_sql.ts";
import { RunTables } from "../../support/run_tables.ts";

const awaitsGo = { kind: "event", event: "go" } as const;

function eventOf(key: string, change: Partial<NewRunEvent> = {}): NewRunEvent {
  return { name: "go", key, payload: { n: 1 }, digest: `digest of ${key}`, received: 4, ...change };
}

/** A run "a" has started. */
class EventTables extends RunTables {
  constructor() {
    super();
    this.create("a");
  }

  /** Whether the run keeps the event. */
  send(key: string, change: Partial<NewRunEvent> = {}, runId = "a"): boolean {
    return this.take(insertEvent(runId, eventOf(key, change)))[0] === 1;
  }
}

Deno.test("an event is kept as it was sent, once for each key of each run", () => {
  using tables = new EventTables();
  tables.create("b");
  assert.deepEqual([
    tables.send("k"),
    tables.send("k"),
    tables.send("k", { payload: "other" }),
    tables.send("k", {}, "b"),
  ], [
    true,
    false,
    false,
    true,
  ]);
  assert.deepEqual(readEvent(tables.statements, "a", "k"), {
    event: { name: "go", key: "k", received: 4, taken: null },
    digest: "digest of k",
  });
  assert.deepEqual(readKeptEvent(tables.statements, "a", "go"), { key: "k", payload: { n: 1 } });
  assert.deepEqual([readEvent(tables.statements, "a", "none"), readKeptEvent(tables.statements, "a", "none")], [
    null,
    null,
  ]);
});

Deno.test("every JSON value is a payload, and null is one, too", () => {
  using tables = new EventTables();
  [null, false, 0, "", "ä\ud83d\ude00\\u0000", [[]], { "": {} }].forEach((payload, n) => {
    assert.ok(tables.send(`k${n}`, { name: `n${n}`, payload }));
    assert.deepEqual(readKeptEvent(tables.statements, "a", `n${n}`), { key: `k${n}`, payload });
  });
});

Deno.test("a run that has not ended takes events, whatever it does; one that has ended, or is not there, takes none", () => {
  using tables = new EventTables();
  assert.ok(tables.send("started"));
  tables.wait("a");
  assert.ok(tables.send("waiting"));
  tables.move("a", { status: "paused" });
  assert.ok(tables.send("paused"));
  tables.end("a");
  assert.deepEqual([tables.send("ended"), tables.send("k", {}, "none")], [false, false]);
});

Deno.test("of events of a name the one that came first is the next, and a taken one is no longer kept but known", () => {
  using tables = new EventTables();
  tables.wait("a", awaitsGo);
  for (const key of ["z", "b", "a"]) assert.ok(tables.send(key));
  assert.equal(readKeptEvent(tables.statements, "a", "go")?.key, "z");
  assert.deepEqual(tables.take(settleWait("a", 1, { event: "z" }), takeEvent("a", "z", 1)), [1, 1]);
  assert.equal(readKeptEvent(tables.statements, "a", "go")?.key, "b");
  assert.equal(readEvent(tables.statements, "a", "z")?.event.taken, 1);
  assert.equal(tables.send("z"), false, "its key stays known");
  assert.deepEqual(tables.values("select key from run_events where payload is null"), [["z"]]);
});

Deno.test("an event is taken once, and only with the move of its run", () => {
  using tables = new EventTables();
  tables.wait("a", awaitsGo);
  tables.send("k");
  assert.throws(() => tables.take(takeEvent("a", "k", 1)), /with the move of its run/);
  tables.take(settleWait("a", 1, { event: "k" }), takeEvent("a", "k", 1));
  assert.throws(() => tables.take(takeEvent("a", "k", 1)), /taken once/);
});

Deno.test("the end of a run gives up what it keeps", () => {
  using tables = new EventTables();
  tables.send("k");
  tables.end("a");
  assert.equal(readKeptEvent(tables.statements, "a", "go"), null);
  assert.equal(readEvent(tables.statements, "a", "k")?.event.taken, null);
});

Deno.test("a run keeps so many events that no wait has taken, and beside them one that it waits for", () => {
  using tables = new EventTables();
  tables.wait("a", awaitsGo);
  for (let n = 0; n < keptEventsMax; n++) assert.ok(tables.send(`k${n}`, { name: "other" }));
  assert.equal(tables.send("over", { name: "other" }), false);
  assert.deepEqual([tables.send("first"), tables.send("second")], [true, false]);
  tables.take(settleWait("a", 1, { event: "first" }), takeEvent("a", "first", 1));
  assert.equal(tables.send("third"), false, "nobody waits for it any more");
});

Deno.test("a run keeps so many bytes of events, and beside them one that it waits for", () => {
  using tables = new EventTables();
  tables.create("b");
  // As JSON it has two quotes more, and each of its characters is two bytes.
  const payload = "ä".repeat(keptEventsMaxBytes / 2 - 1);
  assert.equal(tables.send("large", { name: "other", payload: `${payload}x` }, "b"), false);
  assert.ok(tables.send("large", { name: "other", payload }, "b"), "exactly as much as there is room for");
  assert.equal(tables.send("over", { name: "other", payload: 1 }, "b"), false);
  assert.equal(tables.send("over"), true, "another run has its own room");
  tables.wait("b", awaitsGo);
  assert.deepEqual([tables.send("first", {}, "b"), tables.send("second", {}, "b")], [true, false]);
});

Deno.test("a row of the log is accepted again, whatever the run keeps already", () => {
  using tables = new EventTables();
  for (let n = 0; n < keptEventsMax; n++) assert.ok(tables.send(`k${n}`, { name: "other" }));
  assert.deepEqual(tables.take(insertLoggedEvent("a", eventOf("logged"))), [1]);
  assert.deepEqual(readKeptEvent(tables.statements, "a", "go"), { key: "logged", payload: { n: 1 } });
  assert.throws(() => tables.take(insertLoggedEvent("a", eventOf("logged"))), /unique/i);
});

Deno.test("a run that waits for an event which it keeps is found, once, and up to a limit", () => {
  using tables = new EventTables();
  tables.create("b", "c", "d");
  for (const id of ["a", "b", "c", "d"]) tables.send("early", {}, id);
  tables.send("again");
  assert.deepEqual(listDeliverable(tables.statements, 9), []);
  for (const id of ["a", "b"]) tables.wait(id, awaitsGo);
  tables.wait("c", { ...awaitsGo, event: "other" });
  tables.wait("d");
  assert.deepEqual(listDeliverable(tables.statements, 9).sort(), ["a", "b"]);
  assert.equal(listDeliverable(tables.statements, 1).length, 1);
  tables.take(settleWait("a", 1, { event: "early" }), takeEvent("a", "early", 1));
  assert.deepEqual(listDeliverable(tables.statements, 9), ["b"]);
  tables.take(settleWait("b", 1, { event: "early" }), takeEvent("b", "early", 1));
  tables.wait("b", awaitsGo);
  assert.deepEqual(listDeliverable(tables.statements, 9), [], "what was taken is delivered");
});
