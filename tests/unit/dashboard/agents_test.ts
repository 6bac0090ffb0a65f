import assert from "node:assert/strict";
import { toSessions } from "../../../dashboard/parts/agents.ts";
import type { LogRow, LogType } from "../../../src/protocol/log.ts";

let id = 0;

function row(type: LogType, payload: Record<string, string | number | Record<string, number>>): LogRow {
  return { id: ++id, ts: id * 1_000, source: "workflow:w", type, refId: "run-1", causeId: null, payload };
}

Deno.test("toSessions() adds up what a session has used, and ends in its last state", () => {
  const rows = [
    row("session.created", { session: "a", name: "coder", agent: "claude" }),
    row("session.ready", { session: "a" }),
    row("session.prompted", { session: "a" }),
    row("session.answered", { session: "a", usage: { tokens: 40, cost: 0.5, timeMs: 300 } }),
    row("session.created", { session: "b", name: "critic", agent: "codex" }),
    row("session.prompted", { session: "a" }),
    row("session.used", { session: "a", usage: { tokens: 2, cost: 0, timeMs: 100 } }),
    row("session.failed", { session: "a" }),
    row("run.message", { session: "a" }),
  ];
  const [a, b, ...others] = toSessions(rows);
  assert.deepEqual(others, []);
  assert.deepEqual([a?.name, a?.agent, a?.runId, a?.workflow, a?.state], [
    "coder",
    "claude",
    "run-1",
    "w",
    "needs a person",
  ]);
  assert.deepEqual([a?.prompts, a?.tokens, a?.cost, a?.timeMs], [2, 42, 0.5, 400]);
  assert.deepEqual([b?.name, b?.state, b?.prompts], ["critic", "created", 0]);
  const closed = toSessions([...rows, row("session.closed", { session: "a" })]);
  assert.equal(closed.find(({ name }) => name === "coder")?.state, "ended");
});
