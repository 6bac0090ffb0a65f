/** The agents that workflows may use exist, and each is used by a workflow. */
import assert from "node:assert/strict";
import { configOf, hintOf, problemLinesOf } from "../../support/parsed_config.ts";

const file = (named: string) =>
  `senses: { s: {} }
reflexes: [{ sense: s, interval: 1m }]
agents: { claude: { protocol: command, command: [x], confine: none } }
workflows: { w: { agents: [${named}] } }
`;

Deno.test("an agent that is not there is an error with the nearest name, one that nobody may ask a warning", () => {
  const lines = problemLinesOf(file("claud")).filter((line) => !line.includes("confine"));
  assert.deepEqual(lines, [
    "warning agents.claude: no workflow may ask it",
    'error workflows.w.agents[0]: there is no agent "claud"',
  ]);
  assert.equal(hintOf(file("claud"), "workflows.w.agents[0]"), 'did you mean "claude"?');
  assert.deepEqual(problemLinesOf(file("claude")).filter((line) => !line.includes("confine")), []);
});

Deno.test("a misspelt section of agents gives no errors about each of their names", () => {
  const lines = problemLinesOf(file("claude").replace("agents: { claude", "agent: { claude"));
  assert.deepEqual(lines.filter((line) => line.includes("no agent")), []);
});

Deno.test("the agent fake is there without an entry, and an entry replaces it", () => {
  assert.deepEqual(problemLinesOf(file("claude, fake")).filter((line) => !line.includes("confine")), []);
  assert.equal(hintOf(file("claude, fakee"), "workflows.w.agents[1]"), 'did you mean "fake"?');
  assert.equal(configOf(file("fake")).workflows.get("w")?.agents.get("fake")?.scenario, null);
  const own = file("fake").replace("agents: {", "agents: { fake: { protocol: fake, scenario: x.yaml },");
  assert.equal(configOf(own).workflows.get("w")?.agents.get("fake")?.scenario, "x.yaml");
});
