/** Which answers count as a number. */
import assert from "node:assert/strict";
import { toNumber } from "../../../senses/database-query/ask.ts";

Deno.test("toNumber() takes the first column of the first row, if that is a number", () => {
  assert.equal(toNumber([{ n: 3, m: 4 }, { n: 5 }]), 3);
  assert.equal(toNumber([{ n: "-1.50" }]), -1.5);
  assert.equal(toNumber([{ n: true }]), 1);
  for (const rows of [[], [{ n: null, m: 1 }], [{ n: "NaN" }], [{ n: "" }], [{}]]) assert.equal(toNumber(rows), null);
});
