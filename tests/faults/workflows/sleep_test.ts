/** Runs that sleep, in real processes and over deaths of the daemon: no process is kept, and no sleep is lost or doubled. */
import assert from "node:assert/strict";
import { systemClock } from "../../../src/base/clock.ts";
import { delay } from "../../../src/base/time.ts";
import { StoreReader } from "../../../src/store/log/reader.ts";
import { isLong, long, scaled } from "../../support/long_form.ts";
import { Daemon } from "../../support/mortal_daemon.ts";
import { rowsOf, runEnd } from "../../support/workflow_life.ts";
import { makeWorkspace, startWorkspace, within } from "../../support/workspace_fixture.ts";

/** Sleeps for `config.time` between two roles that say in which process they run. */
const sleeper = `import { defineWorkflow, END, sleep } from "nerve";
const say = ({ messages, start }) => ({ content: start.prompt + messages.length, meta: {} });
export default defineWorkflow({
  roles: { before: say, cool: sleep(({ config }) => String(config.time)), after: say },
  moderator: ({ messages }) => (["before", "cool", "after", END] as const)[messages.length] ?? END,
});
`;

const workflows = (time: string, more = {}) => ({ workflows: { w: { config: { time }, concurrency: 100, ...more } } });

Deno.test("a run sleeps between two roles and goes on with what it said", async () => {
  await using workspace = await startWorkspace({ yaml: workflows("50ms"), workflows: { w: sleeper } });
  await workspace.kernel.startWorkflow("w", { runId: "r", prompt: "p" });
  assert.deepEqual((await runEnd(workspace, "r")).status, "completed");
  const messages = workspace.kernel.api.records.messages("r", {});
  assert.deepEqual(messages.map(({ role }) => role), ["before", "cool", "after"]);
  assert.deepEqual([messages[0]?.content, messages[2]?.content], ["p0", "p2"]);
  const [, cool, after] = messages;
  assert.ok(Number(cool?.meta.until) <= (after?.ts ?? 0), "the next role began after the sleep");
  assert.equal((await rowsOf(workspace, "r", "run.waiting")).length, 1);
});

long.test("a time that throws fails its run, with its place", async () => {
  const thrower = sleeper.replace("String(config.time)", "{ throw new Error(`no time for ${config.time}`); }");
  await using workspace = await startWorkspace({ yaml: workflows("it"), workflows: { w: thrower } });
  await workspace.kernel.startWorkflow("w", { runId: "r" });
  const run = await runEnd(workspace, "r");
  assert.deepEqual([run.status, run.exitCode, run.rounds], ["failed", 1, 1]);
  assert.match(run.reason ?? "", /^role cool failed in round 2: its time threw: no time for it \(.*index.ts:4:/);
});

long.test("kill -9 of the daemon at any time: every run that was planned starts once, and none too early", async () => {
  const workspace = await makeWorkspace({ yaml: workflows("1ms"), workflows: { w: sleeper } });
  await using _ = workspace;
  let daemon = await Daemon.start(workspace.paths);
  const planned = Array.from({ length: 20 }, (_, n) => ({ runId: `p${n}`, inMs: 100 * n }));
  const asked = systemClock.now();
  try {
    for (const request of planned) await daemon.client.startRun("w", request);
    for (const afterMs of [0, 200, 400, 600]) {
      await delay(systemClock, afterMs);
      await daemon.kill();
      daemon = await Daemon.start(workspace.paths);
    }
    for (const { runId } of planned) await within(daemon.client.run(runId, true), `the end of ${runId}`);
  } finally {
    await daemon.kill();
  }
  const reader = StoreReader.open(workspace.paths.logDatabase);
  try {
    for (const { runId, inMs } of planned) {
      const run = reader?.run(runId), rows = reader?.logs({ refId: runId }).map(({ type }) => type) ?? [];
      assert.equal(run?.status, "completed", runId);
      assert.ok((run?.startedAt ?? 0) >= asked + inMs, `${runId} started after ${(run?.startedAt ?? 0) - asked} ms`);
      assert.equal(rows.filter((type) => type === "run.started").length, 1, rows.join());
      assert.equal(reader?.messages(runId).length, 3);
    }
  } finally {
    reader?.close();
  }
});

scaled.test("kill -9 of the daemon at any time: every sleep ends once, and no role runs for a round that is done", async () => {
  const workspace = await makeWorkspace({ yaml: workflows("400ms"), workflows: { w: sleeper } });
  await using _ = workspace;
  let daemon = await Daemon.start(workspace.paths);
  const ids = Array.from({ length: 30 }, (_, n) => `r${n}`);
  try {
    for (const id of ids) await daemon.client.startRun("w", { runId: id });
    for (const afterMs of isLong ? [0, 150, 300, 450] : [150]) {
      await delay(systemClock, afterMs);
      await daemon.kill();
      daemon = await Daemon.start(workspace.paths);
    }
    for (const id of ids) await within(daemon.client.run(id, true), `the end of ${id}`, () => daemon.output);
  } finally {
    await daemon.kill();
  }
  const reader = StoreReader.open(workspace.paths.logDatabase);
  try {
    for (const id of ids) {
      assert.equal(reader?.run(id)?.status, "completed", id);
      assert.deepEqual(reader?.messages(id).map(({ round, role }) => `${round}${role}`), [
        "1before",
        "2cool",
        "3after",
      ]);
      assert.equal(reader?.logs({ refId: id, type: "run.waiting" }).length, 1, `${id} began to wait once`);
    }
  } finally {
    reader?.close();
  }
});
