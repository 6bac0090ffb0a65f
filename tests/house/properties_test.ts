/** A random failure can be repeated: every property prints its seed and the command that replays it. */
import assert from "node:assert/strict";
import fc from "../support/fast_check.ts";
import { readSource, sourceFiles } from "../support/source_files.ts";

Deno.test("every test takes fast-check from tests/support/fast_check.ts", () => {
  const tests = sourceFiles(["tests"], ".ts").filter((path) => path !== "tests/support/fast_check.ts");
  assert.deepEqual(tests.filter((path) => /^import .* from "fast-check"/m.test(readSource(path))), []);
});

Deno.test("a property that fails prints its seed, its path and the command that repeats it", async () => {
  const expected = /seed: 7, path: "[\d:]+"[^]*Repeat it: NERVE_SEED=7 deno test -A --no-prompt tests\/.+_test\.ts$/;
  const fails = () => fc.assert(fc.property(fc.nat(), (n) => assert.ok(n < 0)), { seed: 7 });
  assert.throws(fails, { message: expected });
  const failsLater = fc.assert(fc.asyncProperty(fc.nat(), async (n) => assert.ok(await n < 0)), { seed: 7 });
  await assert.rejects(failsLater, { message: expected });
});
