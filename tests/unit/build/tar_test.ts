/** The archive inside the portable file, read back by the system's own tar. */
import assert from "node:assert/strict";
import { tarChunks } from "../../../tools/build/tar.ts";
import fc from "../../support/fast_check.ts";

Deno.test("tar reads back every archive, with long paths, and the same content gives the same bytes", async () => {
  const name = fc.stringMatching(/^[a-z0-9_-]{1,40}$/);
  const file = fc.record({
    path: fc.array(name, { minLength: 1, maxLength: 5 }).map((parts) => parts.join("/")),
    bytes: fc.uint8Array({ maxLength: 1_500 }),
    executable: fc.boolean(),
  });
  const files = fc.uniqueArray(file, { maxLength: 5, selector: ({ path }) => path.split("/")[0] });
  await fc.assert(
    fc.asyncProperty(files, async (each) => {
      const folder = await Deno.makeTempDir();
      try {
        const archive = new Uint8Array(await new Blob([...tarChunks(each)]).arrayBuffer());
        assert.deepEqual(new Uint8Array(await new Blob([...tarChunks(each)]).arrayBuffer()), archive);
        await Deno.writeFile(`${folder}/a.tar`, archive);
        const { code, stderr } = await new Deno.Command("tar", { args: ["-xf", "a.tar"], cwd: folder }).output();
        assert.equal(code, 0, new TextDecoder().decode(stderr));
        for (const { path, bytes, executable } of each) {
          assert.deepEqual(await Deno.readFile(`${folder}/${path}`), bytes);
          assert.equal(((await Deno.stat(`${folder}/${path}`)).mode ?? 0) & 0o100, executable ? 0o100 : 0);
        }
      } finally {
        await Deno.remove(folder, { recursive: true });
      }
    }),
    { numRuns: 15 },
  );
});
