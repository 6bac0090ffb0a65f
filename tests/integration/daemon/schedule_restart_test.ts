/** The bug was: an hourly sense computed at every start of the daemon, and after every death of the kernel. */
import assert from "node:assert/strict";
import { systemClock } from "../../../src/base/clock.ts";
import { openStore } from "../../../src/store/store.ts";
import { DaemonWorkspace } from "../../support/daemon.ts";
import { long } from "../../support/long_form.ts";

long.test("an hourly sense computes once, however often the kernel is killed and the daemon starts", async () => {
  await using workspace = await DaemonWorkspace.make();
  const view = async () => {
    const { out } = await workspace.nerve("sense", "list", "--json"), [sense] = JSON.parse(out).items;
    return sense as { nextDue: number; counters: { computes: number } };
  };
  await workspace.start();
  await workspace.reached("the first compute", async () => (await view()).counters.computes === 1);
  const { nextDue } = await view();
  for (let kills = 0; kills < 2; kills++) {
    const { kernel } = workspace.pids();
    Deno.kill(kernel, "SIGKILL");
    await workspace.reached("a new kernel", async () => {
      const { document } = await workspace.status();
      return document.health?.pid !== undefined && document.health.pid !== kernel;
    });
  }
  await workspace.nerve("restart");
  assert.ok(Math.abs((await view()).nextDue - nextDue) < 2_000, "the hour began anew");
  await workspace.nerve("stop");
  const store = openStore(workspace.paths.logDatabase, systemClock);
  const signals = store.reader.logs({ type: "sense.signal", limit: 10 });
  await store.close();
  assert.equal(signals.length, 1);
});
