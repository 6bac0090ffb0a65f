/**
 * A real agent from end to end, with a real daemon that is killed: OpenCode as npm has it, behind its wall, and a model on this
 * machine. Dangers: a protocol that only our own scripted agent speaks, a wall in which no real agent works, a conversation
 * that a death ends. `deno task agents` only: npm brings 180 MB, once.
 */
import assert from "node:assert/strict";
import { systemLandlock } from "../../../src/base/landlock.ts";
import { AgentWorld } from "../../support/agent_world.ts";
import { tellIgnored } from "../../support/debian.ts";
import { nerveArguments } from "../../support/nerve_program.ts";
import { findOpencode, opencodeVariables, ScriptedModel } from "../../support/opencode.ts";

const isAsked = Deno.env.get("NERVE_AGENTS") === "1";
const found = isAsked ? await findOpencode() : { missing: "nobody asked for it" };
if (isAsked && "missing" in found) tellIgnored(`the test with OpenCode is ignored: ${found.missing}`);

async function nerve(world: AgentWorld, ...words: string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [...nerveArguments, ...words, "--workspace", world.workspace.root],
    stdin: "null",
  }).output();
  const said = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
  assert.ok(success, said);
  return said;
}

async function approveLeave(world: AgentWorld, id: string): Promise<void> {
  const asked = await world.until(
    `the request ${id}`,
    () => Promise.resolve(world.approvals().find((each) => each.id === id)),
  );
  assert.equal(asked.kind, "leave");
  await nerve(world, "approve", id);
}

Deno.test({
  name:
    "opencode: a tool, leave by nerve approve, a file; kill -9 in the middle of a prompt, and its conversation goes on",
  ignore: "missing" in found,
  async fn() {
    assert.ok("program" in found);
    for (const [name, value] of Object.entries(opencodeVariables)) Deno.env.set(name, value);
    await using model = new ScriptedModel();
    await using world = await AgentWorld.make({
      agent: {
        ...{ command: [found.program, "acp"], env: Object.keys(opencodeVariables), permissions: { ask: ["execute"] } },
        ...systemLandlock() > 0 && { confine: null },
      },
      roles: `first: of("make first.txt"), second: of("make second.txt")`,
    });
    const { workspace } = world, read = (name: string) => Deno.readTextFileSync(`${workspace.root}/work/${name}`);
    workspace.write("work/opencode.json", model.settings);
    model.holds = "second.txt";
    await world.start();
    await world.run("a");
    await approveLeave(world, "a:leave::1");
    await world.untilRow("a", "session.prompted", 2);
    assert.equal(read("first.txt"), "made\n");
    const isAsked = () => model.asked.some((messages) => JSON.stringify(messages.at(-1)).includes("second.txt"));
    await world.until("the model to have the second prompt", () => Promise.resolve(isAsked()));
    await world.kill();
    const before = model.asked.length;
    model.release();
    await world.start();
    await approveLeave(world, "a:leave::2");
    await world.untilStatus("a", "completed");
    assert.equal(read("second.txt"), "made\n");
    // The model was told the first prompt again: it is the same conversation.
    const told = model.asked.slice(before).map((messages) => JSON.stringify(messages));
    assert.ok(told.length > 0 && told.every((text) => text.includes("make first.txt")), told.join("\n"));
    await world.untilRow("a", "session.closed");
    assert.deepEqual(await world.types("a", /^session\.(?!used)/), [
      ...["session.created", "session.ready", "session.prompted", "session.answered"],
      ...["session.prompted", "session.recovered", "session.prompted", "session.answered", "session.closed"],
    ]);
    const said = (await world.daemon.client.messages("a", { limit: 5 })).map(({ content }) => content);
    assert.deepEqual(said, ["It is made.", "It is made."]);
    assert.match(await nerve(world, "session", "list", "--all"), /author/);
  },
});
