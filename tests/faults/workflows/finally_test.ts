/** `finally` in real processes, after every end, and over deaths of the daemon: at least once, with one result. */
import assert from "node:assert/strict";
import { systemClock } from "../../../src/base/clock.ts";
import { NerveError } from "../../../src/base/errors.ts";
import { delay } from "../../../src/base/time.ts";
import type { LogRow } from "../../../src/protocol/log.ts";
import { StoreReader } from "../../../src/store/log/reader.ts";
import { long } from "../../support/long_form.ts";
import { Daemon } from "../../support/mortal_daemon.ts";
import { faultTest, randomFrom, repeatedBy } from "../../support/seed.ts";
import { serveWorkspace } from "../../support/served_workspace.ts";
import { makeWorkspace, within, type WorkspaceFixture } from "../../support/workspace_fixture.ts";

/** Its prompt says how a run ends; `finally` says what it was told. */
const text = `import { defineWorkflow, END } from "nerve";
export default defineWorkflow({
  roles: {
    first: () => ({ content: "began", meta: {} }),
    work: async ({ start, signal, log }) => {
      if (start.prompt === "fail") throw new Error("it failed");
      if (start.prompt !== "hang") return { content: "done", meta: {} };
      log("info", start.runId + " works");
      return await new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
    },
  },
  moderator: ({ messages }) => (["first", "work"] as const)[messages.length] ?? END,
  finally: {
    timeout: "20s",
    run: async ({ start, messages, end, idempotencyKey, config, log, signal }) => {
      log("info", "closes " + start.runId);
      if (start.payload === "throws") throw new Error("it cannot be closed");
      if (start.payload === "hangs") await new Promise((_, no) => signal.addEventListener("abort", () => no(signal.reason)));
      if (start.payload === "silent") return;
      return { content: end.status, meta: { exitCode: end.exitCode, rounds: messages.length, key: idempotencyKey, of: config.of } };
    },
  },
});
`;
const settings = { concurrency: 4, config: { of: "w" }, overflow: "queue", max_queue: 100 };

/** The row of a run that was closed, once it is there. */
async function closedRow(workspace: WorkspaceFixture, runId: string): Promise<LogRow> {
  for await (const row of following(workspace)) if (row.refId === runId) return row;
  throw new Error(`the log ended before run ${runId} was closed`);
}

/** Whether the daemon did it. It may be killed meanwhile, and a slow machine lets it answer late. */
async function attempt(act: () => Promise<unknown>): Promise<boolean> {
  try {
    await act();
    return true;
  } catch (thrown) {
    if (!(thrown instanceof NerveError)) throw thrown;
    return false;
  }
}

/** Waits for so many lines of the run's `finally`. */
function lines(daemon: Daemon, runId: string, count: number): Promise<void> {
  let seen = 0;
  const look = async () => {
    while (seen < count) {
      await attempt(async () => seen = (await daemon.client.logs({ refId: runId, type: "run.log" })).length);
      await delay(systemClock, 10);
    }
  };
  return within(look(), `${count} lines of run ${runId}`, () => daemon.output);
}

async function* following(workspace: WorkspaceFixture): AsyncGenerator<LogRow> {
  const feed = workspace.kernel.api.followLog();
  try {
    yield* await workspace.rows({ type: "run.closed" });
    for await (const row of feed) if (row.type === "run.closed") yield row;
  } finally {
    feed.close();
  }
}

Deno.test("finally runs after each end, with the run's messages, and its result is in the log", async () => {
  await using served = await serveWorkspace({ yaml: { workflows: { w: settings } }, workflows: { w: text } });
  const { workspace } = served, { kernel } = workspace;
  await kernel.startWorkflow("w", { runId: "done" });
  const { payload, causeId } = await closedRow(workspace, "done");
  const meta = { exitCode: 0, rounds: 2, key: "done:finally", of: "w" };
  assert.deepEqual(payload, { status: "completed", attempts: 1, content: "completed", meta });
  const [end] = await workspace.rows({ refId: "done", type: "run.completed" });
  assert.equal(causeId, end?.id, "its cause is the row that ended the run");
  await kernel.startWorkflow("w", { runId: "failed", prompt: "fail", payload: "throws" });
  const failed = Object((await closedRow(workspace, "failed")).payload);
  assert.deepEqual([failed.status, failed.attempts], ["failed", 1]);
  assert.match(failed.error, /^it cannot be closed \(.*index\.ts:17:45\)$/);
  const from = workspace.events.length;
  await kernel.startWorkflow("w", { runId: "killed", prompt: "hang", payload: "silent" });
  await workspace.log("workflow:w", /^killed works$/, from);
  assert.equal((await served.nerve("workflow", "kill", "killed")).code, 0);
  const silent = { status: "killed", attempts: 1, content: "", meta: {} };
  assert.deepEqual((await closedRow(workspace, "killed")).payload, silent);
  assert.match((await served.nerve("workflow", "inspect", "done")).out, /finally +completed/);
  assert.match((await served.nerve("workflow", "inspect", "failed")).out, /finally +failed: it cannot be closed/);
});

