/** The arguments of the build program. */
import assert from "node:assert/strict";
import { targets } from "../../../tools/build/executable.ts";
import { readArguments } from "../../../tools/build/main.ts";

Deno.test("the build's own arguments are checked", () => {
  assert.deepEqual(readArguments([]), { portable: false, targets: [], out: "dist/nerve" });
  assert.deepEqual(readArguments(["--target", "all"]), { portable: false, targets: [...targets], out: "dist/nerve" });
  const foreign = targets.find((target) => target !== Deno.build.target) ?? "";
  assert.match(String(readArguments(["--portable", "--target", foreign])), /build it on /);
  assert.match(String(readArguments(["--target", "amiga"])), /no target amiga\nusage/);
  assert.match(String(readArguments(["--fast"])), /--fast[^]*usage/);
});
