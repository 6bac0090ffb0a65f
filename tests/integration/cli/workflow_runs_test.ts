/** What `nerve workflow list` and `inspect` say of stored runs that need explaining. */
import assert from "node:assert/strict";
import type { Store } from "../../../src/store/store.ts";
import { long } from "../../support/long_form.ts";
import { past, storeRun } from "../../support/past_workspace.ts";
import { systemClock } from "../../../src/base/clock.ts";
import { delay } from "../../../src/base/time.ts";
import { serveWorkspace } from "../../support/served_workspace.ts";
import { writeWorkspace } from "../../support/temp_workspace.ts";

Deno.test("workflow list finds the runs of a workflow that is no longer in nerve.yaml", async () => {
  await past((store) => storeRun(store, "done", 1), async ({ root, nerve }) => {
    await writeWorkspace(root, { "nerve.yaml": "senses: {}\n" });
    const { code, out } = await nerve("workflow", "list", "--all", "--workflow", "cleanup");
    assert.deepEqual([code, /✅ {2}done /.test(out)], [0, true], out);
  });
});

Deno.test("workflow inspect shows why a run failed in full, and how many rows there are", async () => {
  await past(async (store) => {
    await storeRun(store, "run-7", 1, "started");
    const message = `no space: ${"x".repeat(1_000)} end`,
      ref = { runId: "run-7", workflow: "cleanup", attempt: 1, causeId: null };
    const wait = { waitMs: 5, retryAt: 9, failedAt: { wall: 4, boot: null } };
    const failure = { round: 2, role: "scan", failures: 1, attempts: 2, message, ...wait, exhausted: "fail" } as const;
    assert.ok(await store.runs.appendRoleFailure(ref, failure));
  }, async ({ nerve }) => {
    const { out } = await nerve("workflow", "inspect", "run-7", "--limit", "10");
    assert.match(out, /run\.attempt_failed .*no space: x{1000} end/);
    assert.match(out, /\n4 rows of 4\n/);
    assert.equal(JSON.parse((await nerve("workflow", "inspect", "run-7", "--limit", "1", "--json")).out).total, 4);
  });
});

Deno.test("a run that is paused for its code says why in workflow list, inspect and why, and among the last problems", async () => {
  const ref = { runId: "run-7", workflow: "cleanup", attempt: 1, causeId: null };
  const paused = (code: string | null) => async (store: Store) => {
    await storeRun(store, "run-7", 1, "started");
    const pause = { from: "started", since: 5, reason: null, wait: null, code } as const;
    assert.ok(await store.runs.pause(ref, pause, "paused: the code changed under the run"));
  };
  await past(paused("v1"), async ({ nerve }) => {
    const { out } = await nerve("workflow", "inspect", "run-7");
    assert.match(out, /reason +paused: the code changed under the run\n/);
    assert.match(
      out,
      /next: save code that agrees with its messages, nerve workflow resume run-7 --accept-code, or kill it\n/,
    );
    assert.match((await nerve("workflow", "list")).out, /run-7 .* paused .* paused: the code changed under the run/);
    assert.match((await nerve("why", "run-7")).out, /now: paused: the code changed under the run/);
    assert.match((await nerve("status")).out, /run\.paused .*paused: the code changed under the run/);
  });
  await past(paused(null), async ({ nerve }) => {
    assert.match((await nerve("workflow", "inspect", "run-7")).out, /next: nerve workflow resume run-7\n/);
    assert.doesNotMatch((await nerve("status")).out, /the code changed under the run/, "somebody wanted that");
  });
});

Deno.test("a run that sleeps says until when in workflow list, inspect, thread and why; then it has another attempt", async () => {
  const of = { runId: "run-7", workflow: "cleanup", attempt: 1, causeId: null };
  const until = Date.UTC(2026, 0, 2), boot = { wall: 5, boot: null };
  const sleep = { round: 2, role: "cool", kind: "sleep", since: boot, due: until, dueBoot: null, event: null } as const;
  const wait = async (store: Store) => {
    await storeRun(store, "run-7", 1, "started");
    assert.ok(await store.runs.beginWait(of, sleep, "role cool sleeps until 2026-01-02T00:00:00.000Z"));
  };
  const says = /role cool sleeps until 2026-01-02T00:00:00\.000Z/;
  await past(wait, async ({ nerve }) => {
    assert.match((await nerve("workflow", "list")).out, new RegExp(`💤 +run-7 .* waiting .* ${says.source}`));
    assert.match((await nerve("workflow", "list")).out, /cleanup +0 of 2 +0 +1 /);
    for (const command of ["inspect", "thread"]) assert.match((await nerve("workflow", command, "run-7")).out, says);
    assert.match(
      (await nerve("workflow", "inspect", "run-7")).out,
      /next: it continues automatically, or nerve workflow kill/,
    );
    assert.match((await nerve("why", "run-7")).out, new RegExp(`💤 now: ${says.source}`));
  });
  await past(async (store) => {
    await wait(store);
    const slept = { round: 2, role: "cool", content: "slept", meta: { until }, ts: until };
    assert.ok(await store.runs.settleWait(of, slept));
  }, async ({ nerve }) => {
    assert.match(
      (await nerve("workflow", "inspect", "run-7")).out,
      new RegExp(`\\n2 +.* +3 +it waited: ${says.source}\\n`),
    );
  });
});

long.test("what the finally of an ended run did, or that it is still to run, is in workflow list, thread and inspect", async () => {
  const closing = `import { defineWorkflow, END } from "nerve";
export default defineWorkflow({
  roles: { say: ({ start }) => ({ content: start.prompt, meta: {} }) },
  moderator: ({ messages }) => messages.length === 0 ? "say" : END,
  finally: async ({ start, signal }) => {
    if (start.prompt === "bad") throw new Error("no way to tidy up");
    if (start.prompt === "slow") await new Promise((resolve) => signal.addEventListener("abort", resolve));
    return { content: "tidied up", meta: {} };
  },
});
`;
  await using served = await serveWorkspace({
    yaml: { workflows: { w: { concurrency: 3 } } },
    workflows: { w: closing },
  });
  const { workspace } = served;
  for (const prompt of ["good", "bad"]) {
    await workspace.kernel.startWorkflow("w", { runId: prompt, prompt });
    const isClosed = async () => (await workspace.rows({ refId: prompt, type: "run.closed" })).length > 0;
    while (!await isClosed()) await delay(systemClock, 10);
  }
  await workspace.kernel.startWorkflow("w", { runId: "slow", prompt: "slow" });
  await workspace.waitFor(
    (event) => event.kind === "run" && event.run.runId === "slow" && event.run.endedAt !== null,
    "its end",
  );
  const list = (await served.nerve("workflow", "list", "--all")).out;
  assert.match(list, /slow +w +completed, closing +0/);
  assert.match(list, /bad +w +completed, finally failed +0/);
  assert.match(list, /good +w +completed +0/);
  assert.match((await served.nerve("workflow", "thread", "good")).out, /\nrounds 1-1 of 1\nfinally: tidied up\n$/);
  assert.match((await served.nerve("workflow", "thread", "bad")).out, /\nfinally: failed: no way to tidy up/);
  assert.match((await served.nerve("workflow", "thread", "slow")).out, /\nfinally: it is still to run\n$/);
  assert.match((await served.nerve("workflow", "inspect", "bad")).out, /finally +failed: no way to tidy up/);
});
