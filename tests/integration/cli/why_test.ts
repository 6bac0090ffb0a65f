/** `nerve why` with a real daemon: the chain of causes, and why a sense gave no signal. */
import assert from "node:assert/strict";
import { findAskedRow } from "../../../src/cli/commands/why.ts";
import { openRecordsOrEmpty } from "../../../src/cli/open_records.ts";
import * as outputs from "../../../src/cli/render/json_schemas.ts";
import { long } from "../../support/long_form.ts";
import { meterWorkspace } from "../../support/meter_workspace.ts";
import { past } from "../../support/past_workspace.ts";
import { type ServedWorkspace, serveWorkspace } from "../../support/served_workspace.ts";

/** The run that a trigger of `meter` leads to, after its end. */
async function ranTidy({ workspace, nerve }: Pick<ServedWorkspace, "workspace" | "nerve">): Promise<string> {
  const from = workspace.events.length;
  assert.equal((await nerve("sense", "trigger", "meter", "--wait")).code, 0);
  return (await workspace.run("completed", from)).run.runId;
}

long.test("why shows the chain of causes of a run, back to its origin, with and without a daemon", async () => {
  await using served = await serveWorkspace(meterWorkspace);
  const nerve = served.nerve.bind(served), run = await ranTidy({ workspace: served.workspace, nerve });
  const types = async (id: string) => {
    const { code, out } = await nerve("why", id, "--json");
    assert.equal(code, 0, out);
    return outputs.whyOutput.parse(JSON.parse(out)).chain.map(({ type }) => type);
  };
  const [first = "", ...causes] = await types(run);
  assert.match(first, /^run\.(queued|started)$/);
  assert.deepEqual(causes, ["sense.directive", "sense.signal", "sense.triggered"]);
  const signal = await served.workspace.signal("meter");
  assert.deepEqual(await types(String(signal.signal.id)), ["sense.signal", "sense.triggered"]);
  const result = await nerve("why", run);
  await served.stop();
  assert.deepEqual(await nerve("why", run), result, "it needs no daemon");
  const lines = result.out.trimEnd().split("\n");
  assert.equal(lines.length, 5);
  assert.match(lines[0] ?? "", new RegExp(`run ${run} of tidy was `));
  assert.match(
    lines[1] ?? "",
    /because 📡 watcher asked for workflow tidy: 0\.93 is much \(compute \d+, triggered by a signal\)/,
  );
  assert.match(lines[2] ?? "", /because 📡 meter signalled \{"used":0\.93\} \(compute \d+, by hand\)/);
  assert.match(lines[3] ?? "", /because 👉 meter was triggered by hand/);
  assert.match(lines[4] ?? "", /^that was triggered by hand; .* earlier$/);
});

long.test("why --sense shows why a sense did not signal", async () => {
  await using served = await serveWorkspace(meterWorkspace);
  const { nerve } = { nerve: served.nerve.bind(served) };
  await nerve("sense", "trigger", "quiet", "--wait");
  await nerve("sense", "trigger", "slow", "--wait");
  await nerve("sense", "trigger", "slow");
  await nerve("sense", "trigger", "slow");
  assert.match((await nerve("why", "--sense", "quiet")).out, /⚪ compute \d+ returned null\n1 reason why quiet/);
  const slow = (await nerve("why", "--sense", "slow")).out;
  assert.match(slow, /💤 throttled until \d\d:\d\d:\d\d[+-]\d\d:\d\d, then compute (\d+) runs\n/);
  // An hour is told as a time, a little less in minutes.
  assert.match(slow, /it computes next (in \d+|\w{3} \d\d:\d\d)/);
  const failed = await nerve("sense", "trigger", "broken", "--wait");
  assert.equal(failed.code, 1);
  assert.match((await nerve("why", "--sense", "broken")).out, /❌ compute \d+ failed: no such disk/);
  const silent = await nerve("why", "--sense", "nope");
  assert.deepEqual([silent.code, /there is no sense "nope"/.test(silent.err)], [1, true]);
  const none = await nerve("why", "99999");
  assert.deepEqual([none.code, none.err.includes("there is no row 99999")], [1, true]);
  assert.equal((await nerve("why")).code, 2);
  using records = openRecordsOrEmpty(served.workspace.paths);
  assert.throws(() => findAskedRow(records, "99999"), { code: "ROW_UNKNOWN" });
});

// The bug was: trigger said "returned null" about a compute of which why said that it had returned undefined.
long.test("trigger and why agree about a compute that returned nothing", async () => {
  await using served = await serveWorkspace({ senses: { forgetful: "export function compute() {}" } });
  const message = "returned undefined: is a return or an await missing?";
  const result = await served.nerve("sense", "trigger", "forgetful", "--wait");
  assert.deepEqual([result.code, result.out], [0, `⚪ forgetful ${message}\n`]);
  assert.ok((await served.nerve("why", "--sense", "forgetful")).out.includes(message));
});

Deno.test("why --sense counts a folded row as what it stands for", async () => {
  await past((store) => {
    for (const payload of [{ compute: 1 }, { compute: 60, repeated: 59 }]) {
      store.log.append({ source: "sense:quiet", type: "sense.null", refId: "quiet", causeId: null, payload });
    }
    return Promise.resolve();
  }, async ({ nerve }) => {
    assert.match((await nerve("why", "--sense", "quiet")).out, /\n60 reasons why quiet gave no signal\n/);
  });
});
