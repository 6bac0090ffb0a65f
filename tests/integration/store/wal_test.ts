/** The bug these guard against: a program that only reads the log makes the daemon write on into a file without a name. */
import assert from "node:assert/strict";
import { systemClock } from "../../../src/base/clock.ts";
import { identifyFile } from "../../../src/base/file_identity.ts";
import { StoreReader } from "../../../src/store/log/reader.ts";
import { openStore } from "../../../src/store/store.ts";
import { join } from "../../support/paths.ts";
import { restoreWal } from "../../support/store_bench.ts";
import { inTempDir } from "../../support/temp_workspace.ts";

const row = (n: number) =>
  ({ source: "kernel", type: "group.said", refId: null, causeId: null, payload: { n } }) as const;

Deno.test("a -wal file that is removed or replaced is noticed, and nothing that was written is lost", () =>
  inTempDir(async (root) => {
    const path = join(root, "logs.db"), wal = `${path}-wal`, store = openStore(path, systemClock);
    let written = 0;
    const write = async (count: number) => {
      for (let n = 0; n < count; n++) store.log.append(row(++written));
      await store.log.durable();
    };
    await write(10);
    assert.equal(store.walLost, false);
    const breakIt = [
      () => Deno.removeSync(wal),
      () => {
        Deno.writeTextFileSync(`${wal}.new`, "");
        Deno.renameSync(`${wal}.new`, wal);
      },
      () => {
        Deno.removeSync(wal);
        Deno.removeSync(`${path}-shm`);
      },
    ];
    for (const harm of breakIt) {
      harm();
      await write(10);
      assert.equal(store.walLost, true);
      const writing = write(10);
      assert.equal(await restoreWal(store), true);
      await writing;
      await write(10);
      assert.equal(store.walLost, false);
      assert.notEqual(identifyFile(wal), null);
      // As another program sees it, while the store is open: a kill now would leave just this.
      const reader = StoreReader.open(path);
      assert.equal(reader?.logs({ limit: 1_000 }).length, written);
      reader?.close();
      assert.equal(store.reader.logs({ limit: 1_000 }).length, written);
    }
    assert.equal(store.counters.lost, 0);
    await store.close();
  }));

Deno.test("a -wal file is restored while the commit thread is at work, and every row is there once", () =>
  inTempDir(async (root) => {
    const path = join(root, "logs.db"), store = openStore(path, systemClock);
    let over = false, written = 0;
    const writers = Array.from({ length: 300 }, async () => {
      while (!over) {
        store.log.append(row(++written));
        await store.log.durable();
      }
    });
    for (let round = 0; round < 5; round++) {
      const before = written;
      while (written < before + 1_000) await store.log.durable();
      Deno.removeSync(`${path}-wal`);
      assert.equal(await restoreWal(store), true);
      assert.equal(store.walLost, false);
    }
    over = true;
    await Promise.all(writers);
    const ids = store.reader.logs({ limit: written + 10 }).map(({ payload }) => Object(payload).n);
    assert.equal(new Set(ids).size, written);
    assert.equal(ids.length, written);
    assert.equal(store.counters.lost, 0);
    await store.close();
  }));
