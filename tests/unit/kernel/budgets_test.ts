/**
 * What agents have used, by the rows of a real log, and the person who lets them go on. Danger: an agent that spends on
 * unattended, or one that asks at every prompt.
 */
import assert from "node:assert/strict";
import { AgentRequests } from "../../../src/kernel/agent_requests.ts";
import { Budgets } from "../../../src/kernel/budgets.ts";
import type { Json } from "../../../src/protocol/json.ts";
import type { LogType } from "../../../src/protocol/log.ts";
import type { SessionRecord } from "../../../src/protocol/session.ts";
import { newRun, runRow, type StoreBench, withStore } from "../../support/store_bench.ts";

const session: SessionRecord = {
  ...{ id: "s1", runId: "r", workflow: "cleanup", name: "main", agent: "coder", cwd: "/ws", state: "BUSY" },
  ...{ conversation: null, recoveryAttempts: 0, created: 1, changed: 1 },
};

/** Budgets over a store that has the run "r". */
function withBudgets(test: (world: ReturnType<typeof createWorld>, bench: StoreBench) => Promise<void>): Promise<void> {
  return withStore(async (bench) => {
    await bench.store.runs.create(newRun("r"), runRow("r"));
    await test(createWorld(bench), bench);
  });
}

function createWorld({ store, clock }: StoreBench) {
  const approvers = () => ({ people: new Map(), groups: new Map() });
  const requests = new AgentRequests({ store, clock, approvers, append: (row) => store.log.append(row) });
  const budgets = new Budgets(store, requests);
  requests.onDecided = (approval) => budgets.onDecided(approval);
  const open = () => store.reader.approvals({ all: false, limit: 9, offset: 0 }).items;
  return {
    ...{ budgets, open },
    /** Everybody who asked is there by then. */
    async asked() {
      await clock.until(() => open().length > 0, "a request");
      return open()[0] ?? assert.fail();
    },
    async decide(option: string): Promise<void> {
      const [request = assert.fail("nobody has asked")] = open();
      await requests.decide(request.id, { option, digest: request.digest, token: "t" });
    },
    tell(payload: Json, type: LogType = "session.used", refId = "r"): void {
      store.log.append({ source: "workflow:cleanup", type, refId, causeId: null, payload });
    },
  };
}

const never = () => new AbortController().signal;

Deno.test("what an agent has used in a run is the sum of its rows, also those that are not on disk yet", () =>
  withBudgets(({ budgets, tell }) => {
    assert.deepEqual(budgets.used(session), { tokens: 0, cost: 0, timeMs: 0 });
    tell({ agent: "coder", usage: { tokens: 5, cost: 0.25, timeMs: 100 } }, "session.answered");
    tell({ agent: "coder", usage: { tokens: 2, cost: 0.5 } });
    tell({ agent: "coder", usage: { timeMs: 7 } }, "session.answered");
    assert.deepEqual(budgets.used(session), { tokens: 7, cost: 0.75, timeMs: 107 });
    return Promise.resolve();
  }));

Deno.test("other agents, runs and kinds of rows count nothing, and neither do rows without a usage", () =>
  withBudgets(({ budgets, tell }) => {
    const usage = { tokens: 5, cost: 1, timeMs: 1 };
    tell({ agent: "writer", usage });
    tell({ agent: "coder", usage }, "session.used", "r2");
    tell({ agent: "coder", usage }, "session.prompted");
    for (const odd of [null, "x", [], { agent: "coder" }, { agent: "coder", usage: null }, { usage }]) tell(odd);
    assert.deepEqual(budgets.used(session), { tokens: 0, cost: 0, timeMs: 0 });
    assert.equal(budgets.used({ runId: "r", agent: "writer" }).tokens, 5);
    return Promise.resolve();
  }));

for (const [option, goesOn] of [["approve", true], ["reject", false]] as const) {
  Deno.test(`a person is asked what is to be done, and ${option} ${goesOn ? "lets the agent go on" : "ends it"}`, () =>
    withBudgets(async ({ budgets, asked, decide }) => {
      const answer = budgets.ask(session, "tokens: 60 of 50", never());
      const { id, kind, gate, role, title, options } = await asked();
      assert.deepEqual([id, kind, gate, role], ["r:budget-coder::1", "budget", "budget-coder", "main"]);
      assert.deepEqual([title, options], ["Agent coder comes to its budget: go on?", ["approve", "reject"]]);
      await decide(option);
      assert.equal(await answer, goesOn);
    }));
}

Deno.test("a run asks once for each agent: the answer counts at once from then on, also in the next daemon", () =>
  withBudgets(async ({ budgets, asked, decide }, bench) => {
    const answer = budgets.ask(session, "tokens: 60 of 50", never());
    await asked();
    await decide("approve");
    assert.equal(await answer, true);
    // Nobody waits for what is decided: each prompt would leave somebody behind.
    const signal = Object.assign(never(), { addEventListener: () => assert.fail("it waits") });
    assert.equal(await budgets.ask(session, "tokens: 90 of 50", signal), true);
    await bench.reopen();
    const next = createWorld(bench);
    assert.equal(await next.budgets.ask(session, "tokens: 99 of 50", never()), true);
    assert.deepEqual(next.open(), []);
    assert.equal(bench.store.runs.countApprovals("r", "budget-coder"), 1);
  }));

Deno.test("several prompts of an agent wait for one request, and another agent has its own", () =>
  withBudgets(async ({ budgets, asked, decide, open }) => {
    const first = budgets.ask(session, "tokens: 60 of 50", never());
    await asked();
    const second = budgets.ask({ ...session, name: "other" }, "tokens: 60 of 50", never());
    assert.equal(open().length, 1);
    await decide("reject");
    assert.deepEqual(await Promise.all([first, second]), [false, false]);
    void budgets.ask({ ...session, agent: "writer" }, "cost: 1.00 of 0.50", never());
    assert.equal((await asked()).gate, "budget-writer");
  }));

Deno.test("who does not wait any more is told no, and the request stays for the next prompt", () =>
  withBudgets(async ({ budgets, asked, decide }) => {
    const controller = new AbortController(), answer = budgets.ask(session, "x", controller.signal);
    await asked();
    controller.abort();
    assert.equal(await answer, false);
    assert.equal(await budgets.ask(session, "x", AbortSignal.abort()), false);
    const next = budgets.ask(session, "x", never());
    await decide("approve");
    assert.equal(await next, true);
  }));

Deno.test("a run that ends while its agent waits lets it not go on, and one that has ended or is not there asks nobody", () =>
  withBudgets(async ({ budgets, asked, open }, { store }) => {
    const answer = budgets.ask(session, "x", never()), request = await asked();
    const end = { status: "killed", exitCode: 137, endedAt: 9 } as const;
    await store.runs.transition("r", { from: ["started"] }, end, runRow("r", { type: "run.killed" }));
    budgets.onDecided({ ...request, body: "", signature: null });
    assert.equal(await answer, false);
    assert.equal(await budgets.ask({ ...session, agent: "writer" }, "x", never()), false);
    assert.equal(await budgets.ask({ ...session, runId: "none" }, "x", never()), false);
    assert.deepEqual(open(), []);
  }));
