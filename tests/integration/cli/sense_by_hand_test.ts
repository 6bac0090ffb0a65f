/** A listener that is given signals by hand: by the daemon, and without one in its sandbox, on a copy of its database. */
import assert from "node:assert/strict";
import { senseDryOutput } from "../../../src/cli/render/compute_schemas.ts";
import { long } from "../../support/long_form.ts";
import { serveWorkspace } from "../../support/served_workspace.ts";

const listener = `
export const compute = ({ trigger, sqlite, log, config }) => {
  sqlite.exec("insert into heard default values");
  const { n } = sqlite.prepare("select count(*) as n from heard").get();
  log("info", "heard", { n });
  if (trigger.kind === "manual") return { silent: "nobody told anything" };
  const used = trigger.signals.map(({ payload }) => payload.used), from = trigger.signal.sense;
  if (config.then === "wait") return new Promise(() => {});
  return used.at(-1) > 0.9 ? { n, used, workflow: { name: "tidy", prompt: from + " is full" } } : { n, used, from };
};
`;
const tidy = `import { defineWorkflow, END } from "nerve";
export default defineWorkflow({ roles: { r: () => ({ content: "", meta: {} }) }, moderator: ({ messages }) => messages.length === 0 ? "r" : END });
`;
const files = {
  "senses/listener/migrations/0001_heard.sql": "create table heard (id integer primary key) strict;\n",
  "low.json": JSON.stringify({ sense: "disk", payload: { used: 0.5 } }),
  "full.json": JSON.stringify([{ sense: "disk", payload: { used: 0.5 } }, { sense: "disk", payload: { used: 0.95 } }]),
};
const yaml =
  `senses: { disk: {}, listener: {}, waits: { use: listener, timeout: 1s, grace_period: 0s, config: { then: wait } } }
reflexes: [{ sense: listener, on: [disk] }]
workflows: { tidy: {} }
`;
const senses = { disk: "export const compute = () => ({ used: 0.1 });\n", listener };

long.test("a dry compute hears the signals, writes nothing and starts nothing, with and without a daemon", async () => {
  await using served = await serveWorkspace({ senses, workflows: { tidy }, files, yaml });
  await served.workspace.trigger("listener");
  for (const stopped of [false, true]) {
    if (stopped) await served.stop();
    const full = await served.nerve("sense", "trigger", "listener", "--trigger", "full.json", "--dry", "--json");
    const { outcome, log, ranMs } = senseDryOutput.parse(JSON.parse(full.out));
    assert.deepEqual([full.code, outcome, log], [0, {
      kind: "workflow",
      directive: { name: "tidy", maxRounds: null, prompt: "disk is full" },
      payload: { n: 2, used: [0.5, 0.95] },
    }, [{ level: "info", message: "heard", data: { n: 2 } }]]);
    assert.ok(ranMs !== null && ranMs >= 0);
    const low = await served.nerve("sense", "trigger", "listener", "--trigger", "low.json", "--dry");
    assert.match(
      low.out,
      /📝 info: heard \{"n":2\}\n📡 listener would signal \{"n":2,"used":\[0\.5\],"from":"disk"\}\ndry: /,
    );
    const none = await served.nerve("sense", "trigger", "listener", "--dry");
    assert.match(none.out, /⚪ listener was silent: nobody told anything\n/);
  }
  await served.workspace.start();
  await served.serve();
  for (const type of ["sense.log", "sense.null"]) {
    assert.equal((await served.workspace.rows({ type })).length, 1, `${type}: only that of the first compute`);
  }
  assert.equal(served.workspace.kernel.api.records.runs({ limit: 1, offset: 0 }).total, 0);
  const given = await served.nerve("sense", "trigger", "listener", "--trigger", "low.json", "--wait");
  assert.match(given.out, /"n":2,/, "its database was as before");
});

long.test("a dry compute that fails or does not end says so, and fails", async () => {
  await using served = await serveWorkspace({ senses, workflows: { tidy }, files, yaml });
  const waits = await served.nerve("sense", "trigger", "waits", "--trigger", "low.json", "--dry");
  assert.deepEqual(
    [waits.code, /❌ waits: its process did not finish within 1s/.test(waits.out)],
    [1, true],
    waits.out,
  );
  served.workspace.write("senses/listener/index.ts", "export const compute = () => { throw new Error('broken'); };\n");
  const broken = await served.nerve("sense", "trigger", "listener", "--dry");
  assert.deepEqual(
    [broken.code, /❌ listener failed: broken \(.*index\.ts:1:/.test(broken.out)],
    [1, true],
    broken.out,
  );
  assert.match((await served.nerve("sense", "trigger", "lisener", "--dry")).err, /there is no sense "lisener"/);
});

Deno.test("the daemon gives a sense signals by hand, beside those of the log, and why leads to the hand", async () => {
  await using served = await serveWorkspace({ senses, workflows: { tidy }, files, yaml });
  const low = await served.nerve("sense", "trigger", "listener", "--trigger", "low.json", "--wait");
  assert.match(low.out, /📡 listener signal (\d+) \{"n":1,"used":\[0\.5\],"from":"disk"\}/);
  const id = /signal (\d+)/.exec(low.out)?.[1] ?? "";
  assert.match((await served.nerve("why", id)).out, /because 👉 listener was triggered by hand\n/);
  await served.workspace.trigger("disk");
  await served.workspace.waitFor(
    (event) => event.kind === "signal" && event.signal.sense === "listener" && event.signal.id !== Number(id),
    "its answer to disk",
  );
  const full = await served.nerve("sense", "trigger", "listener", "--trigger", "full.json", "--wait");
  assert.match(full.out, /✅ listener started tidy/);
});

Deno.test("a file that holds no signal is refused with what to write", async () => {
  await using served = await serveWorkspace({ senses, workflows: { tidy }, files, yaml });
  for (
    const [text, why] of [["{", /is not JSON/], ["{}", /is not a signal: 0\.sense/], ["[]", /is not a signal/]] as const
  ) {
    served.workspace.write("bad.json", text);
    const { code, err } = await served.nerve("sense", "trigger", "listener", "--trigger", "bad.json", "--dry");
    assert.equal(code, 1);
    assert.match(err, why);
    assert.match(err, /write \{"sense": "disk-usage", "payload"/);
  }
  assert.match((await served.nerve("sense", "trigger", "listener", "--trigger", "none.json")).err, /cannot be read/);
});
