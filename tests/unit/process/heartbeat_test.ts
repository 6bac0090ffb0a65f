/** When a process is asked whether it still answers. */
import assert from "node:assert/strict";
import { heartbeatIdleMs, heartbeatMissesMax, heartbeatMs } from "../../../src/base/limits.ts";
import { Heartbeat } from "../../../src/process/heartbeat.ts";
import { FakeClock } from "../../support/fake_clock.ts";

/** A process that answers each ping while `answers`. */
function setUp() {
  const clock = new FakeClock(), state = { busy: false, answers: true, pings: 0, stuck: "" };
  const heartbeat = new Heartbeat(clock, {
    sendPing: (n) => {
      state.pings++;
      if (state.answers) heartbeat.onPong(n);
    },
    isBusy: () => state.busy,
    onStuck: (why) => state.stuck = why,
  });
  heartbeat.start();
  return { clock, heartbeat, state };
}

/** Ticks in steps, because some timers follow from others. */
async function pass(clock: FakeClock, ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += 1_000) await clock.tick(1_000);
}

Deno.test("a process with work is asked every few seconds, one without work far less often", async () => {
  const { clock, state } = setUp();
  state.busy = true;
  await pass(clock, 60_000);
  assert.equal(state.pings, 60_000 / heartbeatMs);
  state.busy = false;
  state.pings = 0;
  await pass(clock, 10 * heartbeatIdleMs);
  assert.ok(state.pings >= 9 && state.pings <= 11, `${state.pings} pings`);
  assert.equal(state.stuck, "");
});

Deno.test("a process that stops to answer is found within a minute, with work or without", async () => {
  for (const busy of [true, false]) {
    const { clock, state } = setUp();
    state.busy = busy;
    await pass(clock, 3 * heartbeatIdleMs);
    state.answers = false;
    await pass(clock, (busy ? heartbeatMs : heartbeatIdleMs) + heartbeatMissesMax * heartbeatMs);
    assert.equal(state.stuck, "did not answer for 15 s");
    assert.equal(clock.pending, 0);
  }
});

Deno.test("work, and a core that is used without work, end the long wait", async () => {
  for (const wake of ["onWork", "markSuspect"] as const) {
    const { clock, heartbeat, state } = setUp();
    await pass(clock, 2 * heartbeatMs);
    state.answers = false;
    state.pings = 0;
    state.busy = wake === "onWork";
    heartbeat[wake]();
    await pass(clock, heartbeatMs);
    assert.equal(state.pings, 1);
    await pass(clock, heartbeatMs * (wake === "onWork" ? heartbeatMissesMax : 1));
    assert.match(state.stuck, wake === "onWork" ? /did not answer for 15 s/ : /used a whole core/);
  }
});

Deno.test("a stopped heartbeat asks nothing more", async () => {
  const { clock, heartbeat, state } = setUp();
  await pass(clock, 2 * heartbeatMs);
  heartbeat.stop();
  const { pings } = state;
  heartbeat.onWork();
  await pass(clock, heartbeatIdleMs);
  assert.deepEqual([state.pings, clock.pending], [pings, 0]);
});
