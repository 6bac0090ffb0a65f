/** A sense that cannot load is told once, with its place, and holds back nobody. */
import assert from "node:assert/strict";
import { loadAll } from "../../../src/deploy/validate.ts";
import { fastClock } from "../../support/fast_clock.ts";
import { makeWorkspace, noProcessIn, startWorkspace } from "../../support/workspace_fixture.ts";

const endless = "await new Promise(() => {});\nexport const compute = () => 1;";

/** Text of index.ts, what is said of it, and the line of its place. */
const unloadable: Readonly<Record<string, [string, RegExp, number]>> = {
  "syntax": ["export const a = 1;\nexport const b = ;", /Expression expected/, 2],
  "no-export": ["export const other = 1;", /does not export a function named compute \(it exports other\)/, 1],
  "not-a-function": ["export const compute = 1;", /does not export a function named compute/, 1],
  "empty": ["", /it exports nothing/, 1],
  "missing-import": ["\n\nimport './gone.ts';\nexport const compute = () => 1;", /gone\.ts/, 3],
  "bare-import": ["import 'left-pad';\nexport const compute = () => 1;", /left-pad/, 1],
  "top-level-throw": ["\nthrow new RangeError('at the top');", /RangeError: at the top/, 2],
  "imports-outside": [
    "import '../fine/index.ts';\nexport const compute = () => 1;",
    /cannot be imported: move it to lib\//,
    1,
  ],
};
const fine = "export const compute = () => ({ fine: 1 });";

function withAll(): { yaml: Record<string, unknown>; senses: Record<string, string> } {
  const senses: Record<string, string> = { fine, sibling: fine, endless };
  for (const [name, [text]] of Object.entries(unloadable)) senses[name] = text;
  const options = (name: string) => {
    if (name === "fine") return {};
    return name === "endless" ? { group: "g", timeout: "200ms", grace_period: "20s" } : { group: "g" };
  };
  return { senses, yaml: { senses: Object.fromEntries(Object.keys(senses).map((name) => [name, options(name)])) } };
}

Deno.test("a sense that cannot load is told once with its place, and its siblings run", async () => {
  await using workspace = await startWorkspace(withAll());
  assert.deepEqual(await workspace.payload("sibling"), { fine: 1 });
  const pid = workspace.pid("g");
  for (const [name, [, says, line]] of Object.entries(unloadable)) {
    for (let again = 0; again < 3; again++) {
      const { code, message, place } = await workspace.failure(name);
      assert.equal(code, "load", name);
      assert.match(message, says, name);
      assert.doesNotMatch(message, /file:\/\/.*:\d+:\d+/, "its place is told apart from its message");
      assert.deepEqual([place?.file, place?.line], [workspace.paths.senseEntry(name), line], name);
    }
    const told = workspace.events.filter((event) => event.kind === "problem" && event.source === `sense:${name}`);
    assert.equal(told.length, 1, `${name} is told once`);
    assert.match(Object(told[0]).message, new RegExp(`senses/${name}/index.ts:${line}:`), name);
    assert.equal((await workspace.rows({ source: `sense:${name}`, type: "sense.load_failed" })).length, 1);
    assert.match(workspace.sense(name).problem ?? "", says);
  }
  assert.deepEqual(await workspace.payload("sibling"), { fine: 1 });
  assert.equal(workspace.pid("g"), pid);
});

Deno.test("a module that awaits for ever costs its siblings nothing: it times out, and says why", async () => {
  await using workspace = await startWorkspace(withAll());
  assert.deepEqual(await workspace.payload("sibling"), { fine: 1 });
  const pid = workspace.pid("g");
  for (let again = 0; again < 2; again++) {
    assert.deepEqual(await workspace.trigger("endless"), { kind: "timeout", afterMs: 200, killed: false });
  }
  const { message } = await workspace.problem("sense:endless", /is not done loading/);
  assert.match(message, /senses\/endless\/index\.ts:1:1/);
  assert.equal((await workspace.rows({ source: "sense:endless", type: "sense.load_failed" })).length, 1);
  assert.deepEqual(await workspace.payload("sibling"), { fine: 1 });
  assert.equal(workspace.pid("g"), pid, "the process was not killed for it");
});

// The module was accused of awaiting for ever, in a row that stayed in status, because somebody pressed Ctrl-C early.
Deno.test("a stop while a sense loads says nothing against the sense", async () => {
  await using workspace = await startWorkspace({ senses: { endless } });
  const outcome = workspace.trigger("endless");
  await workspace.change("group:endless", "ready");
  await workspace.stop();
  assert.deepEqual(await outcome, { kind: "group_down", message: "the daemon stops" });
  assert.deepEqual(workspace.events.filter((event) => event.kind === "problem"), []);
  await workspace.start();
  assert.deepEqual(await workspace.rows({ source: "sense:endless", type: "sense.load_failed" }), []);
});

Deno.test("loadAll() reports what the daemon would, and opens no database of the workspace", async () => {
  const { senses, yaml } = withAll();
  delete senses.endless;
  delete (yaml.senses as Record<string, unknown>).endless;
  const workflows = {
    "good":
      "import { defineWorkflow, END } from 'nerve';\nexport default defineWorkflow({ roles: { a: () => ({ content: '', meta: {} }) }, moderator: () => END });",
    "shapeless": "export default { roles: {} };",
  };
  await using workspace = await makeWorkspace({
    senses,
    yaml: { ...yaml, workflows: { good: {}, shapeless: {} } },
    workflows,
  });
  const problems = await loadAll(await workspace.config(), workspace.paths);
  const byPath = new Map(problems.map((problem) => [problem.path, problem]));
  for (const [name, [, says, line]] of Object.entries(unloadable)) {
    const problem = byPath.get(`senses.${name}`);
    assert.match(problem?.message ?? "", says, name);
    assert.equal(problem?.place?.line, line, name);
  }
  assert.match(byPath.get("workflows.shapeless")?.message ?? "", /moderator is not a function/);
  assert.equal(problems.length, Object.keys(unloadable).length + 1, "and nothing else");
  assert.deepEqual([...Deno.readDirSync(workspace.root)].map(({ name }) => name).includes("data"), false);
  await noProcessIn(workspace.root);
});

Deno.test("loadAll() never waits longer than its limit, and leaves nothing behind", async () => {
  const loop = "for (;;);\nexport const compute = () => 1;";
  await using workspace = await makeWorkspace({ senses: { endless, loop, fine } });
  const load = async (factor: number) => loadAll(await workspace.config(), workspace.paths, fastClock(factor));
  const paths = (of: typeof problems) => of.map(({ path }) => path);
  // Its limit of 30 s is over after one. A busy machine may need longer for the sense that does load.
  let problems = await load(30);
  if (paths(problems).includes("senses.fine")) problems = await load(2);
  assert.deepEqual(paths(problems), ["senses.endless", "senses.loop"]);
  assert.match(problems[0]?.message ?? "", /did not load within 30 s/);
  assert.match(problems[1]?.message ?? "", /did not (load within 30|answer for 15) s/);
  assert.deepEqual(problems.map(({ place }) => place?.line), [1, 1]);
  await noProcessIn(workspace.root);
});
