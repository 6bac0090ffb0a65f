/** Waits of runs in the database. Danger: a run goes on twice, or sleeps on because one of two clocks was set back. */
import assert from "node:assert/strict";
import type { RunWait } from "../../../src/protocol/run_wait.ts";
import { insertEvent } from "../../../src/store/runs/event_sql.ts";
import {
  countWaiting,
  insertWait,
  listDueWaits,
  readNextDue,
  readWait,
  settleWait,
} from "../../../src/store/runs/wait_sql.ts";
import fc from "../../support/fast_check.ts";
import { RunTables } from "../../support/run_tables.ts";
import { sleepOf } from "../../support/store_bench.ts";

const boot = (ms: number) => ({ id: "b", ms });
/** A time of day, which no clock of the boot counts. */
const until = (due: number) => ({ due, dueBoot: null });

Deno.test("a wait is read back as it was written, with and without its times and its event", () => {
  using tables = new RunTables();
  const changes: Partial<RunWait>[] = [
    {},
    { kind: "event", event: "go.now", due: null, dueBoot: null },
    { kind: "gate", since: { wall: 1, boot: null }, role: "ä\ud83d\ude00", due: 0 },
  ];
  changes.forEach((change, n) => {
    tables.create(`r${n}`);
    const wait = tables.wait(`r${n}`, change);
    assert.deepEqual(readWait(tables.statements, `r${n}`), wait);
  });
  assert.equal(readWait(tables.statements, "none"), null);
});

Deno.test("only a run that waits has a wait, one at most, and it leaves with the run's move", () => {
  using tables = new RunTables();
  tables.create("a");
  assert.throws(() => tables.take(insertWait("a", sleepOf(1))), /waiting/);
  tables.wait("a");
  assert.throws(() => tables.take(insertWait("a", sleepOf(1))), /constraint/i);
  tables.end("a");
  assert.equal(readWait(tables.statements, "a"), null);
});

Deno.test("a message settles the wait of its own round, once, and the run goes on in its next attempt", () => {
  using tables = new RunTables();
  tables.create("a", "b");
  assert.deepEqual(tables.take(settleWait("b", 1)), [0], "it does not wait");
  tables.wait("a");
  assert.deepEqual(tables.take(settleWait("a", 2), settleWait("none", 1), settleWait("a", 1), settleWait("a", 1)), [
    ...[0, 0, 1, 0],
  ]);
  const { status, attempt, rounds, reason } = tables.run("a");
  assert.deepEqual([status, attempt, rounds, reason], ["started", 2, 1, null]);
});

Deno.test("an event settles a wait only while the run keeps it", () => {
  using tables = new RunTables();
  tables.create("a", "b");
  for (const id of ["a", "b"]) tables.wait(id, { kind: "event", event: "go" });
  tables.take(insertEvent("b", { name: "go", key: "k", payload: 1, digest: "d", received: 4 }));
  const by = { event: "k" };
  assert.deepEqual(tables.take(settleWait("a", 1, by), settleWait("b", 1, { event: "x" }), settleWait("b", 1, by)), [
    ...[0, 0, 1],
  ]);
});

Deno.test("a decision that asks for a request that is not open settles nothing", () => {
  using tables = new RunTables();
  tables.create("a");
  tables.wait("a", { kind: "gate" });
  const rest = { by: null, how: "person", token: null, comment: null, key: null, signature: null, decided: 1 } as const;
  const decision = { id: "a:ask::1", digest: "d", state: "approved", decision: "approve", ...rest } as const;
  assert.deepEqual(tables.take(settleWait("a", 1, { decision })), [0]);
  assert.equal(tables.run("a").status, "waiting");
});

Deno.test("runs settle a wait only when none of them goes on", () => {
  using tables = new RunTables();
  tables.create("a", "b");
  const request = { workflow: "cleanup", prompt: "p", payload: null, maxRounds: null };
  tables.wait("a", { kind: "children" }, [{ runId: "a.1.1", request }]);
  tables.wait("b", { kind: "children" });
  assert.deepEqual(tables.take(settleWait("a", 1, { children: true }), settleWait("b", 1, { children: true })), [0, 1]);
});

