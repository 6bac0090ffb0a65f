/** Changed code of senses and workflows under a running kernel: what is replaced, what stays, and what is reported. */
import assert from "node:assert/strict";
import { long } from "../../support/long_form.ts";
import { startWorkspace, type WorkspaceFixture } from "../../support/workspace_fixture.ts";

const senseThatSays = (text: string) => `export const compute = () => ({ says: ${JSON.stringify(text)} });\n`;

async function replaced(workspace: WorkspaceFixture, unit: string, edit: () => void): Promise<void> {
  const from = workspace.events.length;
  edit();
  await workspace.log(unit, /its files changed/, from);
}

Deno.test("a changed sense answers with its new code, and no other group's process is touched", async () => {
  await using workspace = await startWorkspace({
    senses: { a: senseThatSays("one"), b: senseThatSays("b") },
    watch: true,
  });
  assert.deepEqual(await workspace.payload("a"), { says: "one" });
  await workspace.payload("b");
  const before = { a: workspace.pid("a"), b: workspace.pid("b") };
  await replaced(workspace, "group:a", () => workspace.write("senses/a/index.ts", senseThatSays("two")));
  assert.deepEqual(await workspace.payload("a"), { says: "two" });
  assert.notEqual(workspace.pid("a"), before.a);
  assert.equal(workspace.pid("b"), before.b);
  assert.equal(workspace.sense("a").counters.computes, 2, "the counters go on");
});

Deno.test("code that does not load keeps the previous version running and reports the place of the error, until it is fixed", async () => {
  await using workspace = await startWorkspace({ senses: { a: senseThatSays("one") }, watch: true });
  await workspace.payload("a");
  const pid = workspace.pid("a"), from = workspace.events.length;
  workspace.write("senses/a/index.ts", "export const compute = () => {\n  return {{;\n};\n");
  const { message } = await workspace.problem("sense:a", /still on the previous version/, from);
  assert.match(message, /senses\/a\/index\.ts:2:\d+\)/);
  assert.match(workspace.sense("a").problem ?? "", /^still on the previous version: .*index\.ts:2/);
  assert.match(workspace.unit("a").problem ?? "", /^a: still on the previous version: .*index\.ts:2/);
  assert.deepEqual(await workspace.payload("a"), { says: "one" });
  assert.equal(workspace.pid("a"), pid);
  const [row] = await workspace.rows({ type: "sense.load_failed" });
  assert.equal((row?.payload as { previous: boolean }).previous, true);
  await replaced(workspace, "group:a", () => workspace.write("senses/a/index.ts", senseThatSays("three")));
  assert.deepEqual(await workspace.payload("a"), { says: "three" });
  assert.equal(workspace.sense("a").problem, null);
});

long.test("a running compute ends in the old process, while its sibling already runs the new code", async () => {
  const slow = (version: string) =>
    `import { open } from "./gate.ts";
     export const compute = async ({ log }) => { log("info", "begun"); await open(); return { says: "${version}" }; };\n`;
  // A file outside of the code is the gate: the compute waits until it exists.
  const gate = `export async function open() {
      for (;;) { try { Deno.statSync("files/open"); return; } catch { await new Promise((go) => setTimeout(go, 5)); } }
    }\n`;
  const yaml = { senses: { slow: { group: "g", permissions: { read: ["files"] } }, quick: { group: "g" } } };
  await using workspace = await startWorkspace({
    yaml,
    senses: { slow: slow("one"), quick: senseThatSays("one") },
    files: { "senses/slow/gate.ts": gate, "files/none": "" },
    watch: true,
  });
  const first = workspace.trigger("slow");
  await workspace.log("sense:slow", /begun/);
  await replaced(workspace, "group:g", () => workspace.write("senses/quick/index.ts", senseThatSays("two")));
  assert.deepEqual(await workspace.payload("quick"), { says: "two" });
  await workspace.kernel.api.prepareHealth();
  const next = workspace.events.length, units = workspace.health().units;
  assert.deepEqual(units.map(({ kind, name, state }) => [kind, name, state]), [
    ["group", "g", "running"],
    ["group", "g", "draining"],
  ]);
  assert.notEqual(units[0]?.pid, units[1]?.pid);
  for (const { privateBytes, memoryBytes } of units) {
    assert.ok(privateBytes !== null && memoryBytes !== null && privateBytes > 1e6 && privateBytes < memoryBytes);
  }
  workspace.write("files/open", "");
  assert.equal((await first).kind, "signal");
  assert.match((await workspace.change("group:g", "ended", next)).message, /replaced by newer code/);
  assert.deepEqual(workspace.health().units.map(({ state }) => state), ["running"]);
});

long.test("a sense that was already broken does not block its sibling's new code, and a fixed one is reported as loaded", async () => {
  const yaml = { senses: { bad: { group: "g" }, good: { group: "g" } } };
  await using workspace = await startWorkspace({ yaml, senses: { bad: "export {};\n", good: senseThatSays("one") } });
  await workspace.failure("bad");
  await workspace.payload("good");
  workspace.write("senses/good/index.ts", senseThatSays("two"));
  assert.deepEqual((await workspace.kernel.api.reload()).replaced, ["group:g"]);
  assert.deepEqual(await workspace.payload("good"), { says: "two" });
  assert.match(workspace.sense("bad").problem ?? "", /^cannot be loaded: .*does not export/);
  workspace.write("senses/bad/index.ts", senseThatSays("well"));
  const { replaced: units, problems } = await workspace.kernel.api.reload();
  assert.deepEqual([units, problems.filter(({ about }) => about.startsWith("sense:"))], [["group:g"], []]);
  assert.equal(workspace.sense("bad").problem, null);
  assert.deepEqual(await workspace.payload("bad"), { says: "well" });
});

