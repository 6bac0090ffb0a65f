/** The filter of the row after a page. Danger: a page that ends at a bound is mistaken for the last one. */
import assert from "node:assert/strict";
import type { LogRow } from "../../../src/protocol/log.ts";
import { toNextRow } from "../../../src/protocol/queries.ts";

const rows = [7, 9].map((id): LogRow => {
  return { id, ts: 0, source: "kernel", type: "kernel.started", refId: null, causeId: null, payload: null };
});

Deno.test("toNextRow() asks for the one row beyond the last one, in the order of the page, with the same filter", () => {
  assert.deepEqual(toNextRow({ source: "kernel", limit: 50 }, rows), { source: "kernel", afterId: 9, limit: 1 });
  assert.deepEqual(toNextRow({ order: "asc", afterId: 3 }, rows), { order: "asc", afterId: 9, limit: 1 });
  const descending = { order: "desc", beforeId: 90, sinceMs: 5 } as const;
  assert.deepEqual(toNextRow(descending, rows.toReversed()), { order: "desc", beforeId: 7, sinceMs: 5, limit: 1 });
});

Deno.test("toNextRow() is null after an empty page", () => {
  assert.equal(toNextRow({ order: "desc" }, []), null);
});
