/** Chains of causes, and the sentences for what did and did not happen. */
import assert from "node:assert/strict";
import { describeFirstCause, describeNonAction, describeRow, traceCauses } from "../../../src/cli/render/cause_text.ts";
import { formatClockTime } from "../../../src/cli/render/terminal.ts";
import type { LogFilter, LogRow } from "../../../src/protocol/log.ts";

function row(change: Partial<LogRow>): LogRow {
  return {
    ...{ id: 1, ts: 0, source: "sense:cpu", type: "sense.signal", refId: "cpu", causeId: null, payload: {} },
    ...change,
  };
}

function logOf(...rows: LogRow[]): { allLogs(filter: LogFilter): LogRow[] } {
  return { allLogs: ({ afterId = 0, beforeId = Infinity }) => rows.filter(({ id }) => id > afterId && id < beforeId) };
}

Deno.test("a chain leads back to the row without a cause, and says when a cause has left the log", () => {
  const first = row({ id: 3, payload: { compute: 12, trigger: "interval" } });
  const second = row({ id: 7, causeId: 3 }), third = row({ id: 9, causeId: 7 });
  const chain = traceCauses(logOf(first, second, third), third);
  assert.deepEqual(chain, { rows: [third, second, first], missing: null });
  assert.equal(describeFirstCause(chain), "that was compute 12, due by its interval");
  const cut = traceCauses(logOf(second, third), third);
  assert.deepEqual(cut, { rows: [third, second], missing: 3 });
  assert.equal(describeFirstCause(cut), "row 3, which caused that, is no longer in the log");
});

Deno.test("the end of a chain says what was triggered and what was started by hand", () => {
  const chainOf = (type: LogRow["type"]) => ({ rows: [row({ type })], missing: null });
  assert.equal(describeFirstCause(chainOf("run.queued")), "that was started by hand");
  assert.equal(describeFirstCause(chainOf("sense.triggered")), "that was triggered by hand");
});

Deno.test("a log with forged causes does not make an endless chain", () => {
  const one = row({ id: 4, causeId: 5 }), other = row({ id: 5, causeId: 4 });
  assert.deepEqual(traceCauses(logOf(one, other), other), { rows: [other, one], missing: 5 });
});

Deno.test("each reason why nothing happened has its sentence, and repetitions are counted", () => {
  const describe = (type: LogRow["type"], payload: LogRow["payload"]) => describeNonAction(row({ type, payload }));
  assert.equal(describe("sense.null", { compute: 4 }), "⚪ compute 4 returned null");
  assert.equal(
    describe("sense.null", { compute: 4, returned: "undefined" }),
    "⚪ compute 4 returned undefined: is a return or an await missing?",
  );
  assert.equal(
    describe("sense.directive_invalid", { compute: 4, message: "invalid workflow directive: no workflow" }),
    "🔶 compute 4: invalid workflow directive: no workflow",
  );
  assert.equal(describe("sense.null", { compute: 122, repeated: 118 }), "⚪ returned null ×118 in the minute before");
  const until = new Date(2026, 0, 2, 12, 3, 10).getTime();
  assert.equal(
    describe("sense.throttled", { compute: 8, until }),
    `💤 throttled until ${formatClockTime(until)}, then compute 8 runs`,
  );
  assert.equal(describe("sense.coalesced", { compute: 812, until: null }), "💤 coalesced into compute 812");
  assert.equal(
    describe("sense.error", { compute: 5, message: "no\u001b[31m df" }),
    "❌ compute 5 failed: no\\u001b[31m df",
  );
  assert.equal(describe("sense.timeout", { compute: 5, message: "late" }), "❌ compute 5 failed: late");
  assert.equal(describe("sense.group_down", { compute: 6, message: "gone" }), "🔴 compute 6 could not run: gone");
  assert.equal(
    describe("sense.load_failed", { problems: [{ message: "no compute" }] }),
    "🔴 cannot be loaded: no compute",
  );
  assert.equal(describe("sense.signal", {}), null);
});

Deno.test("a row of any shape becomes a line", () => {
  assert.match(
    describeRow(row({ type: "run.killed", source: "workflow:w", refId: "r", payload: { reason: "by hand" } })),
    /run r of w was killed: by hand/,
  );
  for (const payload of [null, 1, "x", [], {}, { name: { a: 1 }, prompt: 5, compute: null }]) {
    for (const type of ["sense.signal", "sense.directive", "sense.null", "run.queued", "kernel.started"] as const) {
      assert.match(describeRow(row({ type, payload })), /^\S+ .+/);
    }
  }
});
