/** Ids of computes. Danger: an id is used twice after the daemon dies. */
import assert from "node:assert/strict";
import { ComputeIds } from "../../../src/sensing/compute_ids.ts";
import fc from "../../support/fast_check.ts";

Deno.test("ids only grow, over any number of restarts, and a reservation is written once per block", () => {
  fc.assert(fc.property(fc.array(fc.integer({ min: 0, max: 2_500 }), { maxLength: 6 }), (lives) => {
    const values = new Map<string, string>();
    let last = 0, writes = 0;
    const meta = {
      get: (key: string) => values.get(key) ?? null,
      set: (key: string, value: string) => {
        writes++;
        values.set(key, value);
      },
    };
    for (const computes of lives) {
      const ids = new ComputeIds(meta);
      for (let i = 0; i < computes; i++) {
        const id = ids.next();
        assert.ok(id > last, `${id} after ${last}`);
        last = id;
      }
    }
    assert.equal(writes, lives.reduce((sum, computes) => sum + Math.ceil(computes / 1_000), 0));
  }));
});
