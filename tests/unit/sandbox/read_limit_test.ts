/** The limit of one read of a peer. Danger: a process that reads often and briefly is ended by a wrong count. */
import assert from "node:assert/strict";
import { createReadLimit, readsBegin } from "../../../src/sandbox/read_limit.ts";

Deno.test("the shim is told at the first read only, and sees an odd number while one is under way", () => {
  const reads = new Int32Array(new SharedArrayBuffer(4)), told: string[] = [];
  const limit = createReadLimit(reads, (text) => void told.push(text));
  assert.deepEqual([told, reads[0]], [[], 0]);
  for (let round = 0; round < 3; round++) {
    limit.begin();
    assert.equal(reads[0]! % 2, 1);
    limit.end();
    assert.equal(reads[0]! % 2, 0);
  }
  assert.deepEqual(told, [readsBegin]);
  // The count continues where 32 bits end.
  Atomics.store(reads, 0, 2 ** 31 - 1);
  limit.end();
  limit.begin();
  assert.equal(Math.abs(reads[0]! % 2), 1);
});
