import assert from "node:assert/strict";
import { Backlog } from "../../../src/hooks/backlog.ts";
import fc from "../../support/fast_check.ts";

Deno.test("a backlog counts what was not heard, whatever comes, is lost and is heard", () => {
  const step = fc.oneof(
    { weight: 5, arbitrary: fc.constant("add" as const) },
    { weight: 1, arbitrary: fc.constant("lose" as const) },
    { weight: 2, arbitrary: fc.nat(100) },
  );
  fc.assert(
    fc.property(fc.array(fc.nat(5_000), { maxLength: 3_000 }), fc.array(step, { maxLength: 200 }), (first, steps) => {
      const ids = [...new Set(first)].sort((a, b) => a - b), backlog = new Backlog(ids);
      let left = ids, next = 5_001, heard = 0;
      for (const each of steps) {
        if (each === "add") {
          left = [...left, next];
          backlog.add(next++);
        } else if (each === "lose") {
          const last = left.at(-1) ?? 0;
          if (last <= heard) continue;
          left = left.slice(0, -1);
          backlog.remove(last);
        } else heard = Math.max(heard, Math.floor(next * each / 100));
        left = left.filter((id) => id > heard);
        assert.equal(backlog.count(heard), left.length);
      }
    }),
  );
});
