/** Events for runs that wait for them: early ones are kept, each is taken once, and the same key is the same event. */
import assert from "node:assert/strict";
import { keptEventsMax } from "../../../src/base/wait_limits.ts";
import type { SendEventReply } from "../../../src/protocol/run_event.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { MemoryRunStore } from "../../support/memory_run_store.ts";
import { Bench, running } from "../../support/workflow_bench.ts";

/** Sends an event to run "a", and waits for its effects. */
async function send(bench: Bench, key: string, payload: unknown = { n: 1 }, name = "go"): Promise<SendEventReply> {
  const sent = bench.manager.sendEvent("a", { name, key, payload: payload as never });
  // Its digest is computed off the thread.
  const reply = await sent;
  await bench.turn();
  return reply;
}

const wait = { kind: "event", name: "go", timeoutMs: null } as const;

Deno.test("an event settles the wait for it with its payload and key, and the run goes on", async () => {
  const bench = await running("a");
  await bench.wait("a", wait);
  assert.equal(bench.run("a").reason, "role cool waits for the event go");
  assert.deepEqual((await send(bench, "other", {}, "stop")).event.taken, null);
  assert.equal(bench.status("a"), "waiting");
  const { replayed, event } = await send(bench, "k");
  assert.deepEqual([replayed, event.taken], [false, 1]);
  const [message] = bench.at("a").thread.messages;
  assert.deepEqual([message?.content, message?.meta], ["event go", { payload: { n: 1 }, key: "k" }]);
  assert.deepEqual(bench.rows("a"), ["run.started", "run.waiting", "run.event", "run.event", "run.message"]);
});

Deno.test("an event that comes before its wait is kept, and each wait takes the oldest", async () => {
  const bench = await running("a");
  for (const key of ["k1", "k2"]) assert.equal((await send(bench, key, key)).event.taken, null);
  await bench.wait("a", wait);
  await bench.turn();
  assert.deepEqual(bench.at("a").thread.messages.map(({ meta }) => meta.payload), ["k1"]);
  await bench.wait("a", wait);
  await bench.turn();
  assert.deepEqual(bench.at("a").thread.messages.map(({ meta }) => meta.payload), ["k1", "k2"]);
  await bench.wait("a", wait);
  assert.equal(bench.status("a"), "waiting");
});

Deno.test("the same key again is the same event; with another name or payload it is a conflict", async () => {
  const bench = await running("a");
  await bench.wait("a", wait);
  const first = await send(bench, "k");
  const rows = bench.store.disk.rows.length;
  assert.deepEqual(await send(bench, "k"), { replayed: true, event: first.event });
  await assert.rejects(send(bench, "k", { n: 2 }), { code: "EVENT_CONFLICT" });
  await assert.rejects(send(bench, "k", { n: 1 }, "stop"), { code: "EVENT_CONFLICT" });
  assert.equal(bench.store.disk.rows.length, rows);
  await bench.finish("a");
  assert.equal((await send(bench, "k")).replayed, true, "also when the run has ended");
});

Deno.test("an event of an ended or unknown run, too large, or one too many is refused", async () => {
  const bench = await running("a", "b");
  await assert.rejects(bench.manager.sendEvent("none", { name: "go", key: "k" }), { code: "RUN_UNKNOWN" });
  await assert.rejects(send(bench, "k", "x".repeat(300_000)), { code: "PAYLOAD_INVALID" });
  for (let n = 0; n < keptEventsMax; n++) await bench.manager.sendEvent("a", { name: "early", key: `k${n}` });
  await assert.rejects(send(bench, "over"), { code: "EVENTS_MANY" });
  await bench.manager.killRun("a", null);
  await assert.rejects(send(bench, "late"), { code: "RUN_ENDED" });
});

