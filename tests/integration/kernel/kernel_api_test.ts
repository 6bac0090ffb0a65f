/** Counts and numbers of the kernel, read through the command line. */
import assert from "node:assert/strict";
import { long } from "../../support/long_form.ts";
import { meterWorkspace } from "../../support/meter_workspace.ts";
import { serveWorkspace } from "../../support/served_workspace.ts";

long.test("runs that were started by hand are counted, once each", async () => {
  await using served = await serveWorkspace(meterWorkspace);
  const runs = () => served.workspace.health().counters.runs;
  for (let i = 0; i < 2; i++) await served.nerve("workflow", "trigger", "tidy", "--id", "mine", "--wait");
  assert.equal(runs(), 1);
  const from = served.workspace.events.length;
  await served.nerve("sense", "trigger", "meter", "--wait");
  await served.workspace.run("completed", from);
  assert.equal(runs(), 2);
});

long.test("ids of computes are not reused after a restart", async () => {
  // The bug would be: "coalesced into compute 3" in the log, and three different computes of that number.
  await using served = await serveWorkspace(meterWorkspace);
  await served.workspace.trigger("meter");
  const idOf = () => served.workspace.sense("meter").lastCompute?.id ?? 0;
  const first = idOf();
  await served.stop();
  await served.workspace.start();
  await served.workspace.trigger("meter");
  assert.ok(idOf() > first, `${idOf()} after ${first}`);
});
