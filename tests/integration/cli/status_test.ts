/** `nerve status` with a real daemon. */
import assert from "node:assert/strict";
import * as outputs from "../../../src/cli/render/json_schemas.ts";
import { serveWorkspace } from "../../support/served_workspace.ts";

Deno.test("status shows in a group's line that some of its code does not load", async () => {
  await using served = await serveWorkspace({
    yaml: { senses: { good: { group: "one" }, bad: { group: "one" } } },
    senses: { good: "export const compute = () => 1;", bad: "export const compute = () => {{;" },
  });
  assert.equal((await served.nerve("sense", "trigger", "good", "--wait")).code, 0);
  assert.equal((await served.nerve("sense", "trigger", "bad", "--wait")).code, 1);
  const { out } = await served.nerve("status");
  assert.match(out, /^🔶 group one .* bad: cannot be loaded: /m);
  const { health } = outputs.statusOutput.parse(JSON.parse((await served.nerve("status", "--json")).out));
  assert.match(health?.units[0]?.problem ?? "", /^bad: cannot be loaded: /);
});
