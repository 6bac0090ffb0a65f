/** The command line with a real daemon: what happened, why, and what `--json` prints. */
import assert from "node:assert/strict";
import { runCli } from "../../../src/cli/app.ts";
import { findAskedRow } from "../../../src/cli/commands/why.ts";
import { openRecordsOrEmpty } from "../../../src/cli/open_records.ts";
import * as outputs from "../../../src/cli/render/json_schemas.ts";
import { logRowSchema } from "../../../src/protocol/log.ts";
import { type ServedWorkspace, serveWorkspace } from "../../support/served_workspace.ts";
import { within } from "../../support/workspace_fixture.ts";

const workflow = `import { defineWorkflow, END } from "nerve";
export default defineWorkflow({
  roles: { tidy: () => ({ content: "tidied", meta: {} }) },
  moderator: ({ messages }) => messages.length === 0 ? "tidy" : END,
});`;

const options = {
  yaml: {
    senses: { meter: {}, watcher: {}, quiet: {}, broken: {}, slow: { throttle: "1h" } },
    reflexes: [{ sense: "watcher", on: ["meter"] }],
    workflows: { tidy: {} },
  },
  senses: {
    meter: "export const compute = () => ({ used: 0.93 });",
    watcher: "export const compute = ({ trigger }) => " +
      "({ from: trigger.signal.sense, workflow: `tidy|5|${trigger.signal.payload.used} is much` });",
    quiet: "export const compute = () => null;",
    broken: "export const compute = () => { throw new Error('no such disk'); };",
    slow: `import { integer, sqliteTable } from "drizzle-orm/sqlite-core";
      export const readings = sqliteTable("readings", { id: integer().primaryKey() });
      export function compute({ db }) { db.insert(readings).values({}).run(); return { slow: true }; }`,
  },
  workflows: { tidy: workflow },
  files: { "senses/slow/migrations/0001_readings.sql": "create table readings (id integer primary key) strict;" },
};

/** The run that a trigger of `meter` leads to, when it has ended. */
async function ranTidy({ workspace, nerve }: Pick<ServedWorkspace, "workspace" | "nerve">): Promise<string> {
  const from = workspace.events.length;
  assert.equal((await nerve("sense", "trigger", "meter", "--wait")).code, 0);
  return (await workspace.run("completed", from)).run.runId;
}

Deno.test("why tells the chain of causes of a run, back to whoever began it, with a daemon and without", async () => {
  await using served = await serveWorkspace(options);
  const nerve = served.nerve.bind(served), run = await ranTidy({ workspace: served.workspace, nerve });
  const types = async (id: string) => {
    const { code, out } = await nerve("why", id, "--json");
    assert.equal(code, 0, out);
    return outputs.whyOutput.parse(JSON.parse(out)).chain.map(({ type }) => type);
  };
  const [first = "", ...causes] = await types(run);
  assert.match(first, /^run\.(queued|started)$/);
  assert.deepEqual(causes, ["sense.directive", "sense.signal", "sense.triggered"]);
  const signal = await served.workspace.signal("meter");
  assert.deepEqual(await types(String(signal.signal.id)), ["sense.signal", "sense.triggered"]);
  const told = await nerve("why", run);
  await served.stop();
  assert.deepEqual(await nerve("why", run), told, "it needs no daemon");
  const lines = told.out.trimEnd().split("\n");
  assert.equal(lines.length, 5);
  assert.match(lines[0] ?? "", new RegExp(`run ${run} of tidy was `));
  assert.match(
    lines[1] ?? "",
    /because 📡 watcher asked for workflow tidy: 0\.93 is much \(compute \d+, woken by a signal\)/,
  );
  assert.match(lines[2] ?? "", /because 📡 meter signalled \{"used":0\.93\} \(compute \d+, by hand\)/);
  assert.match(lines[3] ?? "", /because 👉 somebody triggered meter/);
  assert.match(lines[4] ?? "", /^that was asked for by hand; .* from there$/);
});

