/** `nerve status` with a real daemon. */
import assert from "node:assert/strict";
import * as outputs from "../../../src/cli/render/json_schemas.ts";
import type { LogType } from "../../../src/protocol/log.ts";
import { long } from "../../support/long_form.ts";
import { past, storeRun } from "../../support/past_workspace.ts";
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

long.test("status shows private memory, and where the socket is; doctor shows it too", async () => {
  await using served = await serveWorkspace({
    yaml: { senses: { good: {} } },
    senses: { good: "export const compute = () => 1;" },
  });
  assert.equal((await served.nerve("sense", "trigger", "good", "--wait")).code, 0);
  const { out } = await served.nerve("status"), { socket } = served.workspace.paths;
  const { health, socket: told } = outputs.statusOutput.parse(JSON.parse((await served.nerve("status", "--json")).out));
  const [unit] = health?.units ?? [];
  assert.ok(unit?.privateBytes != null && unit.memoryBytes !== null && unit.privateBytes < unit.memoryBytes);
  assert.match(out, /^🟢 group good +running +\d+ +[\d.]+ MiB +0/m);
  assert.equal(told, socket);
  for (const text of [out, (await served.nerve("doctor")).out]) assert.ok(text.includes(socket), text);
});

Deno.test("status and doctor name the programs that cannot be ended", async () => {
  await using served = await serveWorkspace({ senses: { a: "export const compute = () => 1;" } });
  // No test can hang a program in the system everywhere; everything else here is real.
  const { api } = served.workspace.kernel, health = api.health.bind(api);
  const stuck = "sense a: df (pid 12) cannot be ended: it hangs in the system (state D)";
  api.health = () => ({ ...health(), stuckPrograms: [stuck] });
  assert.ok((await served.nerve("status")).out.includes(`🔴 ${stuck}\n`), (await served.nerve("status")).out);
  const { out, code } = await served.nerve("doctor");
  assert.equal(code, 1);
  assert.ok(out.includes(stuck), out);
});

Deno.test("a problem is no longer among the last ones when a later good row of its subject has ended it", async () => {
  await past(async (store) => {
    const add = (source: `sense:${string}` | `group:${string}`, type: LogType) =>
      store.log.append({
        source,
        type,
        refId: source.slice(6),
        causeId: null,
        payload: { message: `${source} ${type}` },
      });
    add("sense:mended", "sense.error");
    add("sense:broken", "sense.error");
    add("sense:broken", "sense.null");
    add("sense:mended", "sense.timeout");
    add("sense:mended", "sense.load_failed");
    add("group:dead", "group.died");
    add("group:alive", "group.died");
    add("sense:mended", "sense.signal");
    add("group:alive", "group.ready");
    add("sense:broken", "sense.error");
    await storeRun(store, "bad", 1, "failed");
  }, async ({ nerve }) => {
    const open = async () => {
      const { lastProblems } = outputs.statusOutput.parse(JSON.parse((await nerve("status", "--json")).out));
      return lastProblems.map(({ source, type }) => `${source} ${type}`);
    };
    assert.deepEqual(await open(), [
      "group:dead group.died",
      "sense:broken sense.error",
      "workflow:cleanup run.failed",
    ]);
  });
});

long.test("status shows runs that a full queue dropped: how many, and the last of them", async () => {
  await using served = await serveWorkspace({
    yaml: { workflows: { slow: { concurrency: 1, overflow: "queue", max_queue: 1 } } },
    workflows: {
      slow: `import { defineWorkflow, END } from "nerve";
        export default defineWorkflow({
          roles: { wait: ({ signal }) => new Promise((_, end) => signal.onabort = () => end(signal.reason)) },
          moderator: ({ messages }) => messages.length === 0 ? "wait" : END,
        });`,
    },
  });
  for (const id of ["one", "two", "three"]) {
    assert.equal((await served.nerve("workflow", "trigger", "slow", "--id", id)).code, 0);
  }
  await served.workspace.run("dropped");
  const { out } = await served.nerve("status");
  assert.match(out, /runs: 1 active, 1 queued, 1 dropped;/);
  assert.match(out, /run\.dropped workflow:slow two: the queue was full, and it was the oldest run in it/);
  const { health } = outputs.statusOutput.parse(JSON.parse((await served.nerve("status", "--json")).out));
  assert.deepEqual(health?.runs, { active: 1, queued: 1, waiting: 0, paused: 0, dropped: 1 });
});
