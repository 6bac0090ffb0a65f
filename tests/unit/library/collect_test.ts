/** The totals of a day of the log. The log is an array that answers in pages, as the real one does. */
import assert from "node:assert/strict";
import type { LogRow, SenseLogs } from "../../../src/sdk/mod.ts";
import { collect } from "../../../workflows/digest/collect.ts";

function logOf(rows: Partial<LogRow>[]): SenseLogs {
  const all = rows.map((row, at) =>
    ({ id: at + 1, ts: at, refId: null, causeId: null, payload: {}, ...row }) as LogRow
  );
  return {
    query({ type, sinceMs = 0, untilMs = Infinity, beforeId = Infinity, limit = 100 }) {
      return all.filter((row) => row.type === type && row.ts >= sinceMs && row.ts < untilMs && row.id < beforeId)
        .reverse().slice(0, limit);
    },
  };
}

const cpu = { source: "sense:cpu" }, tidy = { source: "workflow:tidy", refId: "r1" };

Deno.test("signals, runs and errors are counted per sense, with the last of each", () => {
  const { senses } = collect(
    logOf([
      { ...cpu, type: "sense.signal", payload: { payload: { used: 1 } } },
      { ...cpu, type: "sense.signal", payload: { payload: { used: 2 } } },
      { ...cpu, type: "sense.directive" },
      { ...cpu, type: "sense.error", payload: { message: "no df" } },
      { ...cpu, type: "sense.timeout", payload: { message: "late", repeated: 4 } },
    ]),
    0,
    100,
  );
  assert.deepEqual(senses, [
    { name: "cpu", signals: 2, runs: 1, errors: 5, lastAt: 1, last: '{"used":2}', lastError: "no df" },
  ]);
});

Deno.test("a death that is followed by another attempt does not count as the end of a run", () => {
  const { workflows, failures } = collect(
    logOf([
      { ...tidy, type: "run.crashed", payload: { attempt: 1 } },
      { ...tidy, type: "run.crashed", payload: { status: "crashed", reason: "died 3 times" } },
      { ...tidy, type: "run.completed" },
      { ...tidy, type: "run.dropped" },
    ]),
    0,
    100,
  );
  assert.deepEqual(workflows, [{ name: "tidy", completed: 1, ended: 1, dropped: 1 }]);
  assert.deepEqual(failures, [{ workflow: "tidy", runId: "r1", how: "crashed", reason: "died 3 times" }]);
});

Deno.test("every page of the log is read, and only for the requested period", () => {
  const rows = Array.from({ length: 2_500 }, () => ({ ...cpu, type: "sense.signal" as const, payload: {} }));
  assert.equal(collect(logOf(rows), 0, Infinity).senses[0]?.signals, 2_500);
  assert.equal(collect(logOf(rows), 10, 20).senses[0]?.signals, 10);
});

Deno.test("the totals are bounded: what is left out is counted, and long texts are cut", () => {
  const rows = Array.from({ length: 200 }, (_, n) => ({
    source: `sense:s${n}`,
    type: "sense.signal" as const,
    payload: { payload: "x".repeat(1_000) },
  }));
  const totals = collect(logOf(rows), 0, Infinity);
  assert.equal(totals.senses.length + totals.leftOut, 200);
  assert.ok((totals.senses[0]?.last?.length ?? 0) < 300);
  assert.ok(JSON.stringify(totals).length < 128 * 1024);
});
