/** A random failure can be repeated: every property prints its seed and the command that replays it. */
import assert from "node:assert/strict";
import fc from "../support/fast_check.ts";
import { playRounds } from "../support/seed.ts";
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

Deno.test("a test of random faults names its round and its seed, whatever failed in it", async () => {
  const cause = new Error("waited 120 s for the daemon to answer"), seeds: number[] = [];
  const failing = async (seed: number) => {
    if (seeds.push(seed) === 2) await Promise.reject(cause);
  };
  const thrown = await playRounds(failing, 3, "tests/a_test.ts").then(() => assert.fail(), (thrown) => thrown);
  assert.equal(thrown.cause, cause);
  assert.match(
    thrown.message,
    /^round 2 of 3 failed\. Repeat it: NERVE_SEED=\d+ deno test -A --no-prompt tests\/a_test\.ts$/,
  );
  assert.match(thrown.message, new RegExp(`NERVE_SEED=${seeds[1]} `));
  assert.equal(seeds.length, 2);
});
