/** When the kernel notices that its -wal file is gone. Danger: it reports that each half second, or never again. */
import assert from "node:assert/strict";
import { walCheckMs } from "../../../src/base/limits.ts";
import { WalWatch } from "../../../src/kernel/wal_watch.ts";
import type { NewLogRow } from "../../../src/protocol/log.ts";
import { FakeClock } from "../../support/fake_clock.ts";

function setUp(restore: () => boolean) {
  let replaced = 0;
  const clock = new FakeClock(), rows: NewLogRow[] = [], problems: string[] = [];
  const store = {
    walLost: false,
    restoreWal() {
      // Asynchronous, as the real one is, even when it throws.
      return Promise.resolve().then(() => {
        const restored = restore();
        if (restored) store.walLost = false;
        return restored;
      });
    },
  };
  const watch = new WalWatch({
    store,
    clock,
    append: (row) => rows.push(row),
    replaceProcesses: () => replaced++,
    reportProblem: (text) => problems.push(text),
  });
  watch.start();
  return { clock, rows, problems, store, watch, replaced: () => replaced };
}

Deno.test("a lost -wal file is mended at the next check, and told once", async () => {
  const { clock, rows, problems, store, watch, replaced } = setUp(() => true);
  await clock.tick(3 * walCheckMs);
  assert.deepEqual([rows, problems], [[], []]);
  store.walLost = true;
  await clock.tick(walCheckMs);
  await clock.tick(3 * walCheckMs);
  assert.deepEqual(rows.map(({ type }) => type), ["kernel.log_reopened"]);
  assert.equal(problems.length, 1);
  store.walLost = true;
  await clock.tick(walCheckMs);
  assert.deepEqual([rows.length, replaced()], [2, 2], "the next time it is told again");
  await watch.stop();
  assert.equal(clock.pending, 0);
});

Deno.test("what cannot be mended is tried again and told once, also while the archive is at work", async () => {
  let state: "archiving" | "locked" | "fine" = "archiving";
  const { clock, rows, problems, store, watch } = setUp(() => {
    if (state === "locked") throw new Error("database is locked");
    return state === "fine";
  });
  store.walLost = true;
  await clock.tick(2 * walCheckMs);
  assert.deepEqual([rows, problems], [[], []]);
  state = "locked";
  for (let n = 0; n < 4; n++) await clock.tick(walCheckMs);
  assert.equal(problems.length, 1);
  assert.match(problems[0] ?? "", /is not mended yet: database is locked$/);
  state = "fine";
  await clock.tick(walCheckMs);
  assert.deepEqual([rows.length, problems.length, store.walLost], [1, 2, false]);
  await watch.stop();
  store.walLost = true;
  await clock.tick(walCheckMs);
  assert.equal(rows.length, 1, "a stopped watch looks no more");
});
