/** `nerve events --follow` with a real daemon. */
import assert from "node:assert/strict";
import { runCli } from "../../../src/cli/app.ts";
import { logRowSchema } from "../../../src/protocol/log.ts";
import { meterWorkspace } from "../../support/meter_workspace.ts";
import { serveWorkspace } from "../../support/served_workspace.ts";
import { within } from "../../support/workspace_fixture.ts";

Deno.test("events -f continues where its page ended, and ends with Ctrl-C or with the daemon", async () => {
  await using served = await serveWorkspace(meterWorkspace);
  await served.nerve("sense", "trigger", "meter", "--wait");
  const io = served.io(), code = runCli(["events", "-f", "--json", "--source", "sense:meter"], io);
  await io.seen(/sense\.signal/);
  for (let i = 0; i < 5; i++) await served.nerve("sense", "trigger", "meter", "--wait");
  await io.seen(/(sense\.signal[^]*){6}/);
  io.interrupt();
  assert.equal(await within(code, "the command to end"), 0);
  const rows = io.out.trimEnd().split("\n").map((line) => logRowSchema.parse(JSON.parse(line)));
  const known = (await served.workspace.rows({ source: "sense:meter" })).map(({ id }) => id);
  assert.deepEqual(rows.map(({ id }) => id), known);
  const other = served.io(), ended = runCli(["events", "-f"], other);
  // Its page of the newest rows may be all about runs.
  await other.seen(/\n/);
  await served.nerve("sense", "trigger", "quiet", "--wait");
  await other.seen(/sense\.null/);
  await served.stop();
  assert.equal(await within(ended, "the command to end with the daemon"), 3);
  assert.match(other.err, /the daemon has stopped\n {3}nerve start/);
  const alone = await served.nerve("events", "-f");
  assert.deepEqual([alone.code, alone.out], [3, ""]);
  assert.equal((await served.nerve("events", "--type", "sense.signl")).code, 2);
});

Deno.test("events -f ends when its reader closes the pipe during the page", async () => {
  // The bug would be: `nerve events -f | head -2` never ends.
  await using served = await serveWorkspace(meterWorkspace);
  const io = served.io();
  io.closeReader();
  assert.equal(await within(runCli(["events", "-f"], io), "the command to end"), 0);
});
