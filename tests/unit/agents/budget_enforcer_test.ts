/** A hard limit that is reached, and a pause that fails at first. Danger: an agent that keeps spending without end. */
import assert from "node:assert/strict";
import { BudgetEnforcer } from "../../../src/agents/budget_enforcer.ts";
import type { HostPorts } from "../../../src/agents/ports.ts";
import { noUsage } from "../../../src/agents/budget_usage.ts";
import { budgetLookMs } from "../../../src/base/agent_limits.ts";
import { type AgentDefinition, noBudget } from "../../../src/protocol/agent.ts";
import type { SessionRecord } from "../../../src/protocol/session.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { someAgents } from "../../support/some_agents.ts";

const plain = someAgents.get("claude") ?? assert.fail();
const limited: AgentDefinition = { ...plain, budget: { ...noBudget, tokens: { soft: null, hard: 10 } } };
const session = { runId: "a", agent: "claude" } as SessionRecord;

/** An enforcer whose first `failures` pauses fail; `paused` has the reason of each attempt. */
function enforcerWith(failures: number, used = noUsage) {
  const clock = new FakeClock(), paused: string[] = [];
  const pause = (_: string, reason: string) => Promise.resolve(paused.push(reason) > failures);
  const enforcer = new BudgetEnforcer({ clock, pause, used: () => used } as unknown as HostPorts);
  return { clock, paused, enforcer };
}

Deno.test("a pause that fails in the middle of a prompt is tried again until it works, and not after the prompt", async () => {
  const { clock, paused, enforcer } = enforcerWith(2), now = { ...noUsage, tokens: 0 };
  const unwatch = enforcer.watch(session, limited, () => now);
  await clock.tick(budgetLookMs);
  assert.deepEqual(paused, []);
  now.tokens = 10;
  await clock.tick(budgetLookMs);
  await clock.tick(budgetLookMs);
  assert.equal(paused.length, 2);
  await clock.tick(budgetLookMs);
  await clock.tick(5 * budgetLookMs);
  assert.deepEqual([...new Set(paused)], ["the budget of agent claude is used up: tokens: 10 of 10"]);
  assert.equal(paused.length, 3);
  unwatch();
  const other = enforcerWith(9), stop = other.enforcer.watch(session, limited, () => now);
  await other.clock.tick(budgetLookMs);
  stop();
  await other.clock.tick(5 * budgetLookMs);
  assert.equal(other.paused.length, 1);
});

Deno.test("a prompt that comes when all is used up is not sent, whether or not its run could be paused at once", async () => {
  const { clock, paused, enforcer } = enforcerWith(1, { ...noUsage, tokens: 10 }), gone = new AbortController();
  const admitted = enforcer.admit(session, limited, gone.signal).then(() => "sent", (thrown) => thrown);
  await clock.tick(0);
  assert.equal(paused.length, 1);
  await clock.tick(3 * budgetLookMs);
  assert.equal(paused.length, 2);
  const reason = new Error("its run is paused");
  gone.abort(reason);
  assert.equal(await admitted, reason);
});
