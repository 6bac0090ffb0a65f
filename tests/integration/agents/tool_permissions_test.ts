/**
 * Agents that ask leave, by a real daemon: a person decides, and the agent waits. Dangers: leave that nobody gave, a
 * request that nobody waits for, or an agent that waits for ever.
 */
import assert from "node:assert/strict";
import { systemLandlock } from "../../../src/base/landlock.ts";
import { AgentWorld, scriptedAgent } from "../../support/agent_world.ts";
import { long } from "../../support/long_form.ts";

const permissions = { allow: ["read"], ask: ["edit src"], deny: ["execute"] };
/** Confined, where this system can. */
const confined = systemLandlock() > 0 ? { confine: null, read: scriptedAgent.slice(-1) } : {};
const agent = { permissions, ...confined };

async function answerOf(world: AgentWorld, runId: string): Promise<unknown> {
  await world.untilStatus(runId, "completed");
  const [message] = await world.daemon.client.messages(runId, { limit: 1 });
  return JSON.parse(message?.content ?? "").optionId;
}

Deno.test("an agent has leave as the rules say, and by the decision of a person where they say ask", async () => {
  await using world = await AgentWorld.make({ agent, roles: `ask: of("x", { prompt: ({ start }) => start.prompt })` });
  await world.start();
  await world.run("read", "ask read");
  await world.run("execute", "ask execute");
  assert.deepEqual(world.approvals(true), []);
  assert.deepEqual([await answerOf(world, "read"), await answerOf(world, "execute")], [
    "o-allow_once",
    "o-reject_once",
  ]);
  for (const [option, wanted] of [["approve", "o-allow_once"], ["reject", "o-reject_once"]] as const) {
    await world.run(option, "ask edit src/a.ts");
    const asked = await world.untilAsked();
    assert.deepEqual([asked.id, asked.kind, asked.title], [`${option}:leave::1`, "leave", "x: edit: do edit"]);
    assert.equal((await world.daemon.client.run(option, false)).status, "started");
    assert.equal(await world.decide(asked, option), false);
    assert.equal(await world.decide(asked, option), true, "a decision that is repeated");
    await assert.rejects(world.decide(asked, option === "approve" ? "reject" : "approve"), /was decided/);
    assert.equal(await answerOf(world, option), wanted);
  }
});

long.test("nobody decides for an agent that has died, was killed with its run, or with the daemon", async () => {
  await using world = await AgentWorld.make({
    agent,
    roles: `ask: of("ask edit src/a.ts")`,
    workflow: { concurrency: 3 },
  });
  await world.start();
  await world.run("a");
  const first = await world.untilAsked();
  await world.daemon.client.killRun("a", {});
  await world.until("it to be closed", () => Promise.resolve(world.approvals().length === 0));
  await assert.rejects(world.decide(first, "approve"), /was decided|does not wait/);
  await world.run("b");
  const asked = await world.untilAsked();
  await world.restart();
  // The agent is asked again, and so is the person: the old request is over.
  const again = await world.until(
    "another request",
    () => Promise.resolve(world.approvals().find(({ id }) => id !== asked.id)),
  );
  await assert.rejects(world.decide(asked, "approve"), /was decided: reject/);
  await world.decide(again, "approve");
  assert.equal(await answerOf(world, "b"), "o-allow_once");
});
