import assert from "node:assert/strict";
import { calculateBackoff } from "../../../src/base/backoff.ts";

Deno.test("calculateBackoff() doubles from the first wait to the bound", () => {
  assert.deepEqual([1, 2, 3, 4, 5].map((failures) => calculateBackoff(failures, 100, 1_000)), [
    100,
    200,
    400,
    800,
    1_000,
  ]);
  assert.equal(calculateBackoff(5_000, 100, 1_000), 1_000);
});
