/**
 * Runs whose messages take much memory. Danger: a thread that is built as one text when its run resumes or is retried
 * ends its process, although the run would have completed without the interruption.
 */
import assert from "node:assert/strict";
import { long } from "../../support/long_form.ts";
import { atWork, closeGate, gated, openGate, rowsOf, runEnd, steps } from "../../support/workflow_life.ts";
import { startWorkspace } from "../../support/workspace_fixture.ts";

/** A workflow whose run has `count` messages of 1 MiB before its last role, which has two rounds. */
function pages(count: number, content: string, last: string): string {
  return steps(
    `page: () => ({ content: ${content}, meta: {} }), last: ${last}`,
    `({ messages }) => messages.length < ${count} ? "page" : messages.length < ${count + 2} ? "last" : END`,
  );
}

/** V8 keeps two bytes for each character of a text with one that is not Latin. */
const wide = `"\\u2192" + "a".repeat(1024 * 1024 - 3)`;

long.test("a role that fails once after 75 MiB of wide messages is tried again", async () => {
  const flaky = `{
    retry: { attempts: 2, backoff: "10ms" },
    run: ({ log }) => {
      if (failed) return { content: "ok", meta: {} };
      failed = true;
      log("info", "fails");
      throw new Error("once");
    },
  }`;
  await using workspace = await startWorkspace({ workflows: { w: `let failed = false;\n${pages(75, wide, flaky)}` } });
  await workspace.kernel.startWorkflow("w", { runId: "r" });
  assert.equal((await runEnd(workspace, "r")).status, "completed");
});

long.test(
  "runs of 40 MiB resume together after a restart: as many at a time as their process has room for",
  async () => {
    const wait = gated.text().replace(/^[^]*pass: /, "").replace(/,? \};?\nvoid[^]*$/, "");
    const workflow = pages(40, `"a".repeat(1024 * 1024)`, wait);
    await using workspace = await startWorkspace({
      yaml: { workflows: { w: { concurrency: 3, memory: "160MiB", ...gated.settings } } },
      workflows: { w: workflow },
    });
    closeGate(workspace);
    const ids = ["a", "b", "c"];
    for (const id of ids) await atWork(workspace, "w", id);
    // The running roles get their time, and no further one begins.
    const stopping = workspace.stop();
    openGate(workspace);
    await stopping;
    await workspace.start();
    for (const id of ids) assert.equal((await runEnd(workspace, id)).status, "completed", id);
    assert.deepEqual(await workspace.rows({ type: "run.crashed" }), []);
    for (const id of ids) assert.equal((await rowsOf(workspace, id, "run.resumed")).length, 1, id);
  },
);
