/** The wait between two attempts of a role, while the daemon is killed. */
import assert from "node:assert/strict";
import { systemClock } from "../../../src/base/clock.ts";
import { delay } from "../../../src/base/time.ts";
import type { WorkspacePaths } from "../../../src/config/workspace.ts";
import { isPlainObject, type Json } from "../../../src/protocol/json.ts";
import { openDatabase } from "../../../src/store/sqlite/database.ts";
import { long } from "../../support/long_form.ts";
import { Daemon } from "../../support/mortal_daemon.ts";
import { steps } from "../../support/workflow_life.ts";
import { makeWorkspace, within } from "../../support/workspace_fixture.ts";

const backoffMs = 3_600_000;

const workflow = steps(`one: {
  retry: { attempts: 2, backoff: ${backoffMs} },
  run: () => { throw new Error("no"); },
}`);

// An hour passes between the second kill and the third start: the row of the failure is made an hour older.
long.test("kill -9 of the daemon during a backoff neither restarts the wait nor forgets the attempts", async () => {
  await using workspace = await makeWorkspace({
    yaml: { workflows: { w: { concurrency: 2 } } },
    workflows: { w: workflow },
  });
  const { paths } = workspace;
  let daemon = await Daemon.start(paths);
  try {
    const [failure] = await failsOnce(daemon, "a");
    assert.deepEqual([failure?.failures, failure?.waitMs], [1, backoffMs]);
    await daemon.kill();
    daemon = await Daemon.start(paths);
    // A failure after the start has begun its wait by now, and so has an earlier one.
    await failsOnce(daemon, "b");
    assert.deepEqual(await payloads(daemon, "run.resumed", "a"), [], "the wait is cut short");
    await daemon.kill();
    makeOlder(paths, "a", backoffMs);
    daemon = await Daemon.start(paths);
    // A wait that started over would last an hour.
    const run = await within(daemon.client.run("a", true), "the run to end", () => daemon.output);
    assert.deepEqual([run.status, run.exitCode, run.attempt], ["failed", 1, 2]);
    assert.match(run.reason ?? "", /^role one failed in round 1, attempt 2 of 2: no/);
    const failures = await payloads(daemon, "run.attempt_failed", "a");
    assert.deepEqual(failures.map(({ failures, retryAt }) => [failures, retryAt]), [
      [1, Number(failure?.retryAt) - backoffMs],
      [2, null],
    ]);
    assert.deepEqual(await payloads(daemon, "run.resumed", "b"), [], "the other one still waits");
    await daemon.stop();
  } finally {
    await daemon.kill();
  }
});

/** Starts a run; resolves when its first attempt has failed, with the payload of that row. */
async function failsOnce(daemon: Daemon, runId: string): Promise<Record<string, Json>[]> {
  await daemon.client.startRun("w", { runId });
  const failed = async () => {
    for (;; await delay(systemClock, 20)) {
      const found = await payloads(daemon, "run.attempt_failed", runId);
      if (found.length > 0) return found;
    }
  };
  return await within(failed(), `the first attempt of ${runId} to fail`, () => daemon.output);
}

async function payloads(
  { client }: Daemon,
  type: "run.attempt_failed" | "run.resumed",
  refId: string,
): Promise<Record<string, Json>[]> {
  const rows = await client.logs({ refId, type, order: "asc" });
  return rows.map(({ payload }) => isPlainObject(payload) ? payload as Record<string, Json> : {});
}

/** Puts the failures of a run back in time, while no daemon runs, in spite of the triggers that protect rows. */
function makeOlder(paths: WorkspacePaths, runId: string, ms: number): void {
  using db = openDatabase(paths.logDatabase);
  const guards = db.prepare("select name, sql from sqlite_schema where type = 'trigger' and tbl_name = 'logs'").all();
  for (const { name } of guards) db.exec(`drop trigger ${name}`);
  const { changes } = db.prepare(
    "update logs set ts = ts - ?1, payload = json_set(payload, '$.retryAt', json_extract(payload, '$.retryAt') - ?1)" +
      " where ref_id = ?2 and type = 'run.attempt_failed'",
  ).run(ms, runId);
  for (const { sql } of guards) db.exec(String(sql));
  assert.equal(changes, 1);
}
