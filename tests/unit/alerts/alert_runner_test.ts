import assert from "node:assert/strict";
import { alertSettleMs } from "../../../src/base/alert_limits.ts";
import { AlertWorld } from "../../support/alert_world.ts";

const full =
  "full: { sense: disk, when: signal.used > 0.9, for: 2m, workflow: notify, summary: '{{ signal.used }} used' }";
const minuteMs = 60_000;

Deno.test("an alert fires once when its condition held for so long, tells that, and tells its end", async () => {
  const world = await AlertWorld.start(full);
  await world.tell("disk", { used: 0.95 });
  assert.equal(world.state("full").status, "pending");
  await world.clock.tick(minuteMs);
  await world.tell("disk", { used: 0.96 });
  await world.clock.tick(10 * minuteMs);
  await world.tell("disk", { used: 0.97 });
  assert.equal(world.state("full").status, "firing");
  await world.tell("disk", { used: 0.5 });
  assert.deepEqual(world.story(), ["pending", "firing", "resolved"]);
  assert.deepEqual(world.told(), ["firing: 0.96 used", "resolved: 0.5 used"]);
  const [pending, firing, resolved] = world.alertRows();
  const signals = world.rows.filter(({ source }) => source === "sense:disk").map(({ id }) => id);
  assert.deepEqual([pending?.causeId, firing?.causeId, resolved?.causeId], [signals[0], pending?.id, signals[3]]);
  const { since } = (firing?.payload ?? {}) as { since?: number };
  assert.equal(since, pending?.ts);
  assert.deepEqual([...world.runs.values()].map(({ runId, causeId }) => [runId, causeId]), [
    [`full.${firing?.id}`, firing?.id],
    [`full.${resolved?.id}`, resolved?.id],
  ]);
});

Deno.test("a change is a signal of the alert's own name, caused by the row of the change", async () => {
  const world = await AlertWorld.start("hot: { sense: cpu, when: signal.c > 90, severity: critical }");
  await world.tell("cpu", { c: 95 });
  const [row] = world.alertRows(), signal = world.rows.at(-1), { ts, id = 0 } = signal ?? {};
  const payload = {
    alert: "hot",
    key: "",
    state: "firing",
    since: ts,
    severity: "critical",
    summary: "hot",
    signal: { c: 95 },
  };
  assert.deepEqual(signal, {
    id,
    ts,
    source: "sense:hot",
    type: "sense.signal",
    refId: "hot",
    causeId: row?.id,
    payload: { alert: "hot", payload },
  });
  assert.deepEqual(world.published, [{ id, ts, sense: "hot", payload }]);
});

Deno.test("each key has a state of its own", async () => {
  const world = await AlertWorld.start(
    "full: { sense: disk, when: signal.used > 0.9, key: signal.path, workflow: notify, summary: '{{ key }} is full' }",
  );
  for (const [path, used] of [["/", 0.95], ["/home", 0.2], ["/var", 0.99], ["/", 0.3]] as const) {
    await world.tell("disk", { path, used });
  }
  assert.deepEqual(world.story(), ["firing /", "firing /var", "resolved /"]);
  assert.deepEqual(world.told(), ["firing /: / is full", "firing /var: /var is full", "resolved /: / is full"]);
  assert.deepEqual(world.operations.view("full").states.map(({ key, status }) => [key, status]), [
    ["/var", "firing"],
    ["/", "inactive"],
  ]);
});

Deno.test("last is the payload of the same key before, also after a restart", async () => {
  const world = await AlertWorld.start(
    "grows: { sense: disk, when: 'last != null && signal.used > last.used + 10', key: signal.path }",
  );
  await world.tell("disk", { path: "/", used: 10 });
  await world.tell("disk", { path: "/var", used: 50 });
  await world.tell("disk", { path: "/", used: 15 });
  await world.restart({ stop: true });
  await world.tell("disk", { path: "/", used: 26 });
  assert.deepEqual(world.story(), ["firing /"]);
});

