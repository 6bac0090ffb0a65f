/** Changed code of senses and workflows under a running kernel: what is replaced, what stays, and what is said. */
import assert from "node:assert/strict";
import { startWorkspace, type WorkspaceFixture } from "../../support/workspace_fixture.ts";

const says = (text: string) => `export const compute = () => ({ says: ${JSON.stringify(text)} });\n`;

async function replaced(workspace: WorkspaceFixture, unit: string, edit: () => void): Promise<void> {
  const from = workspace.events.length;
  edit();
  await workspace.log(unit, /its files changed/, from);
}

Deno.test("a changed sense answers with its new code, and no other group's process is touched", async () => {
  await using workspace = await startWorkspace({ senses: { a: says("one"), b: says("b") }, watch: true });
  assert.deepEqual(await workspace.payload("a"), { says: "one" });
  await workspace.payload("b");
  const before = { a: workspace.pid("a"), b: workspace.pid("b") };
  await replaced(workspace, "group:a", () => workspace.write("senses/a/index.ts", says("two")));
  assert.deepEqual(await workspace.payload("a"), { says: "two" });
  assert.notEqual(workspace.pid("a"), before.a);
  assert.equal(workspace.pid("b"), before.b);
  assert.equal(workspace.sense("a").counters.computes, 2, "the counters go on");
});

Deno.test("code that does not load leaves the version before at work and says where the error is, until it is mended", async () => {
  await using workspace = await startWorkspace({ senses: { a: says("one") }, watch: true });
  await workspace.payload("a");
  const pid = workspace.pid("a"), from = workspace.events.length;
  workspace.write("senses/a/index.ts", "export const compute = () => {\n  return {{;\n};\n");
  const { message } = await workspace.problem("sense:a", /still on the previous version/, from);
  assert.match(message, /senses\/a\/index\.ts:2:\d+\)/);
  assert.match(workspace.sense("a").problem ?? "", /^still on the previous version: .*index\.ts:2/);
  assert.deepEqual(await workspace.payload("a"), { says: "one" });
  assert.equal(workspace.pid("a"), pid);
  const [row] = await workspace.rows({ type: "sense.load_failed" });
  assert.equal((row?.payload as { previous: boolean }).previous, true);
  await replaced(workspace, "group:a", () => workspace.write("senses/a/index.ts", says("three")));
  assert.deepEqual(await workspace.payload("a"), { says: "three" });
  assert.equal(workspace.sense("a").problem, null);
});
