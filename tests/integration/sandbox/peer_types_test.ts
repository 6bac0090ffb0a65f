/** What code reads of other senses: roles read the databases of their peers, and `nerve/peers/NAME` has their types. */
import assert from "node:assert/strict";
import { long } from "../../support/long_form.ts";
import { startWorkspace } from "../../support/workspace_fixture.ts";

const files = {
  "senses/disk/schema.ts": `import { integer, sqliteTable } from "drizzle-orm/sqlite-core";
export const readings = sqliteTable("readings", { used: integer().notNull() });
`,
  "senses/disk/migrations/0001_readings.sql": "create table readings (used integer not null) strict;\n",
};
const disk = `import { readings } from "./schema.ts";
export const compute = ({ db, name }) => { db.insert(readings).values({ used: name.length }).run(); return { name }; };
`;
const report = `import { defineWorkflow, END } from "nerve";
import { sql } from "drizzle-orm";
import type { readings } from "nerve/peers/root";
export default defineWorkflow({
  roles: {
    count: ({ peers }) => {
      const rows = peers.root?.all<typeof readings.$inferSelect>(sql\`select used from readings\`) ?? [];
      return { content: "counted", meta: { rows, peers: Object.keys(peers) } };
    },
  },
  moderator: ({ messages }) => messages.length === 0 ? "count" : END,
});
`;

Deno.test("a role reads the databases of the peers that its workflow lists, and none by default", async () => {
  await using workspace = await startWorkspace({
    senses: { disk },
    workflows: { report },
    files,
    yaml: `senses: { root: { use: disk }, srv: { use: disk } }
workflows: { one: { use: report, peers: [root] }, any: { use: report, peers: all }, none: { use: report } }
`,
  });
  for (const name of ["root", "srv"]) await workspace.payload(name);
  const told = async (workflow: string) => {
    const { runId } = await workspace.kernel.startWorkflow(workflow);
    await workspace.kernel.api.runEnded(runId, new AbortController().signal);
    return workspace.kernel.api.records.messages(runId, { limit: 10 })[0]?.meta;
  };
  assert.deepEqual(await told("one"), { rows: [{ used: 4 }], peers: ["root"] });
  assert.deepEqual(await told("any"), { rows: [{ used: 4 }], peers: ["root", "srv"] });
  assert.deepEqual(await told("none"), { rows: [], peers: [] });
});

long.test("a new sense is a peer of a workflow with peers: all, in the process that runs", async () => {
  const yaml = "senses: { root: { use: disk } }\nworkflows: { any: { use: report, peers: all } }\n";
  await using workspace = await startWorkspace({ senses: { disk }, workflows: { report }, files, yaml });
  await workspace.payload("root");
  const told = async () => {
    const { runId } = await workspace.kernel.startWorkflow("any");
    await workspace.kernel.api.runEnded(runId, new AbortController().signal);
    return workspace.kernel.api.records.messages(runId, { limit: 10 })[0]?.meta.peers;
  };
  assert.deepEqual(await told(), ["root"]);
  workspace.write("nerve.yaml", yaml.replace("senses: {", "senses: { added: { use: disk },"));
  const { replaced } = await workspace.kernel.api.reload();
  assert.deepEqual([replaced, await told()], [[], ["added", "root"]]);
});

long.test("a peer's schema is imported for its types; as a value it is an error that says so", async () => {
  await using workspace = await startWorkspace({
    senses: { disk, reads: 'import { readings } from "nerve/peers/disk";\nexport const compute = () => readings;\n' },
    files,
  });
  const { message } = await workspace.failure("reads");
  assert.match(message, /"nerve\/peers\/disk" gives types only: write import type/);
});
