/** Which days leave the log. */
import assert from "node:assert/strict";
import { resolveArchiveBound } from "../../../src/store/archive/archiver.ts";
import { dayMs } from "../../../src/store/archive/days.ts";

const noon = Date.UTC(2026, 1, 10, 12);

Deno.test("resolveArchiveBound() is the start of a day: retention back from now, or the requested day", () => {
  assert.equal(resolveArchiveBound(null, 30 * dayMs, noon), Date.UTC(2026, 0, 11));
  assert.equal(resolveArchiveBound(null, 60 * 60 * 1_000, noon), Date.UTC(2026, 1, 10));
  assert.equal(resolveArchiveBound("2026-02-10", 30 * dayMs, noon), Date.UTC(2026, 1, 10));
  for (const wrong of ["2026-02-11", "soon"]) {
    assert.throws(() => resolveArchiveBound(wrong, dayMs, noon), { code: "USAGE" });
  }
});
