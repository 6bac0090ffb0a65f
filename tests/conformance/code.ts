/** The part of list.ts about the processes of a workflow that die, and its code that changes while runs go on. */
import assert from "node:assert/strict";
import { type Ability, frail, script } from "./world.ts";

export const code: readonly Ability[] = [
  {
    what: "the death of the workflow's process costs an attempt, and no finished role runs again",
    async act(world) {
      const run = await world.start(["say", "slow", "say"], { ms: 1_000 });
      await world.working(run);
      Deno.kill(world.workspace.pid("script"), "SIGKILL");
      assert.deepEqual(await world.result(run), ["completed", 0]);
      assert.equal((await world.end(run)).attempt, 2);
      const said = world.workspace.events.filter((each) => each.kind === "log" && each.message === `say ${run}:1`);
      assert.equal(said.length, 1);
    },
  },
  {
    what: "code that is saved while a run goes on: it moves to it, and goes on",
    async act(world) {
      const run = await world.start(["say", "ping", "other"]);
      await world.reaches(run, "waiting");
      world.workspace.write("workflows/script/index.ts", script.replace('content: "other"', 'content: "new"'));
      await world.api.reload();
      await world.api.sendEvent(run, { name: "ping", key: "1" });
      assert.deepEqual(await world.result(run), ["completed", 0]);
      assert.equal(world.contents(run)[2], "new");
    },
  },
  {
    what: "three deaths of its process at one round end a run as crashed, with exit code 255",
    async act(world) {
      const from = world.workspace.events.length;
      await world.api.startRun("frail", { runId: "dies", payload: { path: ["hangs", "first"] } });
      for (let death = 1, since = from; death <= 3; death++) {
        await world.workspace.log("workflow:frail", /^hangs$/, since);
        since = world.workspace.events.length;
        Deno.kill(world.workspace.pid("frail"), "SIGABRT");
      }
      assert.deepEqual(await world.result("dies"), ["crashed", 255]);
      assert.match((await world.end("dies")).reason ?? "", /died 3 times at round 1, the last time it aborted/);
      assert.equal((await world.rowsOf("dies", "run.closed"))[0]?.content, "closed: crashed");
    },
  },
  {
    what: "code that contradicts a run pauses it, and says so; it goes on once a person accepts the code",
    async act(world) {
      const payload = { path: ["first", "go", "last"] }, run = "held";
      await world.api.startRun("frail", { runId: run, payload });
      await world.reaches(run, "waiting");
      world.workspace.write("workflows/frail/index.ts", frail.replace("payload.path", "payload.path.toReversed()"));
      await world.api.reload();
      await world.api.sendEvent(run, { name: "go", key: "1" });
      await world.reaches(run, "paused");
      const reason = /the code changed under the run, .*round 1 was done by "first", but .* returns "last"/;
      assert.match(world.api.records.run(run)?.reason ?? "", reason);
      // Resumed as it is, it is paused again.
      await world.api.resumeRun(run);
      await world.until("a second pause", async () => (await world.rowsOf(run, "run.paused")).length === 2);
      await world.api.resumeRun(run, true);
      assert.deepEqual(await world.result(run), ["completed", 0]);
      assert.deepEqual(world.roles(run), ["first", "go", "first"]);
    },
  },
];