Deno.test("why --sense tells what a sense did not say and for which reason", async () => {
  await using served = await serveWorkspace(options);
  const { nerve } = { nerve: served.nerve.bind(served) };
  await nerve("sense", "trigger", "quiet", "--wait");
  await nerve("sense", "trigger", "slow", "--wait");
  await nerve("sense", "trigger", "slow");
  await nerve("sense", "trigger", "slow");
  assert.match((await nerve("why", "--sense", "quiet")).out, /⚪ compute \d+ returned null\n1 reason why quiet/);
  const slow = (await nerve("why", "--sense", "slow")).out;
  assert.match(slow, /💤 throttled until \d\d:\d\d:\d\d, then compute (\d+) answers\n/);
  assert.match(slow, /it computes next in \d+/);
  const failed = await nerve("sense", "trigger", "broken", "--wait");
  assert.equal(failed.code, 1);
  assert.match((await nerve("why", "--sense", "broken")).out, /❌ compute \d+ failed: no such disk/);
  const silent = await nerve("why", "--sense", "nope");
  assert.deepEqual([silent.code, /there is no sense "nope"/.test(silent.err)], [1, true]);
  const none = await nerve("why", "99999");
  assert.deepEqual([none.code, none.err.includes("There is no row 99999")], [1, true]);
  assert.equal((await nerve("why")).code, 2);
  using records = openRecordsOrEmpty(served.workspace.paths);
  assert.throws(() => findAskedRow(records, "99999"), { code: "ROW_UNKNOWN" });
});

Deno.test("sense trigger --wait prints the outcome and exits by it", async () => {
  await using served = await serveWorkspace(options);
  const wait = (name: string) => served.nerve("sense", "trigger", name, "--wait");
  const nothing = await wait("quiet");
  assert.deepEqual([nothing.code, nothing.out], [0, "⚪ quiet returned null: nothing to say\n"]);
  const signal = await wait("meter");
  assert.match(signal.out, /^📡 meter signal \d+ \{"used":0\.93\}\n$/);
  const failed = await wait("broken");
  assert.equal(failed.code, 1);
  assert.match(failed.out, /^❌ broken failed: no such disk \(.*senses\/broken\/index\.ts:1:\d+\)\n$/);
  const unknown = await wait("mter");
  assert.deepEqual([unknown.code, /there is no sense "mter"/.test(unknown.err)], [1, true]);
});

// A refused directive looked like success: the signal, exit 0, and not a word of what was not followed.
Deno.test("a workflow directive that is not followed is told by trigger, why, list and status", async () => {
  const misspelt = `export const compute = () => ({ path: "/", workflow: "tdy|5|x" });`;
  await using served = await serveWorkspace({
    yaml: { senses: { misspelt: {} }, workflows: { tidy: {} } },
    senses: { misspelt },
    workflows: { tidy: workflow },
  });
  const fault = `its workflow directive was not followed: there is no workflow "tdy"`;
  const told = await served.nerve("sense", "trigger", "misspelt", "--wait");
  assert.deepEqual([told.code, told.err], [0, `🔶 misspelt: ${fault}\n`]);
  assert.match(told.out, /^📡 misspelt signal \d+ \{"path":"\/"\}\n$/);
  const json = await served.nerve("sense", "trigger", "misspelt", "--wait", "--json");
  const { outcome } = outputs.senseTriggerOutput.parse(JSON.parse(json.out));
  assert.equal(outcome?.kind === "signal" && outcome.warning, fault);
  const [row] = await served.workspace.rows({ type: "sense.directive_invalid", source: "sense:misspelt" });
  assert.equal(Object(row?.payload).message, fault);
  const why = await served.nerve("why", "--sense", "misspelt");
  assert.ok(why.out.includes(`🔶 compute ${Object(row?.payload).compute}: ${fault}\n`), why.out);
  assert.match(why.out, /^0 reasons why misspelt did not speak; 2 directives not followed$/m);
  const list = await served.nerve("sense", "list");
  assert.match(list.out, /^🔶 +misspelt .* signal, /m);
  assert.ok(list.out.includes(`\n🔶 misspelt: ${fault}\n`), list.out);
  assert.match((await served.nerve("status")).out, /sense\.directive_invalid sense:misspelt: its workflow directive/);
});

