/**
 * A person kills a run while the log cannot be written. Danger: the role goes on, or nothing is recorded afterwards. On a
 * full disk: disk_test.ts.
 */
import assert from "node:assert/strict";
import { openDatabase } from "../../../src/store/sqlite/database.ts";
import { runEnd, steps } from "../../support/workflow_life.ts";
import { startWorkspace, within, type WorkspaceFixture } from "../../support/workspace_fixture.ts";

const permissions = { read: ["./side"], write: ["./side"] };
const roles = `{
  wait: ({ signal }) => new Promise((_, reject) => {
    Deno.writeTextFileSync("side/begun", "");
    signal.addEventListener("abort", () => {
      Deno.writeTextFileSync("side/aborted", "");
      reject(signal.reason);
    });
  }),
}`;

async function there(workspace: WorkspaceFixture, name: string): Promise<void> {
  const seen = async () => {
    for await (const _ of Deno.watchFs(`${workspace.root}/side`)) if (has(workspace, name)) return;
  };
  if (!has(workspace, name)) await within(Promise.race([seen(), poll(workspace, name)]), `the file side/${name}`);
}

Deno.test("a run that is killed while another program holds the log's lock ends at once, and is recorded when it is free", async () => {
  await using workspace = await startWorkspace({
    yaml: { workflows: { w: { permissions } } },
    workflows: { w: steps(roles) },
    files: { "side/.keep": "" },
  });
  const { kernel, paths } = workspace;
  await kernel.startWorkflow("w", { runId: "r" });
});
