import assert from "node:assert/strict";
import { buildBudget } from "../../../src/config/agent_budget.ts";
import type { AgentShape } from "../../../src/config/agent_schema.ts";
import { DiagnosticList } from "../../../src/config/diagnostic_list.ts";

function build(budget: AgentShape["budget"]) {
  const diagnostics = new DiagnosticList(() => ({ file: "nerve.yaml", line: 1, column: 1 }));
  const built = buildBudget(budget, ["agents", "coder", "budget"], diagnostics);
  return { built, lines: diagnostics.sorted().map(({ path, message }) => `${path}: ${message}`) };
}

Deno.test("without a budget nothing is limited, and a plain value is a hard limit", () => {
  assert.deepEqual(build(null).built, { tokens: null, cost: null, timeMs: null });
  assert.deepEqual(build({ tokens: 1_000, time: "30m" }).built, {
    tokens: { soft: null, hard: 1_000 },
    cost: null,
    timeMs: { soft: null, hard: 1_800_000 },
  });
});

Deno.test("each limit has a soft and a hard part, of which either may be missing", () => {
  const { built, lines } = build({ tokens: { soft: 10 }, cost: { soft: 1, hard: 2.5 }, time: { hard: "1h" } });
  assert.deepEqual([built, lines], [{
    tokens: { soft: 10, hard: null },
    cost: { soft: 1, hard: 2.5 },
    timeMs: { soft: null, hard: 3_600_000 },
  }, []]);
});

Deno.test("a soft limit that is not below the hard one would ask nobody", () => {
  for (const soft of [2, 3]) {
    assert.deepEqual(build({ cost: { soft, hard: 2 } }).lines, [
      "agents.coder.budget.cost.soft: soft is not below hard: nobody would be asked",
    ]);
  }
  assert.deepEqual(build({ time: { soft: "2h", hard: "90m" } }).lines.length, 1);
});

Deno.test("a time that is no duration is an error at its place, and limits nothing", () => {
  const { built, lines } = build({ time: { soft: "soon", hard: "later" } });
  assert.deepEqual(built.timeMs, { soft: null, hard: null });
  assert.deepEqual(lines.map((line) => line.split(":")[0]), [
    "agents.coder.budget.time.soft",
    "agents.coder.budget.time.hard",
  ]);
  assert.match(build({ time: "soon" }).lines.join(), /^agents\.coder\.budget\.time: /);
});