// trigger said "returned null" of a compute of which why said that it had returned undefined.
Deno.test("trigger and why say the same of a compute that returned nothing", async () => {
  await using served = await serveWorkspace({ senses: { forgetful: "export function compute() {}" } });
  const said = "returned undefined: is a return or an await missing?";
  const told = await served.nerve("sense", "trigger", "forgetful", "--wait");
  assert.deepEqual([told.code, told.out], [0, `⚪ forgetful ${said}\n`]);
  assert.ok((await served.nerve("why", "--sense", "forgetful")).out.includes(said));
});

Deno.test("status shows in the line of a group that code of it does not load", async () => {
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

Deno.test("events -f goes on where its page ended, and ends with Ctrl-C or with the daemon", async () => {
  await using served = await serveWorkspace(options);
  await served.nerve("sense", "trigger", "meter", "--wait");
  const io = served.io(), code = runCli(["events", "-f", "--json", "--source", "sense:meter"], io);
  await within(io.seen(/sense\.signal/), "the rows of the page");
  for (let i = 0; i < 5; i++) await served.nerve("sense", "trigger", "meter", "--wait");
  await within(io.seen(/(sense\.signal[^]*){6}/), "what came later");
  io.interrupt();
  assert.equal(await within(code, "the command to end"), 0);
  const rows = io.out.trimEnd().split("\n").map((line) => logRowSchema.parse(JSON.parse(line)));
  const known = (await served.workspace.rows({ source: "sense:meter" })).map(({ id }) => id);
  assert.deepEqual(rows.map(({ id }) => id), known);
  const other = served.io(), ended = runCli(["events", "-f"], other);
  await within(other.seen(/sense\.signal/), "the rows of the page");
  await served.nerve("sense", "trigger", "quiet", "--wait");
  await within(other.seen(/sense\.null/), "what came later");
  await served.stop();
  assert.equal(await within(ended, "the command to end with the daemon"), 3);
  assert.match(other.err, /The daemon has stopped\n {3}nerve start/);
  const alone = await served.nerve("events", "-f");
  assert.deepEqual([alone.code, alone.out], [3, ""]);
  assert.equal((await served.nerve("events", "--type", "sense.signl")).code, 2);
});

Deno.test("events -f ends when its reader has gone during the page", async () => {
  // The bug would be: nerve events -f | head -2 that stays for ever.
  await using served = await serveWorkspace(options);
  const io = served.io();
  io.closeReader();
  assert.equal(await within(runCli(["events", "-f"], io), "the command to end"), 0);
});

Deno.test("runs that were asked for by hand count as runs, once each", async () => {
  await using served = await serveWorkspace(options);
  const runs = () => served.workspace.health().counters.runs;
  for (let i = 0; i < 2; i++) await served.nerve("workflow", "trigger", "tidy", "--id", "mine", "--wait");
  assert.equal(runs(), 1);
  const from = served.workspace.events.length;
  await served.nerve("sense", "trigger", "meter", "--wait");
  await served.workspace.run("completed", from);
  assert.equal(runs(), 2);
});

Deno.test("ids of computes are not given again after a restart", async () => {
  // The bug would be: "coalesced into compute 3" in the log, and three different computes of that number.
  await using served = await serveWorkspace(options);
  await served.workspace.trigger("meter");
  const idOf = () => served.workspace.sense("meter").lastCompute?.id ?? 0;
  const first = idOf();
  await served.stop();
  await served.workspace.start();
  await served.workspace.trigger("meter");
  assert.ok(idOf() > first, `${idOf()} after ${first}`);
});
