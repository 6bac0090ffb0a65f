/** Loading all code of a workspace without a daemon, to find code that does not load. */
import assert from "node:assert/strict";
import { loadAll } from "../../../src/deploy/validate.ts";
import { fastClock } from "../../support/fast_clock.ts";
import { long } from "../../support/long_form.ts";
import { endless, unloadable, withAll } from "../../support/unloadable_senses.ts";
import { makeWorkspace, noProcessIn, startWorkspace } from "../../support/workspace_fixture.ts";

const fine = "export const compute = () => ({ fine: 1 });";

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
  for (const [name, [, expected, line]] of Object.entries(unloadable)) {
    const problem = byPath.get(`senses.${name}`);
    assert.match(problem?.message ?? "", expected, name);
    assert.equal(problem?.place?.line, line, name);
  }
  assert.match(byPath.get("workflows.shapeless")?.message ?? "", /moderator is not a function/);
  assert.equal(problems.length, Object.keys(unloadable).length + 1, "and nothing else");
  assert.deepEqual([...Deno.readDirSync(workspace.root)].map(({ name }) => name).includes("data"), false);
  await noProcessIn(workspace.root);
});

long.test("loadAll() never waits longer than its limit, and leaves nothing behind", async () => {
  const loop = "for (;;);\nexport const compute = () => 1;";
  await using workspace = await makeWorkspace({ senses: { endless, loop, fine } });
  const load = async (factor: number) => loadAll(await workspace.config(), workspace.paths, fastClock(factor));
  const paths = (of: typeof problems) => of.map(({ path }) => path);
  // Its limit of 30 s is over after one second. A busy machine may need longer for the sense that does load.
  let problems = await load(30);
  if (paths(problems).includes("senses.fine")) problems = await load(2);
  assert.deepEqual(paths(problems), ["senses.endless", "senses.loop"]);
  assert.match(problems[0]?.message ?? "", /did not load within 30 s/);
  assert.match(problems[1]?.message ?? "", /did not (load within 30|answer for 15) s/);
  assert.deepEqual(problems.map(({ place }) => place?.line), [1, 1]);
  await noProcessIn(workspace.root);
});

long.test("the config of a sense is checked against the settings that its code declares, also by the trial load of new code", async () => {
  const strict = `import { defineSense, option } from "nerve";
export const { compute } = defineSense({ config: { most: option.number(10) }, compute: ({ config }) => ({ most: config.most }) });`;
  const yaml = (most: unknown) => ({ senses: { strict: { config: { most } }, free: { config: { most } } } });
  await using workspace = await startWorkspace({ senses: { strict, free: fine }, yaml: yaml(1) });
  assert.deepEqual(await loadAll(await workspace.config(), workspace.paths), []);
  assert.deepEqual(await workspace.payload("strict"), { most: 1 });
  // Code that declares a setting which nerve.yaml does not fit is not put in force.
  workspace.write("senses/strict/index.ts", strict.replace("option.number(10)", "option.text()"));
  const message = "config.most must be text, not 1";
  const problems = await loadAll(await workspace.config(), workspace.paths);
  assert.deepEqual(problems.map((problem) => [problem.path, problem.message]), [["senses.strict", message]]);
  await workspace.kernel.api.reload();
  assert.equal(workspace.sense("strict").problem, `still on the previous version: ${message}`);
  assert.deepEqual(await workspace.payload("strict"), { most: 1 });
});

long.test("the config of a workflow is checked against the settings that its code declares, and its roles get them", async () => {
  const strict = `import { defineWorkflow, END, option } from "nerve";
export default defineWorkflow({
  config: { most: option.number(10) },
  roles: { a: ({ config }) => ({ content: String(config.most + 1), meta: {} }) },
  moderator: ({ messages }) => messages.length === 0 ? "a" : END,
});`;
  const workflows = { strict, free: strict.replace("  config: { most: option.number(10) },\n", "") };
  const config = { most: "many", other: 1 };
  await using workspace = await makeWorkspace({
    senses: {},
    workflows,
    yaml: { workflows: { strict: { config }, free: { config }, right: { use: "strict", config: { most: 1 } } } },
  });
  const problems = await loadAll(await workspace.config(), workspace.paths);
  assert.deepEqual(problems.map(({ path, message, place }) => [path, message, place]), [[
    "workflows.strict",
    'config.most must be a number, not "many"; config.other is not known: there are most',
    null,
  ]]);
});