long.test("a run that was killed before its workflow was ever loaded is closed too", async () => {
  const yaml = { workflows: { w: settings } };
  await using workspace = await makeWorkspace({ yaml, workflows: { w: text } });
  const kernel = await workspace.start();
  await kernel.startWorkflow("w", { runId: "r", inMs: 3_600_000 });
  await kernel.api.killRun("r", null);
  const { payload } = await closedRow(workspace, "r");
  assert.deepEqual([Object(payload).status, Object(payload).meta.rounds], ["killed", 0]);
});

long.test("a finally that the stop of the daemon cut short runs again at the next start", async () => {
  await using workspace = await makeWorkspace({ yaml: { workflows: { w: settings } }, workflows: { w: text } });
  let daemon = await Daemon.start(workspace.paths);
  try {
    await daemon.client.startRun("w", { runId: "r", payload: "hangs" });
    await within(daemon.client.run("r", true), "the end of the run", () => daemon.output);
    await lines(daemon, "r", 1);
    await daemon.kill();
    daemon = await Daemon.start(workspace.paths);
    await lines(daemon, "r", 2);
    assert.equal((await daemon.client.run("r", false)).status, "completed");
  } finally {
    await daemon.kill();
  }
});

faultTest("kill -9 around the ends of runs: each run is closed, with one result", async (seed) => {
  const random = randomFrom(seed), ids = Array.from({ length: 16 }, (_, n) => `r${n}`);
  const prompts = ["", "fail", "hang"], payloads = ["", "throws", "silent"];
  await using workspace = await makeWorkspace({ yaml: { workflows: { w: settings } }, workflows: { w: text } });
  let daemon = await Daemon.start(workspace.paths);
  try {
    for (const part of [0, 1]) {
      const dies = delay(systemClock, 50 + random() * 400).then(() => daemon.kill());
      for (const runId of ids.slice(8 * part, 8 * part + 8)) {
        const of = (all: readonly string[]) => all[Math.floor(random() * all.length)] ?? "";
        const request = { runId, prompt: of(prompts), payload: of(payloads) };
        const isKilled = request.prompt === "hang" || random() < 0.2;
        await attempt(async () => {
          await daemon.client.startRun("w", request);
          if (isKilled) await daemon.client.killRun(runId, {});
        });
      }
      await dies;
      daemon = await Daemon.start(workspace.paths);
    }
    for (const runId of ids) {
      if (!await attempt(() => daemon.client.run(runId, false))) continue;
      // One that hangs, and others that are done before they can be killed.
      await attempt(() => daemon.client.killRun(runId, {}));
    }
    let open = ids.length;
    const look = async () => {
      const started = await daemon.client.logs({ type: "run.started", limit: 1_000 });
      const queued = await daemon.client.logs({ type: "run.queued", limit: 1_000 });
      const runs = new Set([...started, ...queued].map(({ refId }) => refId));
      open = runs.size - (await daemon.client.logs({ type: "run.closed", limit: 1_000 })).length;
    };
    const closed = async () => {
      while (!await attempt(look) || open > 0) await delay(systemClock, 20);
    };
    await within(closed(), "every run to be closed", () => `${daemon.output}\n${repeatedBy(seed)}`);
  } finally {
    await daemon.kill();
  }
  const reader = StoreReader.open(workspace.paths.logDatabase);
  try {
    for (const runId of ids) {
      const run = reader?.run(runId) ?? null, rows = reader?.logs({ refId: runId, type: "run.closed" }) ?? [];
      assert.equal(rows.length, run === null ? 0 : 1, `${runId}: ${repeatedBy(seed)}`);
      assert.equal(Object(rows[0]?.payload).status, run?.status, repeatedBy(seed));
    }
  } finally {
    reader?.close();
  }
}, long);
