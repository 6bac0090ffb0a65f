/** Days of the archive, and which of them leave. */
import * as fc from "fast-check";
import assert from "node:assert/strict";
import type { LogRow } from "../../../src/protocol/log.ts";
import { mergeRows } from "../../../src/store/archive/archive_reader.ts";
import { archiveBound } from "../../../src/store/archive/archiver.ts";
import { dayMs, dayOf, parseDay, startOfDay } from "../../../src/store/archive/days.ts";

const noon = Date.UTC(2026, 1, 10, 12);

Deno.test("a day's name leads back to its first millisecond, and nothing else is one", () => {
  fc.assert(fc.property(fc.integer({ min: 0, max: Date.UTC(9999, 11, 31) }), (ms) => {
    assert.equal(parseDay(dayOf(ms)), startOfDay(ms));
    assert.ok(startOfDay(ms) <= ms && ms < startOfDay(ms) + dayMs);
  }));
  for (const text of ["2026-02-30", "2026-2-3", "20260203", "2026-13-01", "today", "", "2026-02-03T00:00:00Z"]) {
    assert.equal(parseDay(text), null, text);
  }
});

Deno.test("archiveBound() is the start of a whole day: retention back from now, or the day that was asked for", () => {
  assert.equal(archiveBound(null, 30 * dayMs, noon), Date.UTC(2026, 0, 11));
  assert.equal(archiveBound(null, 60 * 60 * 1_000, noon), Date.UTC(2026, 1, 10));
  assert.equal(archiveBound("2026-02-10", 30 * dayMs, noon), Date.UTC(2026, 1, 10));
  for (const wrong of ["2026-02-11", "soon"]) assert.throws(() => archiveBound(wrong, dayMs, noon), { code: "USAGE" });
});

Deno.test("together() gives each row once, in the order and within the limit that was asked for", () => {
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
