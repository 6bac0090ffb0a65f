/** What is remembered of a sense, and how results read. Danger: reasons that its code makes up fill the memory. */
import assert from "node:assert/strict";
import type { ComputeResult } from "../../../src/protocol/api.ts";
import { nonActionReasons } from "../../../src/protocol/signal.ts";
import { countSilence, createSenseRecord, detailOf } from "../../../src/sensing/compute_record.ts";
import fc from "../../support/fast_check.ts";

const limits = { sense: "disk", unit: "group:disk", timeoutMs: 1, gracePeriodMs: 1 } as const;
const reasonsMax = 20;

Deno.test("a new sense has done nothing yet, and each kind of result has its own count", () => {
  const record = createSenseRecord(limits);
  assert.equal(record.limits, limits);
  assert.deepEqual([record.lastCompute, record.lastSignal, record.loadProblems, record.silences.size], [
    null,
    null,
    [],
    0,
  ]);
  const kinds = ["computes", "signals", "runs", ...nonActionReasons];
  assert.deepEqual(Object.keys(record.counters).sort(), kinds.toSorted());
  assert.ok(Object.values(record.counters).every((count) => count === 0));
});

Deno.test("two senses share nothing", () => {
  const [one, other] = [createSenseRecord(limits), createSenseRecord(limits)];
  one.counters.computes++;
  countSilence(one, "quiet");
  assert.deepEqual([other.counters.computes, other.silences.size], [0, 0]);
});

Deno.test("silences are counted by what was said; beyond twenty reasons new ones are counted together", () => {
  const record = createSenseRecord(limits);
  for (let n = 0; n < reasonsMax; n++) countSilence(record, `reason ${n}`);
  for (const why of ["reason 3", "new", "newer", "reason 3"]) countSilence(record, why);
  assert.equal(record.silences.get("reason 3"), 3);
  assert.equal(record.silences.get("other reasons"), 2);
  assert.equal(record.silences.has("new"), false);
  assert.equal(record.silences.size, reasonsMax + 1);
});

Deno.test("for any reasons: every silence is counted once, and what is remembered is bounded", () => {
  const reason = fc.oneof(fc.string(), fc.constantFrom("", "\0", "__proto__", "other reasons"), fc.nat(30).map(String));
  fc.assert(fc.property(fc.array(reason, { maxLength: 80 }), (reasons) => {
    const record = createSenseRecord(limits);
    for (const why of reasons) countSilence(record, why);
    assert.equal([...record.silences.values()].reduce((sum, count) => sum + count, 0), reasons.length);
    assert.ok(record.silences.size <= reasonsMax + 1);
    const first = reasons.find((why) => why !== "other reasons");
    if (first !== undefined) assert.equal(record.silences.get(first), reasons.filter((why) => why === first).length);
  }));
});

Deno.test("a result reads with what its kind does not say: the error and its place, the time, the run, the reason", () => {
  const place = { file: "index.ts", line: 3, column: 7 }, signal = { id: 1, sense: "disk", payload: 1, ts: 1 };
  const results: [ComputeResult, string | null][] = [
    [{ kind: "error", code: "throw", message: "no such file", place }, "no such file (index.ts:3:7)"],
    [{ kind: "error", code: "load", message: "", place: null }, ""],
    [{ kind: "timeout", afterMs: 90_000, killed: false }, "did not finish within 1m30s"],
    [{ kind: "timeout", afterMs: 5_000, killed: true }, "did not finish within 5s; its process was killed"],
    [{ kind: "group_down", message: "it is in quarantine" }, "it is in quarantine"],
    [{ kind: "run", workflow: "w", runId: "r" }, "r"],
    [{ kind: "signal", signal, warning: "no such workflow" }, "no such workflow"],
    [{ kind: "signal", signal }, null],
    [{ kind: "null", silent: "nothing new" }, "nothing new"],
    [{ kind: "null", returned: "undefined" }, null],
  ];
  for (const [result, detail] of results) assert.equal(detailOf(result), detail, JSON.stringify(result));
  assert.equal(detailOf({ kind: "value", value: { error: "x" } }), null, "a value that is still to be routed");
});