Deno.test("silence of a sense fires, for each key, and for a sense that never said anything", async () => {
  const world = await AlertWorld.start("gone: { sense: disk, absent: 10m, key: signal.job, workflow: notify }");
  await world.clock.tick(10 * minuteMs);
  assert.deepEqual(world.told(), ["firing: gone: no signal of disk for 10m"]);
  await world.tell("disk", { job: "a" });
  await world.clock.tick(5 * minuteMs);
  await world.tell("disk", { job: "b" });
  await world.clock.tick(5 * minuteMs);
  assert.deepEqual(world.story(), ["firing", "resolved", "firing a"]);
  await world.tell("disk", { job: "a" });
  assert.deepEqual(world.told().slice(-2), ["firing a: gone a: no signal of disk for 10m", "resolved a: gone a"]);
});

Deno.test("an expression that fails is counted, told once for each kind, and ends an absence all the same", async () => {
  const world = await AlertWorld.start("full: { sense: disk, when: signal.used > 0.9, absent: 10m, workflow: notify }");
  await world.clock.tick(10 * minuteMs);
  for (let n = 0; n < 3; n++) await world.tell("disk", { usd: 1 });
  await world.tell("disk", { used: "words" });
  assert.deepEqual(world.story(), ["firing", "failed", "resolved", "failed"]);
  assert.equal(world.problems.length, 2);
  assert.match(world.problems[0] ?? "", /full: when failed: no such key: used/);
  const { counters, problem } = world.operations.view("full");
  assert.deepEqual([counters.evaluated, counters.failed], [4, 4]);
  assert.match(problem ?? "", /when failed/);
});

Deno.test("a key that is no text or number is a fault, and so is one that is too long", async () => {
  const world = await AlertWorld.start("full: { sense: disk, when: 'true', key: signal.path }");
  for (const path of [null, [1], { a: 1 }, "x".repeat(300)]) await world.tell("disk", { path });
  assert.deepEqual(world.story(), ["failed", "failed"]);
  for (const path of [1, true, ""]) await world.tell("disk", { path });
  assert.deepEqual(world.story().slice(2), ["firing 1", "firing true", "firing"]);
});

Deno.test("a key and a summary have no character that would come back from the disk as another", async () => {
  // The bug would be: SQLite ends a text at its first NUL, so that after a restart two states have the key "a".
  const world = await AlertWorld.start(
    "full: { sense: disk, when: 'true', key: signal.path, workflow: notify, summary: '{{ signal.text }}' }",
  );
  await world.tell("disk", { path: "a\0b", text: "x\0y \ud800" });
  await world.tell("disk", { path: "\ud800", text: `${"x".repeat(996)}😀 and more` });
  assert.deepEqual([...world.runner.entries.get("full")?.records.keys() ?? []], ["a\ufffdb", "\ufffd"]);
  const summaries = [...world.runs.values()].map(({ prompt }) => prompt);
  assert.deepEqual(summaries, ["x\ufffdy \ufffd", `${"x".repeat(996)}...`]);
});

Deno.test("a summary that fails has the alert's name instead", async () => {
  const world = await AlertWorld.start(
    "full: { sense: disk, when: 'true', workflow: notify, summary: '{{ signal.no }}' }",
  );
  await world.tell("disk", {});
  assert.deepEqual(world.told(), ["firing: full"]);
  assert.deepEqual(world.story(), ["failed", "firing"]);
});

Deno.test("a signal for which a payload has no room is left out of the notice", async () => {
  const world = await AlertWorld.start("full: { sense: disk, when: 'true', workflow: notify }");
  await world.tell("disk", { text: "x".repeat(256 * 1024 - 20) });
  const [run] = world.runs.values();
  assert.deepEqual((run?.payload as { signal?: unknown }).signal, null);
});

