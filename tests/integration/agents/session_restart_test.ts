/** A conversation outlives the daemon: its session is found again, with the agent's own id of it. */
import assert from "node:assert/strict";
import { runEnd } from "../../support/workflow_life.ts";
import { startWorkspace } from "../../support/workspace_fixture.ts";

Deno.test("after a restart of the daemon the roles of a run go on with its conversation", async () => {
  await using workspace = await startWorkspace({
    yaml: {
      agents: {
        script: {
          protocol: "command",
          command: ["sh", "-c", `cat > /dev/null; echo '{"thread": "t-1"}'`],
          resume: ["sh", "-c", `echo "goes on with $1: $(cat)"`, "agent", "{session}"],
          session_field: "thread",
          confine: "none",
        },
      },
      workflows: { w: { agents: ["script"] } },
    },
    workflows: {
      w: `import { agent, defineWorkflow, END, event } from "nerve";
const names = ["first", "wait", "again"] as const;
export default defineWorkflow({
  roles: {
    first: agent({ agent: "script", session: "author", prompt: "one" }),
    wait: event("go"),
    again: agent({ agent: "script", session: "author", prompt: "two" }),
  },
  moderator: ({ messages }) => names[messages.length] ?? END,
});`,
    },
  });
  await workspace.kernel.startWorkflow("w", { runId: "a" });
  await workspace.run("waiting");
  await workspace.stop();
  await workspace.start();
  await workspace.kernel.api.sendEvent("a", { name: "go", key: "k", payload: {} });
  assert.equal((await runEnd(workspace, "a")).status, "completed");
  const said = workspace.kernel.api.records.messages("a", {});
  assert.equal(said.at(-1)?.content, "goes on with t-1: two");
  assert.equal(said.at(-1)?.meta.session, said[0]?.meta.session);
  // The end of its session is told after that of the run, and at the latest when the daemon stops.
  await workspace.stop();
  await workspace.start();
  const states = workspace.kernel.api.records.logs({ refId: "a" }).map(({ type }) => type)
    .filter((type) => type.startsWith("session."));
  const prompt = ["session.prompted", "session.answered"], begun = ["session.created", "session.ready"];
  assert.deepEqual(states, [...begun, ...prompt, "session.recovered", ...prompt, "session.closed"]);
});
