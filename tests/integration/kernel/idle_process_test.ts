/** A group's process runs while it is needed: observed through the whole kernel, on a clock that the test moves. */
import assert from "node:assert/strict";
import { idleEndMs, prepareAheadMs } from "../../../src/base/limits.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { startWorkspace } from "../../support/workspace_fixture.ts";

const minuteMs = 60_000;

Deno.test("a process ends when idle, and is ready again, with its sense loaded, before the next tick is due", async () => {
  const clock = new FakeClock();
  // It prints all the time, so that the test can tell when it has had time to answer its heartbeat.
  const talking = `console.log("loaded");
    let n = 0, timer: number | undefined;
    export function compute({ log }) {
      timer ??= setInterval(() => log("debug", "still here"), 2);
      return { n: ++n };
    }`;
  await using workspace = await startWorkspace({
    clock,
    yaml: { senses: { slow: {} }, reflexes: [{ sense: "slow", interval: "10m" }] },
    senses: { slow: talking },
  });
  await clock.tick(0);
  await workspace.signal("slow");
  const first = workspace.pid("slow");
  for (let passedMs = 0; passedMs < idleEndMs; passedMs += 5_000) {
    await clock.tick(5_000);
    const ended = () => workspace.events.some((event) => event.kind === "unit" && event.change === "ended");
    for (let beats = 0; beats < 5 && !ended(); beats++) {
      await workspace.waitFor(
        (event) => event.kind === "log" || ended(),
        "the process to speak",
        workspace.events.length,
      );
    }
  }
  assert.match((await workspace.change("group:slow", "ended")).message, /idle/);
  assert.deepEqual([workspace.unit("slow").state, workspace.unit("slow").deaths], ["stopped", 0]);

  const from = workspace.events.length;
  await clock.tick(10 * minuteMs - idleEndMs - prepareAheadMs - 1);
  assert.equal(workspace.unit("slow").state, "stopped", "not earlier than needed");
  await clock.tick(1);
  await workspace.change("group:slow", "ready", from);
  await workspace.log("group:slow", /^loaded$/, from);
  assert.notEqual(workspace.pid("slow"), first);
  assert.equal(workspace.sense("slow").counters.computes, 1, "loaded, and not yet asked");
  await clock.tick(prepareAheadMs);
  const { signal } = await workspace.signal("slow", from);
  assert.deepEqual(signal.payload, { n: 1 });
  assert.equal(signal.ts, clock.now(), "on time");
});