Deno.test("what is due next is told for each clock, and for that of this boot only", () => {
  using tables = new RunTables();
  const { statements } = tables;
  assert.deepEqual(readNextDue(statements, boot(1)), { wall: null, bootMs: null });
  tables.create("late", "early", "never", "other");
  tables.wait("late", { due: 90, dueBoot: boot(30) });
  tables.wait("early", { due: 70, dueBoot: boot(50) });
  tables.wait("never", { kind: "gate", due: null, dueBoot: null });
  assert.deepEqual(readNextDue(statements, boot(1)), { wall: 70, bootMs: 30 });
  tables.wait("other", { due: 60, dueBoot: { id: "c", ms: 3 } });
  assert.deepEqual(readNextDue(statements, boot(1)), { wall: 60, bootMs: 30 });
  assert.deepEqual(readNextDue(statements, { id: "new", ms: 1 }), { wall: 60, bootMs: null });
  assert.deepEqual(readNextDue(statements, null), { wall: 60, bootMs: null });
});

Deno.test("a span is over by either clock, a time of day by the wall clock alone, and nothing by that of another boot", () => {
  using tables = new RunTables();
  const { statements } = tables;
  tables.create("span", "day", "gate", "other");
  tables.wait("span", { due: 100, dueBoot: boot(40) });
  tables.wait("day", until(110));
  tables.wait("gate", { kind: "gate", due: null, dueBoot: null });
  tables.wait("other", { due: 120, dueBoot: { id: "c", ms: 1 } });
  const due = (now: number, at: Parameters<typeof listDueWaits>[2]) =>
    listDueWaits(statements, now, at, 9).map(({ runId }) => runId);
  assert.deepEqual([due(99, boot(39)), due(99, boot(40)), due(100, boot(0))], [[], ["span"], ["span"]]);
  assert.deepEqual([due(99, null), due(100, null)], [[], ["span"]]);
  assert.deepEqual([due(110, boot(40)), due(120, null)], [["span", "day"], ["span", "day", "other"]]);
  assert.deepEqual(due(0, { id: "c", ms: 1 }), ["other"]);
});

Deno.test("for any waits: those that are over are listed in their order, each once, and never too many", () => {
  const some = fc.record({ due: fc.nat(20), ms: fc.option(fc.nat(20)), here: fc.boolean() });
  fc.assert(
    fc.property(
      fc.array(some, { maxLength: 12 }),
      fc.nat(20),
      fc.nat(20),
      fc.integer({ min: 1, max: 12 }),
      (waits, now, ms, limit) => {
        using tables = new RunTables();
        waits.forEach(({ due, ms, here }, n) => {
          tables.create(`r${n}`);
          tables.wait(`r${n}`, { due, dueBoot: ms === null ? null : { id: here ? "b" : "c", ms } });
        });
        const listed = listDueWaits(tables.statements, now, boot(ms), limit);
        const isOver = ({ due, ms: at, here }: (typeof waits)[number]) =>
          due <= now || (here && at !== null && at <= ms);
        const over = waits.filter(isOver), dues = listed.map(({ wait }) => wait.due ?? -1);
        assert.equal(listed.length, Math.min(limit, over.length));
        assert.deepEqual(dues, dues.toSorted((a, b) => a - b));
        assert.equal(new Set(listed.map(({ runId }) => runId)).size, listed.length);
        for (const { runId } of listed) assert.ok(isOver(waits[Number(runId.slice(1))] ?? assert.fail()), runId);
      },
    ),
    { numRuns: 40 },
  );
});

Deno.test("waiting runs are counted for each workflow, and only those", () => {
  using tables = new RunTables();
  tables.create("a", "b", "c");
  assert.deepEqual(countWaiting(tables.statements), new Map());
  for (const id of ["a", "b"]) tables.wait(id);
  assert.deepEqual(countWaiting(tables.statements), new Map([["cleanup", 2]]));
  tables.take(settleWait("a", 1));
  assert.deepEqual(countWaiting(tables.statements), new Map([["cleanup", 1]]));
});
