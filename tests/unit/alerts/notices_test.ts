import assert from "node:assert/strict";
import { alertRetryMs, alertSettleMs } from "../../../src/base/alert_limits.ts";
import { NerveError } from "../../../src/base/errors.ts";
import { AlertWorld } from "../../support/alert_world.ts";

const minuteMs = 60_000, hourMs = 60 * minuteMs;
const alert = "full: { sense: disk, when: signal.used > 0.9, workflow: notify, repeat: 4h }";
const bad = { used: 0.95 }, good = { used: 0.1 };

Deno.test("repeat: it is told again while it fires, by wall time, also across restarts", async () => {
  const world = await AlertWorld.start(alert);
  await world.tell("disk", bad);
  await world.clock.tick(4 * hourMs - 1);
  assert.equal(world.told().length, 1);
  await world.clock.tick(1);
  assert.deepEqual(world.told(), ["firing: full", "firing: full"]);
  await world.restart({ downMs: 3 * hourMs });
  await world.clock.tick(hourMs - 1);
  assert.equal(world.told().length, 2);
  await world.clock.tick(1);
  assert.equal(world.told().length, 3);
  // An overdue notice waits for a fresh signal first.
  await world.restart({ downMs: 24 * hourMs });
  await world.clock.tick(alertSettleMs - 1);
  assert.equal(world.told().length, 3);
  await world.clock.tick(1);
  assert.equal(world.told().length, 4);
  world.clock.jump(4 * hourMs);
  await world.clock.tick(1);
  assert.equal(world.told().length, 5);
  world.clock.jump(-24 * hourMs);
  await world.clock.tick(4 * hourMs);
  assert.equal(world.told().length, 6);
  await world.tell("disk", good);
  await world.clock.tick(24 * hourMs);
  assert.deepEqual(world.told().slice(6), ["resolved: full"]);
  const prompts = [...world.runs.values()].map(({ prompt }) => prompt);
  assert.deepEqual([prompts[0], prompts[1], prompts.at(-1)], ["full", "still: full", "resolved: full"]);
  assert.equal(world.rows.filter(({ source }) => source === "sense:full").length, 2);
});

Deno.test("a silence stops the workflow, not the state; what still fires is told when it ends", async () => {
  const world = await AlertWorld.start(alert);
  assert.deepEqual(world.operations.silence("full", { forMs: 8 * hourMs, by: "ada", comment: "moving disks" }), {
    changed: 1,
  });
  await world.tell("disk", bad);
  assert.equal(world.state("full").status, "firing");
  await world.restart({ downMs: hourMs });
  await world.clock.tick(7 * hourMs - 1);
  assert.deepEqual(world.told(), []);
  await world.clock.tick(1);
  assert.deepEqual(world.told(), ["firing: full"]);
  const [silenced] = world.alertRows().filter(({ type }) => type === "alert.silenced");
  const { by, comment } = silenced?.payload as { by?: string; comment?: string };
  assert.deepEqual([by, comment], ["ada", "moving disks"]);
});

Deno.test("what came and went in a silence is not told at all", async () => {
  const world = await AlertWorld.start(alert);
  world.operations.silence("full", { forMs: hourMs });
  await world.tell("disk", bad);
  await world.tell("disk", good);
  await world.clock.tick(24 * hourMs);
  assert.deepEqual([world.told(), world.operations.view("full").counters.silenced], [[], 1]);
  await world.tell("disk", bad);
  assert.deepEqual(world.told(), ["firing: full"]);
});

Deno.test("a silence of one key lets the others through, and ends when it is lifted", async () => {
  const world = await AlertWorld.start(
    "full: { sense: disk, when: signal.used > 0.9, key: signal.path, workflow: notify }",
  );
  world.operations.silence("full", { key: "/", forMs: hourMs });
  for (const path of ["/", "/var"]) await world.tell("disk", { ...bad, path });
  assert.deepEqual(world.told(), ["firing /var: full /var"]);
  assert.deepEqual(world.operations.unsilence("full", { key: "/var" }), { changed: 0 });
  assert.deepEqual(world.operations.unsilence("full", {}), { changed: 1 });
  await world.clock.tick(0);
  // Nothing starts before the daemon has settled.
  await world.clock.tick(alertSettleMs);
  assert.deepEqual(world.told(), ["firing /var: full /var", "firing /: full /"]);
});