long.test("a new migration runs before the first compute of the new code; an edited old one is rejected by file", async () => {
  const reads = (column: string) =>
    `export function compute({ sqlite }) {
       sqlite.exec("insert into t(x) values (1)");
       return { ${column}: Object.keys(sqlite.prepare("select * from t").get()) };
     }\n`;
  const folder = "senses/a/migrations";
  await using workspace = await startWorkspace({
    senses: { a: reads("one") },
    files: { [`${folder}/0001_t.sql`]: "create table t(x);" },
    watch: true,
  });
  assert.deepEqual(await workspace.payload("a"), { one: ["x"] });
  const from = workspace.events.length;
  workspace.write(`${folder}/0001_t.sql`, "create table t(x, z);");
  const { message } = await workspace.problem("sense:a", /still on the previous version/, from);
  assert.match(message, /0001_t\.sql was edited after it had run/);
  assert.deepEqual(await workspace.payload("a"), { one: ["x"] });
  workspace.write(`${folder}/0001_t.sql`, "create table t(x);");
  workspace.write(`${folder}/0002_y.sql`, "alter table t add column y;");
  await replaced(workspace, "group:a", () => workspace.write("senses/a/index.ts", reads("two")));
  assert.deepEqual(await workspace.payload("a"), { two: ["x", "y"] });
});

long.test("a quarantine is lifted by a change of the unit's files", async () => {
  const loops = "export function compute() { for (;;); }\n";
  await using workspace = await startWorkspace({
    yaml: { senses: { a: { timeout: "150ms", grace_period: "10ms" }, b: {} } },
    senses: { a: loops, b: senseThatSays("b") },
    watch: true,
  });
  while (workspace.unit("a").state !== "quarantined") {
    // While it waits for its backoff a trigger is answered at once.
    assert.notEqual((await workspace.trigger("a")).kind, "signal");
    await workspace.payload("b");
  }
  await replaced(workspace, "group:a", () => workspace.write("senses/a/index.ts", senseThatSays("well")));
  // On a busy machine its short time limit may be too short.
  let result = await workspace.trigger("a");
  while (result.kind === "timeout" || result.kind === "group_down") result = await workspace.trigger("a");
  assert.deepEqual(result.kind === "signal" && result.signal.payload, { says: "well" });
  assert.equal(workspace.sense("a").problem, null);
});

const steps = (version: string, gate = "") =>
  `import { defineWorkflow, END } from "nerve";
   export default defineWorkflow({
     roles: { one: async ({ log }) => { log("info", "begun"); ${gate} return { content: "${version}", meta: {} }; } },
     moderator: ({ messages }) => messages.length === 0 ? "one" : END,
   });\n`;
const waits =
  `for (;;) { try { Deno.statSync("files/open"); break; } catch { await new Promise((go) => setTimeout(go, 5)); } }`;
const workflowYaml = { workflows: { w: { concurrency: 2, permissions: { read: ["files"] } } } };

long.test("a run in progress ends on the code it began with, and the next one begins on the new code", async () => {
  await using workspace = await startWorkspace({
    yaml: workflowYaml,
    workflows: { w: steps("old", waits) },
    files: { "files/none": "" },
    watch: true,
  });
  const contents = (runId: string) =>
    workspace.kernel.api.records.messages(runId, { limit: 9 }).map(({ content }) => content);
  const ended = (runId: string) => workspace.kernel.api.runEnded(runId, new AbortController().signal);
  const first = await workspace.kernel.startWorkflow("w");
  await workspace.log("workflow:w", /begun/);
  await replaced(workspace, "workflow:w", () => workspace.write("workflows/w/index.ts", steps("new")));
  const second = await workspace.kernel.startWorkflow("w");
  await ended(second.runId);
  assert.deepEqual([contents(first.runId), contents(second.runId)], [[], ["new"]]);
  workspace.write("files/open", "");
  await ended(first.runId);
  assert.deepEqual(contents(first.runId), ["old"]);
  assert.equal(workspace.kernel.api.records.run(first.runId)?.attempt, 1);
});

long.test("a workflow that does not load stays on the previous version, and the list says so", async () => {
  await using workspace = await startWorkspace({ yaml: workflowYaml, workflows: { w: steps("old") }, watch: true });
  const { runId } = await workspace.kernel.startWorkflow("w");
  await workspace.kernel.api.runEnded(runId, new AbortController().signal);
  const from = workspace.events.length;
  workspace.write("workflows/w/index.ts", "export default 7;\n");
  await workspace.problem("workflow:w", /still on the previous version.*no default export/, from);
  assert.match(workspace.kernel.api.workflows()[0]?.problem ?? "", /^still on the previous version: /);
  assert.equal((await workspace.rows({ type: "workflow.load_failed" })).length, 1);
  const next = await workspace.kernel.startWorkflow("w");
  await workspace.kernel.api.runEnded(next.runId, new AbortController().signal);
  assert.equal(workspace.kernel.api.records.run(next.runId)?.status, "completed");
  await replaced(workspace, "workflow:w", () => workspace.write("workflows/w/index.ts", steps("newer")));
  assert.equal(workspace.kernel.api.workflows()[0]?.problem, null);
});
