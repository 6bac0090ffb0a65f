/** What Landlock rules open for PATH: the program that the system would start. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { findLandlockPlaces } from "../../../src/process/landlock_places.ts";

Deno.test("a folder of PATH that is none, or that may not be looked at, is passed by", () => {
  // The bug was: with another user's PATH nothing started: "permission denied: realpath '/root/.cargo/bin/ps'".
  const folder = Deno.makeTempDirSync({ prefix: "nerve-path-" }), closed = join(folder, "closed");
  try {
    Deno.mkdirSync(closed, { mode: 0 });
    Deno.writeTextFileSync(join(folder, "file"), "");
    const spec = { permissions: { run: ["sh"] }, modules: { folders: [] } };
    const chosen = { cache: folder, temp: folder, lock: null, written: [] };
    const pathVariable = `${join(folder, "missing")}:${join(folder, "file")}:${closed}:/bin`;
    const { programs } = findLandlockPlaces(
      spec as unknown as Parameters<typeof findLandlockPlaces>[0],
      { ...chosen, pathVariable } as unknown as Parameters<typeof findLandlockPlaces>[1],
    );
    assert.deepEqual(programs, ["/bin/sh", Deno.realPathSync("/bin/sh")]);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
});
