import assert from "node:assert/strict";
import { toRounds } from "../../../dashboard/parts/rounds.ts";
import type { Json } from "../../../src/protocol/json.ts";
import type { LogRow, LogType } from "../../../src/protocol/log.ts";

let id = 0;

function row(ts: number, type: LogType, payload: Json = {}): LogRow {
  return { id: ++id, ts, source: "workflow:w", type, refId: "run-1", causeId: null, payload };
}

/** `work 0-10` for each span. */
function spansOf(rows: readonly LogRow[]): string[][] {
  return toRounds(rows).map(({ spans }) => spans.map(({ kind, from, to }) => `${kind} ${from}-${to ?? ""}`));
}

Deno.test("toRounds() gives each message a round, and the end one of its own", () => {
  const rows = [
    row(0, "run.queued"),
    row(100, "run.started"),
    row(300, "run.message", { round: 1, role: "look", content: "a" }),
    row(900, "run.message", { round: 2, role: "mend", content: "b" }),
    row(905, "run.completed"),
  ];
  assert.deepEqual(toRounds(rows).map(({ round, role }) => [round, role]), [[1, "look"], [2, "mend"], [3, ""]]);
  assert.deepEqual(spansOf(rows), [["queued 0-100", "work 100-300"], ["work 300-900"], []]);
  assert.deepEqual(toRounds(rows).at(-1)?.notes, [{ at: 905, tone: "good", text: "completed" }]);
});

Deno.test("toRounds() shows a failed attempt, the wait after it, and the next one", () => {
  const failed = { round: 1, role: "look", failures: 1, message: "no answer", retryAt: 2_000 };
  const rows = [row(0, "run.started"), row(1_000, "run.attempt_failed", failed)];
  assert.deepEqual(spansOf(rows), [["work 0-1000", "backoff 1000-2000", "work 2000-"]]);
  assert.deepEqual(toRounds(rows)[0]?.notes.map(({ text }) => text), ["attempt 1 failed: no answer"]);
});

Deno.test("toRounds() shows a wait, a pause and a death with what is said of them", () => {
  const rows = [
    row(0, "run.started"),
    row(100, "run.waiting", { reason: "sleeps", wait: { role: "rest", kind: "sleep" } }),
    row(500, "run.paused", { reason: "paused by ada" }),
    row(900, "run.resumed", { status: "waiting", after: "it was paused" }),
    row(1_000, "run.resumed", { status: "started", after: "its process died" }),
    row(1_500, "run.killed", { reason: "enough" }),
  ];
  assert.deepEqual(spansOf(rows), [[
    "work 0-100",
    "wait 100-500",
    "paused 500-900",
    "wait 900-1000",
    "work 1000-1500",
  ]]);
  assert.deepEqual(toRounds(rows)[0]?.notes.map(({ tone, text }) => [tone, text]), [
    ["wait", "paused by ada"],
    ["warn", "it was paused"],
    ["warn", "its process died"],
    ["bad", "killed: enough"],
  ]);
});

Deno.test("toRounds() numbers the rounds of a long run, of which only the newest rows are there", () => {
  const failed = { round: 58, role: "mend", failures: 1, message: "no answer", retryAt: 400 };
  const rows = [
    row(100, "run.message", { round: 56, role: "look", content: "a" }),
    row(200, "run.message", { round: 57, role: "look", content: "b" }),
    row(300, "run.attempt_failed", failed),
  ];
  assert.deepEqual(toRounds(rows).map(({ round, role }) => [round, role]), [[57, "look"], [58, "mend"]]);
  assert.deepEqual(toRounds(rows.slice(2)).map(({ round }) => round), [58]);
});
