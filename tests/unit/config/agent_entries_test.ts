/** `agents` of nerve.yaml: what an entry must contain, and a warning for anyone who opens the sandbox. */
import assert from "node:assert/strict";
import { noBudget } from "../../../src/protocol/agent.ts";
import { agentPresets } from "../../../src/config/agent_presets.ts";
import { configOf, hintOf, problemLinesOf } from "../../support/parsed_config.ts";

const flow = "workflows: { w: { agents: [a] } }\nsenses: { s: {} }\nreflexes: [{ sense: s, interval: 1m }]\n";
const entry = (text: string) => `${flow}agents: { a: ${text} }\n`;

Deno.test("an agent has its program, and defaults for all that it need not say", () => {
  const { agents, workflows } = configOf(entry("{ protocol: command, command: [x, '{prompt}'], confine: none }"));
  const plain = {
    ...{ resume: null, sessionField: null, allow: [], ask: [], deny: [], budget: noBudget, confined: false, read: [] },
    ...{ env: [], maxSessions: 2, ready: null, idleMs: 3_000, scenario: null },
  };
  const expected = { name: "a", protocol: "command", command: ["x", "{prompt}"], ...plain };
  assert.deepEqual(agents.get("a"), expected);
  assert.deepEqual(workflows.get("w")?.agents, new Map([["a", expected]]));
});

Deno.test("an agent is confined unless nerve.yaml says otherwise, which is a warning", () => {
  const warning = "warning agents.a.confine: confine: none opens the sandbox: this agent may do all that you may";
  assert.deepEqual(problemLinesOf(entry("{ protocol: command, command: [x], confine: none }")), [warning]);
  const confined = "protocol: command, command: [x]";
  assert.deepEqual(problemLinesOf(entry(`{ ${confined}, read: [/srv] }`)), []);
  assert.equal(configOf(entry(`{ ${confined} }`)).agents.get("a")?.confined, true);
  assert.match(
    problemLinesOf(entry(`{ ${confined}, read: [/] }`)).join(),
    /warning .*read of "\/" opens the environment/,
  );
});

Deno.test("each key that is wrong is told with its place", () => {
  const rest = "protocol: command, command: [x], confine: none";
  const cases = [
    ["{ confine: none }", /error agents.a: the key "protocol" is missing/],
    ["{ confine: none }", /error agents.a: the key "command" is missing/],
    ["{ protocol: telepathy, command: [x], confine: none }", /error agents.a.protocol/],
    [`{ ${rest}, resume: [x] }`, /error agents.a.resume: does not say which conversation goes on/],
    [`{ ${rest}, session_field: id }`, /error agents.a.session_field: session_field has no effect without resume/],
    [`{ ${rest}, permissions: { allow: [read] } }`, /error agents.a.permissions: permissions has no effect with/],
    [`{ protocol: acp, command: [x], confine: none, resume: [x] }`, /agents.a.resume: resume has no effect with/],
    [
      `{ protocol: acp, command: [x], confine: none, permissions: { allow: [fly] } }`,
      /error agents.a.permissions.allow\[0\]: "fly" is no rule/,
    ],
    [
      `{ protocol: acp, command: [x], permissions: { deny: ["edit **x"] } }`,
      /permissions.deny\[0\]: its path \*\* stands/,
    ],
    [`{ ${rest}, budget: { time: soon } }`, /error agents.a.budget.time: /],
    [`{ ${rest}, budget: { cost: { soft: 3, hard: 2 } } }`, /agents.a.budget.cost.soft: soft is not below hard/],
    [`{ ${rest}, budget: { tokens: -1 } }`, /error agents.a.budget.tokens/],
    [`{ ${rest}, read: [/srv] }`, /error agents.a.read: read has no effect with confine: none/],
    [`{ protocol: command, command: [x], read: [""] }`, /error agents.a.read\[0\]: is no path/],
    [`{ ${rest}, env: ["A=b"] }`, /error agents.a.env\[0\]: "A=b" is not the name of a variable/],
    [`{ ${rest}, env: [HOME] }`, /error agents.a.env\[0\]: HOME is set by nerve itself/],
    [`{ ${rest}, max_sessions: 51 }`, /error agents.a.max_sessions/],
    [`{ ${rest}, scenario: x.yaml }`, /error agents.a.scenario: scenario has no effect with protocol: command/],
    [`{ ${rest}, ready: '>' }`, /error agents.a.ready: ready has no effect with protocol: command/],
    ["{ protocol: terminal, command: [x], ready: '(' }", /error agents.a.ready: is no regular expression/],
    ["{ protocol: terminal, command: [x], session_field: x }", /error agents.a.session_field: session_field has no/],
    ["{ protocol: fake, command: [x] }", /error agents.a.command: command has no effect with protocol: fake/],
    ["{ protocol: fake, scenario: 7 }", /error agents.a.scenario: must be a file or a list/],
    ["{ protocol: fake, scenario: [{ do: [{ sing: x }] }] }", /error agents.a.scenario\[0\].do\[0\].sing/],
    [
      "{ protocol: fake, scenario: [{ do: [{ die: 1, fail: x }] }] }",
      /error agents.a.scenario\[0\].do\[0\]: must have/,
    ],
  ] as const;
  for (const [text, wanted] of cases) assert.match(problemLinesOf(entry(text)).join("\n"), wanted, text);
  assert.equal(
    hintOf(entry("{ protocol: command, comand: [x], confine: none }"), "agents.a.comand"),
    'did you mean "command"?',
  );
});

Deno.test("a scripted agent needs nothing, and has its scenario as it is written", () => {
  assert.deepEqual(problemLinesOf(entry("{ protocol: fake }")), []);
  const { agents } = configOf(entry("{ protocol: fake, scenario: [{ do: [{ artifact: null }, { answer: x }] }] }"));
  assert.deepEqual(agents.get("a")?.scenario, [{ do: [{ artifact: null }, { answer: "x" }] }]);
});

Deno.test("a budget has hard limits, and soft ones where they are written", () => {
  const text =
    "{ protocol: command, command: [x], budget: { tokens: 5, cost: { soft: 1.5, hard: 2 }, time: { soft: 30m } } }";
  assert.deepEqual(configOf(entry(text)).agents.get("a")?.budget, {
    tokens: { soft: null, hard: 5 },
    cost: { soft: 1.5, hard: 2 },
    timeMs: { soft: 1_800_000, hard: null },
  });
});

Deno.test("a preset gives what an entry does not say, and every one of them is whole", () => {
  for (const [preset, { lines, env }] of Object.entries(agentPresets)) {
    for (
      const [at, [protocol, { command, resume = null, session_field: field = null }]] of Object.entries(lines).entries()
    ) {
      const named = at === 0 ? "" : `, protocol: ${protocol}`, text = entry(`{ preset: ${preset}${named} }`);
      assert.deepEqual(problemLinesOf(text), [], text);
      const made = configOf(text).agents.get("a");
      const { protocol: chosen, command: line, resume: further, sessionField, env: variables } = made ?? assert.fail();
      assert.deepEqual([chosen, line, further, sessionField, variables], [protocol, command, resume, field, env]);
    }
  }
  const own = configOf(entry("{ preset: claude, command: [x], env: [KEY], max_sessions: 9 }")).agents.get("a");
  assert.deepEqual([own?.protocol, own?.command, own?.env, own?.maxSessions], ["acp", ["x"], ["KEY"], 9]);
  assert.match(problemLinesOf(entry("{ preset: gemini, protocol: command }")).join(), /the key "command" is missing/);
  assert.match(problemLinesOf(entry("{ preset: clyde }")).join(), /error agents.a.preset/);
});
