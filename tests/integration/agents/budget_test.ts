/** Budgets of agents, by a real daemon. Danger: an agent that spends on, unattended, or again after a restart. */
import assert from "node:assert/strict";
import { AgentWorld } from "../../support/agent_world.ts";
import { long } from "../../support/long_form.ts";

const roles = `first: of("spend 60 0.5"), second: of("spend 60 0.5"), third: of("say done")`;

long.test("at a soft limit a person is asked once for the run, before the next prompt; a refusal fails the role", async () => {
  const agent = { budget: { tokens: { soft: 50 } } };
  await using world = await AgentWorld.make({ agent, roles, workflow: { concurrency: 2 } });
  await world.start();
  await world.run("a");
  const asked = await world.untilAsked();
  assert.deepEqual([asked.id, asked.kind], ["a:budget-x::1", "budget"]);
  assert.equal((await world.types("a", /^session\.prompted$/)).length, 1);
  // The request outlives the daemon: the role that runs again does not ask anew.
  await world.restart();
  await world.untilStatus("a", "started");
  await world.decide(asked, "approve");
  await world.untilStatus("a", "completed");
  assert.deepEqual(world.approvals(true).map(({ id }) => id), ["a:budget-x::1"]);
  await world.run("b");
  const other = await world.until(
    "a request",
    () => Promise.resolve(world.approvals().find(({ runId }) => runId === "b")),
  );
  await world.decide(other, "reject");
  await world.untilStatus("b", "failed");
  assert.match(
    (await world.daemon.client.run("b", false)).reason ?? "",
    /refused more than its budget: tokens: 60 of 50/,
  );
});

Deno.test("at a hard limit the run is paused, also in the middle of a prompt, and goes on with a larger budget", async () => {
  const agent = { budget: { cost: 0.4, time: "1h" } };
  await using world = await AgentWorld.make({ agent, roles: `first: of("spend 1 0.5 hang"), second: of("say done")` });
  await world.start();
  await world.run("a");
  await world.untilStatus("a", "paused");
  const { reason } = await world.daemon.client.run("a", false);
  assert.equal(reason, "paused: the budget of agent x is used up: cost: 0.50 of 0.40");
  await world.daemon.client.resumeRun("a");
  await world.untilRow("a", "run.paused", 2);
  assert.equal((await world.types("a", /^session\.prompted$/)).length, 1, "no further prompt was sent");
});
