/** What counts as work of a process. Danger: a compute's time does not count, and its process is ended for it. */
import assert from "node:assert/strict";
import { defaultTimeoutMs } from "../../../src/base/limits.ts";
import { BusyTime } from "../../../src/process/busy_time.ts";
import type { FromProcess, ToProcess } from "../../../src/protocol/message.ts";
import { FakeClock } from "../../support/fake_clock.ts";

const load: ToProcess = { t: "load", sense: "a", taken: null },
  loaded: FromProcess = { t: "loaded", name: "a", problems: [] };
const ping: ToProcess = { t: "ping", n: 1 }, pong: FromProcess = { t: "pong", n: 1 };

Deno.test("its start is work, also a compute between two looks, and pings are none", async () => {
  const clock = new FakeClock(), state = { busy: true }, time = new BusyTime(clock, () => state.busy);
  await clock.tick(100);
  state.busy = false;
  assert.equal(time.update(), 100);
  await clock.tick(1_000);
  time.onSent(ping);
  await clock.tick(10);
  time.onReceived(pong);
  assert.equal(time.update(), 100);
  for (let n = 0; n < 3; n++) {
    state.busy = true;
    time.onSent(load);
    await clock.tick(5);
    state.busy = false;
    time.onReceived(loaded);
    await clock.tick(50);
  }
  assert.equal(time.update(), 115);
});

Deno.test("code that is being loaded is work, but not for ever", async () => {
  const clock = new FakeClock(), time = new BusyTime(clock, () => false);
  time.update();
  time.onSent(load);
  await clock.tick(1_000);
  assert.equal(time.update(), 1_000);
  await clock.tick(defaultTimeoutMs);
  const once = time.update();
  await clock.tick(10_000);
  assert.equal(time.update(), once);
});
