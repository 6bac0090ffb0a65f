/** A sense that floods the log with large signals, in a real kernel. */
import assert from "node:assert/strict";
import { systemClock } from "../../../src/base/clock.ts";
import { logBytesBurstMax, logBytesPerSecondMax } from "../../../src/base/limits.ts";
import { long } from "../../support/long_form.ts";
import { startWorkspace } from "../../support/workspace_fixture.ts";

long.test("a sense that signals 256 KiB at a time without end waits, says so, and stops no other", async () => {
  // The bug was: 25 MiB/s went into the log, whatever the group's disk quota was.
  const began = systemClock.monotonic();
  await using workspace = await startWorkspace({
    yaml: {
      senses: { flood: {}, calm: {} },
      reflexes: [{ sense: "flood", interval: "10ms" }, { sense: "calm", interval: "1s" }],
    },
    senses: {
      flood: `const more = "x".repeat(255_000); export const compute = () => ({ more });`,
      calm: "export const compute = () => 1;",
    },
  });
  await workspace.log("group:flood", /writes more than 512.0 KiB a second into the log; its computes wait/);
  const from = workspace.events.length;
  await workspace.signal("calm", from);
  const { signals, error } = workspace.sense("flood").counters, ms = systemClock.monotonic() - began;
  assert.equal(error, 0);
  const bytesMax = logBytesBurstMax + ms / 1_000 * logBytesPerSecondMax;
  assert.ok(signals * 255_000 < bytesMax * 1.1, `${signals} signals in ${ms} ms`);
  await workspace.stop();
});
