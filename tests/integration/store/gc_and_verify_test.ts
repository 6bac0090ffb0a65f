/** Danger: gc takes a blob that is just being mentioned again; verify fails on a damaged file, or finds it whole. */
import * as fc from "fast-check";
import assert from "node:assert/strict";
import { join } from "node:path";
import { setImmediate } from "node:timers";
import { systemClock } from "../../../src/base/clock.ts";
import { storeVerifyOutput } from "../../../src/cli/render/json_schemas.ts";
import { findGarbage, removeGarbage } from "../../../src/store/blobs/blob_gc.ts";
import { BlobStore } from "../../../src/store/blobs/blob_store.ts";
import { at, withArchive } from "../../support/archive_bench.ts";

Deno.test("a blob that is written while gc removes it is there afterwards, whoever comes first", () =>
  withArchive(async (bench) => {
    const blobs = new BlobStore(bench.paths.blobs);
    for (let turns = 0; turns < 40; turns++) {
      const digest = await blobs.write("wanted again"),
        path = join(bench.paths.blobs, digest.slice(0, 2), digest.slice(2));
      await Deno.utime(path, 1_000, 1_000);
      const garbage = findGarbage(bench.paths, systemClock.now());
      assert.equal(garbage.files.length, 1);
      const written = blobs.write("wanted again");
      for (let turn = 0; turn < turns; turn++) await Promise.resolve();
      if (turns >= 20) await new Promise<void>((resolve) => setImmediate(resolve));
      removeGarbage(garbage);
      assert.equal(await written, digest);
      assert.equal(new TextDecoder().decode(await blobs.read(digest)), "wanted again");
      const left = [...Deno.readDirSync(join(bench.paths.blobs, digest.slice(0, 2)))].map(({ name }) => name);
      assert.deepEqual(left, [digest.slice(2)], "nothing that was moved aside is left");
    }
  }));

Deno.test("whatever is flipped in the log's file or cut off it, verify answers, and a file that was cut is not whole", () =>
  withArchive(async (bench) => {
    for (let n = 0; n < 300; n++) bench.append(at(0) + n);
    await bench.startRun("run-1", at(1));
    await bench.store.log.durable();
    await bench.closed(async () => {
      const good = await Deno.readFile(bench.paths.logDatabase);
      const verify = async (bytes: Uint8Array) => {
        await Deno.writeFile(bench.paths.logDatabase, bytes);
        const { code, out } = await bench.nerve("store", "verify", "--json");
        return storeVerifyOutput.parse(JSON.parse(out)).ok === (code === 0) ? code : -1;
      };
      const flip = fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { minLength: 1, maxLength: 20 });
      await fc.assert(
        fc.asyncProperty(flip, async (flips) => {
          const bytes = good.slice();
          for (const [at, value] of flips) bytes[at] = value;
          assert.ok([0, 1].includes(await verify(bytes)));
        }),
        { numRuns: 40 },
      );
      await fc.assert(
        fc.asyncProperty(fc.nat(good.length - 1), async (length) => {
          assert.equal(await verify(good.slice(0, length)), 1);
        }),
        { numRuns: 20, examples: [[0], [100], [4096], [good.length - 1]] },
      );
      assert.equal(await verify(good), 0);
    });
  }));
