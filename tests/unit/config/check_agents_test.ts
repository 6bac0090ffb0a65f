/** The agents that workflows may ask exist, and each is asked by somebody. */
import assert from "node:assert/strict";
import { hintOf, problemLinesOf } from "../../support/parsed_config.ts";

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
