/** A group's process runs while it is needed: observed through the whole kernel, on a clock that the test moves. */
import assert from "node:assert/strict";
import { idleEndMs, prepareAheadMs } from "../../../src/base/limits.ts";
import type { Signal } from "../../../src/protocol/signal.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { startWorkspace, type WorkspaceFixture } from "../../support/workspace_fixture.ts";

const minuteMs = 60_000;

/** Nobody waits for the signal: it is told with the commit that comes after the disk's pause, so time must pass. */
async function signalOf(workspace: WorkspaceFixture, clock: FakeClock, from = 0): Promise<Signal> {
  for (;;) {
    const told = workspace.events.slice(from).find((event) => event.kind === "signal");
    if (told !== undefined) return told.signal;
    const begun = workspace.events.length;
    await workspace.waitFor((event) => event.kind === "log" || event.kind === "signal", "it to speak", begun);
    await clock.tick(1);
  }
}

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
  const begunAt = clock.now();
  await clock.tick(0);
  await signalOf(workspace, clock);
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
  await clock.tick(begunAt + 10 * minuteMs - prepareAheadMs - 1 - clock.now());
  assert.equal(workspace.unit("slow").state, "stopped", "not earlier than needed");
  await clock.tick(1);
  await workspace.change("group:slow", "ready", from);
  await workspace.log("group:slow", /^loaded$/, from);
  assert.notEqual(workspace.pid("slow"), first);
  assert.equal(workspace.sense("slow").counters.computes, 1, "loaded, and not yet asked");
  await clock.tick(prepareAheadMs);
  const dueAt = clock.now(), signal = await signalOf(workspace, clock, from);
  assert.deepEqual(signal.payload, { n: 1 });
  assert.ok(signal.ts - dueAt < prepareAheadMs, "on time");
});
