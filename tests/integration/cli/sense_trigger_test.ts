/** `nerve sense trigger`: how a trigger was taken, and with --wait how it ended. */
import assert from "node:assert/strict";
import { triggerReplySchema } from "../../../src/protocol/api.ts";
import { withDaemon } from "../../support/fake_daemon.ts";
import { nerve } from "../../support/in_process_nerve.ts";
import { long } from "../../support/long_form.ts";
import { meterWorkspace, tidyWorkflow } from "../../support/meter_workspace.ts";
import { serveWorkspace } from "../../support/served_workspace.ts";

long.test("sense trigger --wait prints the outcome and exits by it", async () => {
  await using served = await serveWorkspace(meterWorkspace);
  const wait = (name: string) => served.nerve("sense", "trigger", name, "--wait");
  const nothing = await wait("quiet");
  assert.deepEqual([nothing.code, nothing.out], [0, "⚪ quiet returned null: no signal\n"]);
  const signal = await wait("meter");
  assert.match(signal.out, /^📡 meter signal \d+ \{"used":0\.93\}\n$/);
  const failed = await wait("broken");
  assert.equal(failed.code, 1);
  assert.match(failed.out, /^❌ broken failed: no such disk \(.*senses\/broken\/index\.ts:1:\d+\)\n$/);
  const unknown = await wait("mter");
  assert.deepEqual([unknown.code, /there is no sense "mter"/.test(unknown.err)], [1, true]);
});

// The bug was: a rejected directive looked like success: the signal, exit code 0, and no word about the directive.
long.test("a workflow directive that is not followed is reported by trigger, why, list and status", async () => {
  const misspelt = `export const compute = () => ({ path: "/", workflow: "tdy|5|x" });`;
  await using served = await serveWorkspace({
    yaml: { senses: { misspelt: {} }, workflows: { tidy: {} } },
    senses: { misspelt },
    workflows: { tidy: tidyWorkflow },
  });
  const fault = `invalid workflow directive: there is no workflow "tdy"`;
  const result = await served.nerve("sense", "trigger", "misspelt", "--wait");
  assert.deepEqual([result.code, result.err], [0, `🔶 misspelt: ${fault}\n`]);
  assert.match(result.out, /^📡 misspelt signal \d+ \{"path":"\/"\}\n$/);
  const json = await served.nerve("sense", "trigger", "misspelt", "--wait", "--json");
  const { outcome } = triggerReplySchema.parse(JSON.parse(json.out));
  assert.equal(outcome?.kind === "signal" && outcome.warning, fault);
  const [row] = await served.workspace.rows({ type: "sense.directive_invalid", source: "sense:misspelt" });
  assert.equal(Object(row?.payload).message, fault);
  const why = await served.nerve("why", "--sense", "misspelt");
  assert.ok(why.out.includes(`🔶 compute ${Object(row?.payload).compute}: ${fault}\n`), why.out);
  assert.match(why.out, /^0 reasons why misspelt gave no signal; 2 directives ignored$/m);
  const list = await served.nerve("sense", "list");
  assert.match(list.out, /^🔶 +misspelt .* signal, /m);
  assert.ok(list.out.includes(`\n🔶 misspelt: ${fault}\n`), list.out);
  assert.match(
    (await served.nerve("status")).out,
    /sense\.directive_invalid sense:misspelt: invalid workflow directive/,
  );
});

Deno.test("sense trigger says how the trigger was accepted, and with --wait how the compute ended", async () => {
  await withDaemon(async (root, view) => {
    assert.match((await nerve(root, "sense", "trigger", "cpu-usage")).out, /compute 7 has started/);
    view.result = { kind: "signal", signal: { id: 9, sense: "cpu-usage", payload: { used: 1 }, ts: 0 } };
    const waited = await nerve(root, "sense", "trigger", "cpu-usage", "--wait");
    assert.deepEqual([waited.code, waited.out], [0, `📡 cpu-usage signal 9 {"used":1}\n`]);
    view.result = { kind: "error", code: "throw", message: "no df", place: { file: "index.ts", line: 3, column: 9 } };
    const failed = await nerve(root, "sense", "trigger", "cpu-usage", "--wait");
    assert.deepEqual([failed.code, failed.out], [1, "❌ cpu-usage failed: no df (index.ts:3:9)\n"]);
    const json = await nerve(root, "sense", "trigger", "cpu-usage", "--wait", "--json");
    assert.deepEqual(triggerReplySchema.parse(JSON.parse(json.out)).outcome, view.result);
    const unknown = await nerve(root, "sense", "trigger", "cpu");
    assert.deepEqual([unknown.code, unknown.err], [1, `❌ there is no sense "cpu"\n   there are: cpu-usage\n`]);
  });
});
