/**
 * A kernel with real processes whose wall clock is set while it runs, and nerve's own watch of it. The bugs were: set
 * back by 30 minutes, a cron line of every second stood still for 30 minutes, and the kernel was up for minus 30 minutes.
 */
import assert from "node:assert/strict";
import { systemClock } from "../../../src/base/clock.ts";
import { long } from "../../support/long_form.ts";
import { watchedClock } from "../../support/watched_clock.ts";
import { startWorkspace } from "../../support/workspace_fixture.ts";

const hourMs = 3_600_000;

long.test("the wall clock is set back and forward: cron lines go on, waits end, and spans stay what they are", async () => {
  const clock = watchedClock(systemClock), from = systemClock.monotonic();
  const tick = "export const compute = () => 1;",
    fails = `import { defineWorkflow, END } from "nerve";
    export default defineWorkflow({
      roles: { r: { run: () => {
        Deno.writeTextFileSync("files/tries", "x", { append: true });
        if (Deno.readTextFileSync("files/tries").length === 1) throw new Error("not yet");
        return { content: "done", meta: {} };
      }, retry: { attempts: 2, backoff: "1h" } } },
      moderator: ({ messages }) => messages.length === 0 ? "r" : END,
    });`;
  await using workspace = await startWorkspace({
    clock,
    senses: { tick },
    workflows: { fails },
    files: { "files/tries": "" },
    yaml: {
      senses: { tick: {} },
      workflows: { fails: { permissions: { read: ["files"], write: ["files"] } } },
      reflexes: [{ sense: "tick", cron: "* * * * * *" }],
    },
  });
  const { runId } = await workspace.kernel.startWorkflow("fails");
  await workspace.log("workflow:fails", /not yet/);
  await workspace.signal("tick");

  clock.jump(-hourMs / 2);
  const setBack = clock.now();
  // Its row may be from before the jump: it is heard of once it is on disk.
  await workspace.signal("tick", workspace.events.length);
  for (let count = 0; count < 2; count++) {
    const { signal } = await workspace.signal("tick", workspace.events.length);
    assert.ok(signal.ts < setBack + hourMs / 4, "it waited for the old time");
  }
  assert.ok(workspace.kernel.health().uptimeMs <= systemClock.monotonic() - from);
  assert.ok(workspace.kernel.health().uptimeMs >= 0);

  clock.jump(2 * hourMs);
  const { run, tookMs } = await workspace.run("completed", 0);
  assert.equal(run.runId, runId);
  assert.ok(run.endedAt !== null && run.endedAt - run.queuedAt > hourMs, "the wait of an hour was cut short");
  assert.ok(tookMs !== null && tookMs >= 0 && tookMs <= systemClock.monotonic() - from);
  assert.ok(workspace.kernel.health().uptimeMs <= systemClock.monotonic() - from);
});
