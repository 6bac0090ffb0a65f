/** Which rows `nerve status` shows as problems. Danger: one that is long fixed, or one that a newer problem hides. */
import assert from "node:assert/strict";
import { readOpenProblems } from "../../../src/cli/last_problems.ts";
import { type CliRecords, emptyRecords } from "../../../src/cli/open_records.ts";
import { queueFullReason } from "../../../src/protocol/run.ts";
import type { LogFilter, LogRow, LogType } from "../../../src/protocol/log.ts";

/** Rows with ids in order, each `source type`. */
function recordsOf(...texts: `${string} ${LogType}`[]): CliRecords {
  const rows = texts.map((text, at): LogRow => {
    const [source = "", type = ""] = text.split(" ");
    return { id: at + 1, ts: at, source, type: type as LogType, refId: null, causeId: null, payload: null };
  });
  const logs = ({ type, source, afterId = 0, order, limit = 100 }: LogFilter) => {
    const found = rows.filter((row) =>
      (type === undefined || row.type === type) && (source === undefined || row.source === source) && row.id > afterId
    );
    return (order === "desc" ? found.toReversed() : found).slice(0, limit);
  };
  return { ...emptyRecords, logs };
}

const idsOf = (records: CliRecords, max = 5) => readOpenProblems(records, max).map(({ id }) => id);

Deno.test("a problem is open until a later good row of the same source, and of no other", () => {
  assert.deepEqual(idsOf(recordsOf("sense:a sense.error", "sense:b sense.signal")), [1]);
  assert.deepEqual(idsOf(recordsOf("sense:a sense.error", "sense:a sense.null")), []);
  assert.deepEqual(idsOf(recordsOf("sense:a sense.signal", "sense:a sense.error")), [2]);
  assert.deepEqual(idsOf(recordsOf("kernel config.refused", "kernel config.loaded")), []);
  assert.deepEqual(idsOf(recordsOf("group:a group.quarantined", "group:a group.reset")), []);
});

Deno.test("a null or a signal does not say that a directive is right", () => {
  const records = recordsOf("sense:a sense.directive_invalid", "sense:a sense.signal", "sense:a sense.null");
  assert.deepEqual(idsOf(records), [1]);
});

Deno.test("a run that a full queue dropped is a problem, one that was to be dropped is none", () => {
  const [full, configured] = [queueFullReason, "1 of 1 runs are active"].map((reason): CliRecords => {
    const records = recordsOf("workflow:w run.dropped");
    return { ...records, logs: (filter) => records.logs(filter).map((row) => ({ ...row, payload: { reason } })) };
  });
  assert.deepEqual([idsOf(full ?? emptyRecords), idsOf(configured ?? emptyRecords)], [[1], []]);
});

Deno.test("what waited for an approval is a problem until nerve.yaml was loaded with it, whether or not it runs", () => {
  for (const kind of ["sense", "workflow"] as const) {
    const open = ["a", "b"].map((loaded) => {
      const records = recordsOf(`${kind}:a ${kind}.held`, "kernel config.loaded"), of = `${kind}:${loaded}`;
      const payload = { changes: [{ of, change: "changed" }], changed: 1, restarted: [] };
      return idsOf({ ...records, logs: (filter) => records.logs(filter).map((row) => ({ ...row, payload })) });
    });
    assert.deepEqual(open, [[], [1]]);
  }
});

Deno.test("the newest are shown, newest last, and those before a good row are ended with it", () => {
  const records = recordsOf(
    "sense:a sense.error",
    "sense:b sense.error",
    "sense:a sense.error",
    "sense:a sense.null",
    "workflow:w run.failed",
    "sense:b sense.timeout",
  );
  assert.deepEqual(idsOf(records), [2, 5, 6]);
  assert.deepEqual(idsOf(records, 2), [5, 6]);
  assert.deepEqual(idsOf(emptyRecords), []);
});
