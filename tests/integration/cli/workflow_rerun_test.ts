/** `nerve workflow rerun`. Danger: the new run gets another input than the old one had, such as one with masked secrets. */
import assert from "node:assert/strict";
import { runSchema } from "../../../src/protocol/api.ts";
import { serveWorkspace } from "../../support/served_workspace.ts";
import { runEnd, steps } from "../../support/workflow_life.ts";

const echo = steps(`say: ({ start }) => ({ content: start.prompt + JSON.stringify(start.payload), meta: {} })`);

Deno.test("workflow rerun starts a new run with the same input, of a run that has ended or still waits", async () => {
  Deno.env.set("RERUN_TOKEN", "a-secret-value");
  await using served = await serveWorkspace({
    workflows: { echo },
    yaml: { workflows: { echo: { permissions: { env: ["RERUN_TOKEN"] } } } },
  });
  const payload = { token: "a-secret-value", n: 1 };
  await served.workspace.kernel.startWorkflow("echo", { runId: "old", prompt: "go", payload, maxRounds: 7 });
  await runEnd(served.workspace, "old");
  const again = await served.nerve("workflow", "rerun", "old", "--id", "new", "--wait");
  assert.deepEqual([again.code, again.out], [0, "new\n"]);
  const { api } = served.workspace.kernel;
  const [first] = api.records.messages("old", { limit: 1 }), [second] = api.records.messages("new", { limit: 1 });
  assert.equal(second?.content, first?.content);
  assert.equal(api.records.run("new")?.maxRounds, 7);
  const other = runSchema.parse(JSON.parse((await served.nerve("workflow", "rerun", "new", "--json")).out));
  assert.notEqual(other.runId, "new");
  const unknown = await served.nerve("workflow", "rerun", "none");
  assert.deepEqual([unknown.code, /there is no run "none"/.test(unknown.err)], [1, true]);
  await assert.rejects(api.startRun("echo", { rerunOf: "none" }), { code: "RUN_UNKNOWN" });
});
