/** The wait between two attempts of a role, while the daemon is killed. */
import assert from "node:assert/strict";
import { systemClock } from "../../../src/base/clock.ts";
import { delay } from "../../../src/base/time.ts";
import { isPlainObject } from "../../../src/protocol/json.ts";
import type { LogRow } from "../../../src/protocol/log.ts";
import { Daemon } from "../../support/mortal_daemon.ts";
import { steps } from "../../support/workflow_life.ts";
import { makeWorkspace, within } from "../../support/workspace_fixture.ts";

const backoffMs = 3_000;

Deno.test("kill -9 of the daemon during a backoff neither starts it over nor forgets the attempts", async () => {
  const seen: string[] = [];
  for (let inTime = false; !inTime;) {
    const { resumedMs, restartedMs } = await killedDuringBackoff();
    seen.push(`resumed ${resumedMs} ms after the failure, the daemon was back after ${restartedMs} ms`);
    // The wait is timed without the wall, which the machine may be setting right meanwhile.
    assert.ok(resumedMs >= backoffMs - 100, `the wait is cut short: ${seen.at(-1)}`);
    // One that begins anew never is. On a machine that pauses one that does not may be late once, not each time.
    inTime = resumedMs < restartedMs + backoffMs * 0.9;
    assert.ok(inTime || seen.length < 4, `the wait begins anew: ${seen.join("; ")}`);
  }
});

/** When the run went on, and when the new daemon answered, both from its role's failure on. */
async function killedDuringBackoff(): Promise<{ resumedMs: number; restartedMs: number }> {
  await using workspace = await makeWorkspace({
    workflows: {
      w: steps(`one: {
        retry: { attempts: 2, backoff: ${backoffMs} },
        run: () => { throw new Error("no"); },
      }`),
    },
  });
  let daemon = await Daemon.start(workspace.paths);
  const rows = (type: string): Promise<LogRow[]> => daemon.client.logs({ refId: "a", type, order: "asc" });
  try {
    await daemon.client.startRun("w", { runId: "a" });
    const failed = async () => {
      for (;;) {
        const [row] = await rows("run.attempt_failed");
        if (row !== undefined) return row;
        await delay(systemClock, 20);
      }
    };
    const { ts: failedAt } = await within(failed(), "the first attempt to fail", () => daemon.said);
    await delay(systemClock, backoffMs / 3);
    await daemon.kill();
    daemon = await Daemon.start(workspace.paths);
    const restartedAt = systemClock.now();
    const run = await within(daemon.client.run("a", true), "the run to end", () => daemon.said);
    assert.deepEqual([run.status, run.exitCode, run.attempt], ["failed", 1, 2]);
    assert.match(run.reason ?? "", /^role one failed in round 1, attempt 2 of 2: no/);
    const failures = (await rows("run.attempt_failed")).map(({ payload }) => isPlainObject(payload) ? payload : {});
    assert.deepEqual(failures.map(({ failures, retryAt }) => [failures, retryAt]), [
      [1, failures[0]?.retryAt],
      [2, null],
    ]);
    const [resumed] = await rows("run.resumed");
    assert.ok(resumed !== undefined);
    const retryAt = Number(failures[0]?.retryAt);
    assert.ok(Math.abs(retryAt - failedAt - backoffMs) < 500, "the row tells the time of the next attempt");
    await daemon.stop();
    return { resumedMs: resumed.ts - retryAt + backoffMs, restartedMs: restartedAt - retryAt + backoffMs };
  } finally {
    await daemon.kill();
  }
}
