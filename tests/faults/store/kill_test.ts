/** Danger: while another program holds the log's lock, a role goes on that a person has killed, or the kill is forgotten. */
import assert from "node:assert/strict";
import type { DatabaseSync } from "node:sqlite";
import { systemClock } from "../../../src/base/clock.ts";
import { delay } from "../../../src/base/time.ts";
import { openDatabase } from "../../../src/store/sqlite/database.ts";
import { runEnd, steps } from "../../support/workflow_life.ts";
import { startWorkspace, within } from "../../support/workspace_fixture.ts";

const roles = `wait: ({ signal }) => new Promise((_, reject) => {
    Deno.writeTextFileSync("side/begun", "");
    signal.addEventListener("abort", () => {
      Deno.writeTextFileSync("side/aborted", "");
      reject(signal.reason);
    });
  })`;

/** The kernel of this process may be in the middle of a batch, which another turn ends. */
async function lock(db: DatabaseSync): Promise<void> {
  for (;;) {
    try {
      return db.exec("begin immediate");
    } catch (thrown) {
      if (!/locked/.test(String(thrown))) throw thrown;
      await delay(systemClock, 1);
    }
  }
}

Deno.test("a killed run ends at once while another program holds the log's lock, and is recorded when that is free", async () => {
  await using workspace = await startWorkspace({
    yaml: { workflows: { w: { permissions: { write: ["./side"] } } } },
    workflows: { w: steps(roles) },
    files: { "side/.keep": "" },
  });
  const written = async (name: string) => {
    while (![...Deno.readDirSync(`${workspace.root}/side`)].some((entry) => entry.name === name)) {
      await delay(systemClock, 5);
    }
  };
  const { kernel, paths } = workspace;
  await kernel.startWorkflow("w", { runId: "r" });
  await within(written("begun"), "the role to begin");
  using other = openDatabase(paths.logDatabase);
  await within(lock(other), "the log's lock");
  // It may be told that the log cannot be written yet: the run has ended all the same.
  const answered = assert.rejects(kernel.api.killRun("r", null), { message: /^run r was ended/ });
  await within(written("aborted"), "the role to be aborted while the log is locked");
  assert.equal(other.prepare("select status from workflow_runs where run_id = 'r'").get()?.status, "started");
  await answered;
  other.exec("rollback");
  const { status, exitCode } = await runEnd(workspace, "r");
  assert.deepEqual([status, exitCode], ["killed", 137]);
});
