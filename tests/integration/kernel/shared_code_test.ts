/** One code and many entries of nerve.yaml that name it with `use`: each is a sense, or a workflow, of its own. */
import assert from "node:assert/strict";
import { long } from "../../support/long_form.ts";
import { startWorkspace } from "../../support/workspace_fixture.ts";

/** Counts its computes in its database, and in a variable of its module. */
const counter = `
import { part } from "./part.ts";
let inModule = 0;
export const compute = ({ name, sqlite, config }) => {
  sqlite.exec("insert into computes default values");
  const inDatabase = sqlite.prepare("select count(*) as n from computes").get().n;
  return { name, of: config.of, inDatabase, inModule: ++inModule, part };
};
`;
const files = {
  "senses/counter/part.ts": 'export const part = "one";\n',
  "senses/counter/migrations/0001_computes.sql": "create table computes (id integer primary key) strict;\n",
};
const yaml = `
senses:
  counter: {}
  alone: { use: counter, config: { of: alone } }
  left: { use: counter, group: pair, config: { of: left } }
  right: { use: counter, group: pair, config: { of: right } }
`;

long.test("senses of one code have their own config, database and module, also in one group", async () => {
  // The bug would be: the count of one check is told as another's, because both were evaluated from one module.
  await using workspace = await startWorkspace({ yaml, senses: { counter }, files });
  const tell = async (name: string) => await workspace.payload(name);
  for (const name of ["counter", "alone", "left", "right"]) {
    const of = name === "counter" ? {} : { of: name };
    assert.deepEqual(await tell(name), { name, ...of, inDatabase: 1, inModule: 1, part: "one" });
  }
  assert.deepEqual(await tell("left"), { name: "left", of: "left", inDatabase: 2, inModule: 2, part: "one" });
  assert.deepEqual(workspace.unit("pair").senses, ["left", "right"]);
  assert.deepEqual(["counter", "right"].map((name) => workspace.sense(name).use), ["counter", "counter"]);
});

long.test("a change of the code reaches all of its senses, and of no other", async () => {
  const other = "export const compute = () => ({ part: 0 });\n";
  await using workspace = await startWorkspace({
    yaml: `${yaml}  other: {}\n`,
    senses: { counter, other },
    files,
  });
  for (const name of ["alone", "left", "other"]) await workspace.payload(name);
  workspace.write("senses/counter/part.ts", 'export const part = "two";\n');
  const { replaced } = await workspace.kernel.api.reload();
  assert.deepEqual([...replaced].sort(), ["group:alone", "group:counter", "group:pair"]);
  for (const name of ["alone", "right"]) {
    assert.equal((await workspace.payload(name) as { part: string }).part, "two");
  }
});

long.test("an entry that names another code is replaced alone, and keeps its database", async () => {
  const next = counter.replace("return {", 'return { says: "next",');
  const copied = Object.fromEntries(
    Object.entries(files).map(([path, text]) => [path.replace("counter", "next"), text]),
  );
  await using workspace = await startWorkspace({ yaml, senses: { counter, next }, files: { ...files, ...copied } });
  for (const name of ["alone", "left"]) await workspace.payload(name);
  workspace.write("nerve.yaml", yaml.replace("alone: { use: counter", "alone: { use: next"));
  const { changes, replaced } = await workspace.kernel.api.reload();
  assert.deepEqual([changes, replaced], [[{ of: "sense:alone", change: "changed" }], ["group:alone"]]);
  const told = await workspace.payload("alone") as { says: string; inDatabase: number };
  assert.deepEqual([told.says, told.inDatabase], ["next", 2]);
});

long.test("code that does not load is told of each of its senses, and only a sense that was fine keeps running", async () => {
  await using workspace = await startWorkspace({ yaml, senses: { counter }, files });
  await workspace.payload("alone");
  workspace.write("senses/counter/part.ts", "export const part = {{;\n");
  const { problems } = await workspace.kernel.api.reload();
  const failed = problems.map(({ about }) => about).filter((about) => about.startsWith("sense:"));
  assert.deepEqual([...new Set(failed)].sort(), [
    "sense:alone",
    "sense:counter",
    "sense:left",
    "sense:right",
  ]);
  assert.equal((await workspace.payload("alone") as { part: string }).part, "one");
  assert.match(workspace.sense("left").problem ?? "", /cannot be loaded: .*/);
});

long.test("workflows of one code have their own config and runs", async () => {
  const say = `import { defineWorkflow, END } from "nerve";
export default defineWorkflow({
  roles: { say: ({ config }) => ({ content: config.word, meta: {} }) },
  moderator: ({ messages }) => messages.length === 0 ? "say" : END,
});\n`;
  await using workspace = await startWorkspace({
    yaml: "workflows: { say: { config: { word: a } }, say-b: { use: say, config: { word: b } } }\n",
    workflows: { say },
  });
  for (const [name, word] of [["say", "a"], ["say-b", "b"]] as const) {
    const { runId } = await workspace.kernel.api.startRun(name, {});
    await workspace.kernel.api.runEnded(runId, new AbortController().signal);
    assert.deepEqual(workspace.kernel.api.records.messages(runId, { limit: 10 }).map(({ content }) => content), [word]);
  }
});