Deno.test("an acknowledgement ends the repeats of this incident; its end is told", async () => {
  const world = await AlertWorld.start(alert);
  await world.tell("disk", bad);
  assert.deepEqual(world.operations.ack("full", { by: "ada" }), { changed: 1 });
  assert.deepEqual(world.operations.ack("full", { by: "bob" }), { changed: 0 });
  await world.restart({ downMs: minuteMs });
  await world.clock.tick(24 * hourMs);
  assert.deepEqual([world.told(), world.state("full").ack?.by], [["firing: full"], "ada"]);
  await world.tell("disk", good);
  await world.tell("disk", bad);
  await world.clock.tick(4 * hourMs);
  assert.deepEqual(world.told(), ["firing: full", "resolved: full", "firing: full", "firing: full"]);
  assert.throws(() => world.operations.ack("full", { key: "/" }), { code: "ALERT_UNKNOWN" });
  assert.throws(() => world.operations.ack("none", {}), { code: "ALERT_UNKNOWN" });
});

Deno.test("limit: starts over it are left out, counted, and told once in each window", async () => {
  const world = await AlertWorld.start(
    "full: { sense: disk, when: signal.used > 0.9, workflow: notify, limit: 3 per 1h }",
  );
  const flap = async () => {
    await world.tell("disk", bad);
    await world.tell("disk", good);
  };
  for (let n = 0; n < 4; n++) await flap();
  assert.deepEqual(world.told(), ["firing: full", "resolved: full", "firing: full"]);
  // The end of the reported incident is over the limit, and so is the third incident; its end was not due.
  assert.equal(world.operations.view("full").counters.limited, 3);
  assert.equal(world.story().filter((type) => type === "limited").length, 1);
  assert.equal(world.problems.length, 1);
  await world.restart({ downMs: 30 * minuteMs });
  await flap();
  assert.equal(world.told().length, 3);
  await world.clock.tick(30 * minuteMs);
  await flap();
  assert.equal(world.told().length, 5);
});

Deno.test("a start that the disk could not take is tried again; another fault is told, and given up", async () => {
  const world = await AlertWorld.start(alert);
  let failures = 2;
  world.beforeStart = () => {
    if (failures-- > 0) return Promise.reject(new NerveError("STORE_FAILED", "disk full"));
    return Promise.resolve();
  };
  await world.tell("disk", bad);
  assert.deepEqual([world.told(), world.problems.length], [[], 1]);
  await world.clock.tick(alertRetryMs);
  await world.clock.tick(alertRetryMs);
  assert.deepEqual([world.told(), world.problems.length], [["firing: full"], 1]);
  world.beforeStart = () => Promise.reject(new NerveError("WORKFLOW_UNKNOWN", "there is no workflow"));
  await world.tell("disk", good);
  await world.clock.tick(hourMs);
  assert.deepEqual([world.told(), world.problems.length], [["firing: full"], 2]);
});

Deno.test("a notice that was due when the daemon died is told by the next one, once", async () => {
  const world = await AlertWorld.start(alert);
  const { promise, resolve } = Promise.withResolvers<void>();
  world.beforeStart = () => promise;
  await world.tell("disk", bad);
  assert.deepEqual(world.told(), []);
  world.beforeStart = () => Promise.resolve();
  await world.restart({ downMs: hourMs });
  assert.deepEqual(world.told(), ["firing: full"]);
  // The previous daemon's start resolves late: the same id.
  resolve();
  await world.restart();
  assert.deepEqual([world.told(), world.attached], [["firing: full"], 0]);
});

Deno.test("silences are bounded", async () => {
  const world = await AlertWorld.start(alert);
  assert.throws(() => world.operations.silence("full", { forMs: 400 * 24 * hourMs }), { code: "USAGE" });
  assert.throws(() => world.operations.silence("full", { key: "/", forMs: hourMs }), { code: "USAGE" });
  world.operations.silence("full", { forMs: hourMs });
  world.operations.silence("full", { forMs: 2 * hourMs });
  assert.equal(world.operations.view("full").silences.length, 1);
});