Deno.test("a storm of keys: a thousand have states, the others are counted and told once", async () => {
  const world = await AlertWorld.start("full: { sense: disk, when: signal.used > 0.9, key: signal.path }");
  for (let n = 0; n < 10_000; n++) {
    world.runner.onSignal({ id: n + 1, sense: "disk", payload: { path: `p${n}`, used: 0.95 }, ts: world.clock.now() });
  }
  const view = world.operations.view("full");
  assert.deepEqual([view.keys, view.firing, view.counters.keysRefused, world.problems.length], [
    1_000,
    1_000,
    9_000,
    1,
  ]);
  // A key that has resolved makes room.
  await world.tell("disk", { path: "p7", used: 0.1 });
  await world.tell("disk", { path: "new", used: 0.95 });
  assert.equal(world.state("full", "new").status, "firing");
  assert.equal(world.operations.view("full").keys, 1_000);
});

Deno.test("states and timers outlive the daemon: what ran out meanwhile waits for a fresh signal", async () => {
  const world = await AlertWorld.start(full);
  await world.tell("disk", { used: 0.95 });
  await world.restart({ downMs: minuteMs });
  await world.clock.tick(minuteMs - 1);
  assert.deepEqual(world.story(), ["pending"]);
  await world.clock.tick(1);
  assert.deepEqual(world.story(), ["pending", "firing"]);

  const late = await AlertWorld.start(full);
  await late.tell("disk", { used: 0.95 });
  await late.restart({ downMs: 24 * 60 * minuteMs });
  await late.clock.tick(alertSettleMs - 1);
  assert.deepEqual(late.story(), ["pending"]);
  await late.tell("disk", { used: 0.1 });
  await late.clock.tick(minuteMs);
  assert.deepEqual(late.story(), ["pending", "inactive"]);
  assert.deepEqual(late.told(), []);
});

Deno.test("a clock that is set by a day makes nothing early or late, and a death after that neither", async () => {
  for (const dayMs of [24 * 60 * minuteMs, -24 * 60 * minuteMs]) {
    const world = await AlertWorld.start(`${full.slice(0, -1)}, absent: 10m }`);
    await world.clock.tick(alertSettleMs);
    await world.tell("disk", { used: 0.95 });
    world.clock.jump(dayMs);
    await world.clock.tick(2 * minuteMs - 1);
    assert.deepEqual(world.story(), ["pending"], `${dayMs}`);
    await world.clock.tick(1);
    assert.deepEqual(world.story(), ["pending", "firing"], `${dayMs}`);
    await world.tell("disk", { used: 0.1 });
    world.clock.jump(-dayMs);
    await world.clock.tick(10 * minuteMs - 1);
    assert.deepEqual(world.story(), ["pending", "firing", "resolved"], `${dayMs}`);
    await world.clock.tick(1);
    assert.deepEqual(world.story(), ["pending", "firing", "resolved", "firing"], `${dayMs}`);
    await world.restart({ downMs: minuteMs });
    world.clock.jump(dayMs);
    await world.clock.tick(alertSettleMs);
    await world.tell("disk", { used: 0.1 });
    assert.deepEqual(world.story().at(-1), "resolved", `${dayMs}`);
    assert.equal(world.told().length, 4, `${dayMs}`);
  }
});

Deno.test("silence counts from the start of the daemon, and an absence that was told stays until a signal comes", async () => {
  const world = await AlertWorld.start("gone: { sense: disk, absent: 10m, workflow: notify }");
  await world.tell("disk", {});
  await world.restart({ downMs: 60 * minuteMs });
  await world.clock.tick(10 * minuteMs - 1);
  assert.deepEqual(world.story(), []);
  await world.clock.tick(1);
  assert.deepEqual(world.story(), ["firing"]);
  await world.restart({ downMs: 60 * minuteMs });
  await world.clock.tick(60 * minuteMs);
  assert.deepEqual(world.story(), ["firing"]);
  await world.tell("disk", {});
  assert.deepEqual(world.story(), ["firing", "resolved"]);
});

