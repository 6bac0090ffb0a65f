/** Rows of the log and of its archive, read as one list. */
import assert from "node:assert/strict";
import type { LogRow } from "../../../src/protocol/log.ts";
import { mergeRows } from "../../../src/store/archive/archive_reader.ts";
import fc from "../../support/fast_check.ts";

Deno.test("mergeRows() gives each row once, in the requested order and within the limit", () => {
  const row = (id: number): LogRow => (
    { id, ts: id, source: "kernel", type: "kernel.started", refId: null, causeId: null, payload: {} }
  );
  fc.assert(fc.property(
    fc.uniqueArray(fc.integer({ min: 1, max: 50 })),
    fc.uniqueArray(fc.integer({ min: 1, max: 50 })),
    fc.integer({ min: 1, max: 60 }),
    fc.constantFrom("asc" as const, "desc" as const),
    (inLog, inArchive, limit, order) => {
      const found = mergeRows(inLog.map(row), inArchive.map(row), { limit, order }).map(({ id }) => id);
      const all = [...new Set([...inLog, ...inArchive])].sort((a, b) => order === "asc" ? a - b : b - a);
      assert.deepEqual(found, all.slice(0, limit));
    },
  ));
});