Deno.test("events that nobody waits for do not shut out the one that the run waits for", async () => {
  const bench = await running("a");
  await bench.wait("a", wait);
  for (let n = 0; n < keptEventsMax; n++) await bench.manager.sendEvent("a", { name: "other", key: `k${n}` });
  await assert.rejects(send(bench, "over", {}, "other"), { code: "EVENTS_MANY" });
  assert.equal((await send(bench, "go")).event.taken, 1);
  assert.equal(bench.status("a"), "started");
});

Deno.test("after its timeout a wait is over without an event; one that comes later is kept", async () => {
  const bench = await running("a");
  await bench.wait("a", { ...wait, timeoutMs: 60_000 });
  assert.equal(bench.run("a").reason, "role cool waits for the event go, until 2026-01-01T00:01:00.000Z");
  await bench.clock.tick(60_000);
  const [message] = bench.at("a").thread.messages;
  assert.deepEqual([message?.content, message?.meta], ["no event go came in time", { timedOut: true }]);
  assert.equal((await send(bench, "k")).event.taken, null);
});

Deno.test("an event and its timeout at once: the wait is settled once, and the event is taken or kept", async () => {
  for (const first of ["event", "timeout"]) {
    const bench = await running("a");
    await bench.wait("a", { ...wait, timeoutMs: 60_000 });
    await bench.clock.tick(59_999);
    const early = first === "event" ? bench.manager.sendEvent("a", { name: "go", key: "k" }) : null;
    await bench.clock.tick(1);
    const reply = await (early ?? bench.manager.sendEvent("a", { name: "go", key: "k" }));
    await bench.turn();
    const { messages } = bench.at("a").thread;
    assert.equal(messages.length, 1);
    assert.equal(reply.event.taken, messages[0]?.meta.timedOut === true ? null : 1);
  }
});

Deno.test("an event is on disk before it is told; after a death its wait takes it", async () => {
  const { disk } = (await waiting()).store, bench = new Bench({}, new MemoryRunStore(false, disk));
  let told = false;
  void bench.manager.sendEvent("a", { name: "go", key: "k" }).then(() => told = true);
  while (bench.store.uncommitted === 0) await bench.turn();
  assert.equal(told, false);
  bench.store.commit();
  // The daemon dies between the event and the settling of the wait.
  const next = new Bench({}, new MemoryRunStore(true, bench.store.disk), new FakeClock(bench.clock.now()));
  assert.equal(next.status("a"), "waiting");
  await next.turn();
  assert.deepEqual([next.status("a"), next.at("a").thread.messages.length], ["started", 1]);
});

Deno.test("10,000 events to one run: one settles the wait, as many are kept as may be, and the others are refused", async () => {
  const bench = await waiting(), count = 10_000;
  const told = await Promise.allSettled(Array.from({ length: count }, (_, n) => {
    return bench.manager.sendEvent("a", { name: "go", key: `k${n}` });
  }));
  await bench.turn();
  const refused = told.filter((each) => each.status === "rejected");
  assert.ok(refused.every(({ reason }) => reason.code === "EVENTS_MANY"), String(refused[0]?.reason));
  assert.equal(bench.at("a").thread.messages.length, 1);
  const kept = [...bench.store.disk.events.values()].filter(({ taken }) => taken === null);
  assert.ok(kept.length >= keptEventsMax - 1 && kept.length <= keptEventsMax, `${kept.length} are kept`);
  assert.equal(count - refused.length, kept.length + 1, "who was told has it on disk");
});

Deno.test("an event for a run that is being killed is refused or kept, and settles nothing", async () => {
  const bench = await waiting();
  const both = await Promise.allSettled([
    bench.manager.killRun("a", null),
    bench.manager.sendEvent("a", { name: "go", key: "k" }),
  ]);
  assert.equal(both[0]?.status, "fulfilled");
  await bench.turn();
  assert.deepEqual([bench.status("a"), bench.working()], ["killed", []]);
});

async function waiting(): Promise<Bench> {
  const bench = await running("a");
  await bench.wait("a", wait);
  return bench;
}
