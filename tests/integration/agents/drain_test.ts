/**
 * How the host of sessions stops and starts, by a real daemon: the cases of the contract of sessions, each under its
 * number. Dangers: two hosts of one workspace, an answer that is thrown away by a stop, or a stop that never ends.
 */
import assert from "node:assert/strict";
import { AgentWorld } from "../../support/agent_world.ts";
import { long } from "../../support/long_form.ts";
import { secondHostIsRefused } from "../../support/second_host.ts";

long.test("cases 1, 11, 15: the lock is held while a prompt drains, and a second host is refused and changes nothing", async () => {
  const roles = `ask: of("until open"), next: of("say next")`, workflow = { drain_timeout: "2m" };
  await using world = await AgentWorld.make({ roles, workflow });
  await world.start();
  await world.run("a");
  await world.untilRow("a", "session.prompted");
  const before = [world.sessions(), await world.types("a")];
  await secondHostIsRefused(world.workspace.root);
  assert.deepEqual([world.sessions(), await world.types("a")], before);
  const stopping = world.stop();
  await secondHostIsRefused(world.workspace.root);
  world.set("open");
  await stopping;
  // The caller got its normal answer, and no agent a new prompt.
  assert.equal(world.count("session.answered"), 1);
  assert.equal(world.count("session.prompted"), 1);
  assert.equal(world.count("run.message"), 1);
  await world.start();
  await world.untilStatus("a", "completed");
  const said = (await world.daemon.client.messages("a", { limit: 9 })).map(({ content }) => content).sort();
  assert.deepEqual(said, ["next", "went on, prompt 1"]);
});

long.test("case 12: the lock is held while an artifact is looked for, and its role gets it", async () => {
  await using world = await AgentWorld.make({ roles: `ask: of("say done", { artifact: { path: "out.json" } })` });
  await world.start();
  await world.run("a");
  await world.untilRow("a", "artifact.expected");
  const stopping = world.stop();
  world.workspace.write("work/out.json", '{"late": true}');
  await stopping;
  assert.deepEqual([world.count("artifact.taken"), world.count("run.message")], [1, 1]);
  await world.start();
  await world.untilStatus("a", "completed");
  const [message] = await world.daemon.client.messages("a", { limit: 9 });
  assert.deepEqual(message?.meta.artifact, { late: true });
});

long.test("case 25: past drain_timeout the daemon ends, the lock is free, and the run is left to recovery", async () => {
  await using world = await AgentWorld.make({ roles: `ask: of("until open")`, workflow: { drain_timeout: "500ms" } });
  await world.start();
  await world.run("a");
  await world.untilRow("a", "session.prompted");
  await world.stop();
  assert.deepEqual(["run.message", "run.attempt_failed", "run.failed"].map((type) => world.count(type)), [0, 0, 0]);
  await world.start();
  world.set("open");
  await world.untilStatus("a", "completed");
  assert.deepEqual(await world.types("a", /^(session\.recovered|session\.prompted|session\.failed)$/), [
    ...["session.prompted", "session.recovered", "session.prompted"],
  ]);
});
