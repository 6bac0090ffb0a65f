/** How long a server asks to wait. */
import assert from "node:assert/strict";
import { parseRetryAfter } from "../../../workflows/http-request/request.ts";

Deno.test("parseRetryAfter() reads seconds and dates, and nothing else", () => {
  const now = Date.UTC(2015, 9, 21, 7, 28, 0);
  assert.equal(parseRetryAfter("120", now), 120_000);
  assert.equal(parseRetryAfter("Wed, 21 Oct 2015 07:28:30 GMT", now), 30_000);
  assert.equal(parseRetryAfter("Wed, 21 Oct 2015 07:00:00 GMT", now), 0);
  for (const text of [null, "", "-1", "1.5", "soon", "Wed, 21 Oct"]) assert.equal(parseRetryAfter(text, now), null);
});
