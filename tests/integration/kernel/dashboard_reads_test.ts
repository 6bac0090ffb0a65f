/** What the dashboard reads of a real kernel. */
import assert from "node:assert/strict";
import {
  permissionsSchema,
  senseColumnsSchema,
  senseSeriesSchema,
  storeSizesSchema,
} from "../../../src/protocol/dashboard.ts";
import type { TextPage } from "../../../src/protocol/text_page.ts";
import { long } from "../../support/long_form.ts";
import { serveWorkspace } from "../../support/served_workspace.ts";

const gone = new AbortController().signal;
const sense = `export function compute({ sqlite }) {
  sqlite.prepare("insert into samples (ts, used) values (:t, 0.5)").run({ t: Date.now() });
  return null;
}
`;
const migration = "create table samples (id integer primary key, ts integer not null, used real not null) strict;\n";

function parse(page: TextPage | null): unknown {
  return page === null ? null : JSON.parse(new TextDecoder().decode(page.text));
}

Deno.test("columns of a sense can be drawn once it has computed, and the store is measured", async () => {
  await using served = await serveWorkspace({
    senses: { cpu: sense, idle: "export const compute = () => null;\n" },
    files: { "senses/cpu/migrations/0001_samples.sql": migration },
  });
  const { api } = served.workspace.kernel, { dashboard } = api;
  assert.equal(await dashboard.columns("cpu", gone), null);
  await served.workspace.trigger("cpu");
  const { items } = senseColumnsSchema.parse(parse(await dashboard.columns("cpu", gone)));
  assert.deepEqual(items, [{ table: "samples", time: "ts", column: "used" }]);
  const untilMs = Date.now() + 1_000, query = { table: "samples", column: "used", fromMs: untilMs - 60_000, untilMs };
  const series = senseSeriesSchema.parse(parse(await dashboard.series("cpu", { ...query, points: 10 }, gone)));
  assert.deepEqual([series.rows, series.mean], [1, [0.5]]);
  assert.equal(await dashboard.columns("idle", gone), null);
  const { log, senses } = storeSizesSchema.parse(parse(await dashboard.sizes(gone)));
  assert.ok(log !== null && log.rows > 0);
  assert.deepEqual(senses.map(({ name }) => name), ["cpu"]);
});

long.test("permissions show what nerve.yaml asks for beyond the lock, and what it no longer asks for", async () => {
  await using served = await serveWorkspace({
    yaml: "senses: { cpu: { permissions: { read: [/srv], net: [a.example.org] } } }\n",
    senses: { cpu: "export const compute = () => null;\n" },
  });
  const read = async () => permissionsSchema.parse(await served.workspace.kernel.api.dashboard.permissions(null));
  assert.deepEqual([(await read()).lock.exists, (await read()).lock.added.length], [false, 2]);
  await served.nerve("permissions", "approve");
  const agreed = await read();
  assert.deepEqual([agreed.lock.exists, agreed.lock.added, agreed.lock.removed], [true, [], []]);
  assert.deepEqual(agreed.items[0]?.grants.map(({ permission, value }) => [permission, value]), [
    ["read", "/srv"],
    ["net", "a.example.org"],
  ]);
  served.workspace.write("nerve.yaml", "senses: { cpu: { permissions: { read: [/srv, /opt] } } }\n");
  await served.nerve("reload");
  const { lock, items: [unit] } = await read();
  assert.equal(unit?.grants.some(({ declaredBy }) => declaredBy === null), false);
  const whole = permissionsSchema.parse(await served.workspace.kernel.api.dashboard.permissions("group:cpu"));
  assert.equal(whole.items[0]?.grants.filter(({ declaredBy }) => declaredBy === null).length, unit?.implied);
  assert.deepEqual(lock.added, [{ kind: "sense", name: "cpu", permission: "read", values: ["/opt"] }]);
  assert.deepEqual(lock.removed, [{ kind: "sense", name: "cpu", permission: "net", values: ["a.example.org"] }]);
});

long.test("permissions show who may decide that the lock does not name, and who no longer may", async () => {
  const sense = "senses: { cpu: {} }\n";
  const key = (name: string) => `ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI${keys[name]} ${name}`;
  const keys: Record<string, string> = {
    ada: "EbWSbgbuF+HVI5CnzZN005Y6HX2K7RdoQxkImLj/RXx",
    bob: "F5eUyYvLZs7YVdCIEfZ0l1O9amm2q7+FMWDhUyxTGUj",
  };
  await using served = await serveWorkspace({
    yaml: `${sense}approvers: { ada: { key: ${key("ada")} } }\n`,
    senses: { cpu: "export const compute = () => null;\n" },
  });
  const read = async () =>
    permissionsSchema.parse(await served.workspace.kernel.api.dashboard.permissions(null)).lock.approvers;
  assert.deepEqual(await read(), { added: ['a key of "ada"'], removed: [] });
  await served.nerve("permissions", "approve");
  assert.deepEqual(await read(), { added: [], removed: [] });
  served.workspace.write("nerve.yaml", `${sense}approvers: { bob: { key: ${key("bob")} } }\n`);
  await served.nerve("reload");
  assert.deepEqual(await read(), { added: ['a key of "bob"'], removed: ['a key of "ada"'] });
});
