/** nerve's own hash, compared with the system's. */
import assert from "node:assert/strict";
import { sha256 } from "../../../src/base/sha256.ts";
import { sha256Text } from "../../../src/base/sha256_text.ts";
import fc from "../../support/fast_check.ts";

const encoder = new TextEncoder();

Deno.test("the hash of a text is that of its bytes, whatever its length and characters", async () => {
  const lengths = [0, 1, 54, 55, 56, 57, 63, 64, 65, 118, 119, 120, 127, 128, 1_000, 16_383, 16_384, 16_385, 100_000];
  for (const length of lengths) {
    for (const part of ["x", "é", "€", "😀"]) {
      const text = part.repeat(Math.ceil(length / part.length)).slice(0, length).toWellFormed();
      assert.equal(sha256Text(text), await sha256(encoder.encode(text)), `${length} ${part}`);
    }
  }
  await fc.assert(
    fc.asyncProperty(fc.string({ unit: "binary", maxLength: 300 }), async (text) => {
      assert.equal(sha256Text(text), await sha256(encoder.encode(text)));
    }),
    { numRuns: 300 },
  );
});