Deno.test("a signal that was on disk before the daemon died, but not heard, is heard by the next one", async () => {
  const world = await AlertWorld.start("full: { sense: disk, when: signal.used > 0.9, workflow: notify }");
  await world.tell("disk", { used: 0.1 });
  world.left = 1;
  await world.tell("disk", { used: 0.95 });
  assert.deepEqual(world.story(), []);
  await world.restart();
  assert.deepEqual(world.story(), ["firing"]);
  assert.deepEqual(world.told(), ["firing: full"]);
});

Deno.test("a reload keeps the states of an alert that is the same, and evaluates a new condition from the next signal on", async () => {
  const world = await AlertWorld.start(full);
  await world.tell("disk", { used: 0.95 });
  await world.redefine(full);
  await world.redefine(full.replace("0.9,", "0.99,"));
  assert.equal(world.state("full").status, "pending");
  await world.tell("disk", { used: 0.95 });
  assert.deepEqual(world.story(), ["pending", "inactive"]);
  await world.clock.tick(alertSettleMs);
  await world.tell("disk", { used: 0.995 });
  await world.redefine(full.replace("2m", "0s"));
  assert.deepEqual(world.story(), ["pending", "inactive", "pending", "firing"]);
});

Deno.test("what an alert said ends with a row when it is removed, or means something else", async () => {
  const keyed = "full: { sense: disk, when: signal.used > 0.9, key: signal.path, for: 1h }";
  const world = await AlertWorld.start(keyed);
  await world.tell("disk", { used: 0.95, path: "/" });
  await world.redefine(keyed.replace("signal.path", "signal.name"));
  assert.deepEqual(world.story(), ["pending /", "closed /"]);
  await world.tell("disk", { used: 0.95, name: "root" });
  await world.redefine("{}");
  assert.deepEqual(world.story(), ["pending /", "closed /", "pending root", "closed root"]);
  assert.deepEqual([world.states.size, world.clock.pending], [0, 1]);
  await world.clock.tick(2 * 60 * minuteMs);
  assert.equal(world.story().length, 4);
  // The same while no daemon runs.
  await world.redefine(keyed);
  await world.tell("disk", { used: 0.95, path: "/" });
  world.definitions.clear();
  await world.restart({ stop: true });
  assert.deepEqual([world.story().at(-1), world.states.size], ["closed /", 0]);
});

Deno.test("a stopped daemon leaves no timer", async () => {
  const world = await AlertWorld.start(full);
  await world.tell("disk", { used: 0.95 });
  world.runner.stop();
  assert.deepEqual([world.clock.pending, world.clock.followers], [0, 0]);
});

// The bug would be: a signal that comes in between counts as the last one, and those still to be read are skipped.
Deno.test("a signal that comes while those from before the start are read is heard after them, once", async () => {
  const world = await AlertWorld.start("full: { sense: disk, when: signal.used > 0.9 }");
  world.die();
  for (const [index, used] of [0.95, 0.1, 0.95, 0.1, 0.95].entries()) {
    const row = { id: index + 1, ts: world.clock.now(), source: "sense:disk", type: "sense.signal" } as const;
    world.rows.push({ ...row, refId: "disk", causeId: null, payload: { payload: { used } } });
  }
  world.pageMax = 1;
  const restarted = world.restart();
  await world.clock.tick(0);
  assert.ok(world.story().length < 5, "it still reads");
  assert.ok(await world.tell("disk", { used: 0.1 }));
  for (let page = 0; page < 5; page++) await world.clock.tick(0);
  await restarted;
  assert.deepEqual(world.story(), ["firing", "resolved", "firing", "resolved", "firing", "resolved"]);
  assert.equal(world.operations.view("full").counters.evaluated, 6);
});
