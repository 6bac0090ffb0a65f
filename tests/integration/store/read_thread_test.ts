/**
 * Reads on the reading thread. Danger: one query of a large log stops everything else for seconds, or one that nobody
 * waits for keeps the thread from all others.
 */
import assert from "node:assert/strict";
import { systemClock } from "../../../src/base/clock.ts";
import { readMaxMs, readsActiveMax, readsWaitingMax, readThreadIdleMs } from "../../../src/base/limits.ts";
import type { Clock } from "../../../src/base/time.ts";
import type { LogRow } from "../../../src/protocol/log.ts";
import type { TextPage } from "../../../src/protocol/text_page.ts";
import type { ReadRequest } from "../../../src/store/reading/read_messages.ts";
import { openDatabase } from "../../../src/store/sqlite/database.ts";
import { openStore, type Store } from "../../../src/store/store.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { long } from "../../support/long_form.ts";
import { join } from "../../support/paths.ts";
import { newRow, restoreWal } from "../../support/store_bench.ts";
import { inTempDir } from "../../support/temp_workspace.ts";
import { isFaster, loopStaysFree } from "../../support/watched_loop.ts";

const rows = 200_000;
/** Passes every row of the log without finding one. */
const longQuery: ReadRequest = { kind: "logs", filter: { source: "sense:none", refId: "cpu" }, archived: false };
const short: ReadRequest = { kind: "logs", filter: { order: "desc", limit: 1 }, archived: false };
const { signal: stays } = new AbortController();

interface ReadBench {
  readonly store: Store;
  readonly path: string;
  readonly root: string;
}

function withRows(count: number, test: (bench: ReadBench) => Promise<void>, clock: Clock = systemClock): Promise<void> {
  return inTempDir(async (root) => {
    const path = join(root, "logs.db");
    await openStore(path, systemClock).close();
    using db = openDatabase(path);
    db.exec(
      `insert into logs with recursive n (id) as (select 1 union all select id + 1 from n where id < ${count})` +
        ` select id, 1767225600000 + id, 'sense:cpu', 'sense.signal', 'cpu', null, '{"used":' || id || '}' from n`,
    );
    const store = openStore(path, clock);
    try {
      await test({ store, path, root });
    } finally {
      await store.close();
    }
  });
}

function itemsOf({ text }: TextPage): LogRow[] {
  return JSON.parse(`[${new TextDecoder().decode(text)}]`);
}

/**
 * How many connections to the log this process has, by their descriptors of its -wal file: SQLite keeps those of the
 * database itself for as long as another connection may hold a lock.
 */
function countConnections(path: string): number {
  return [...Deno.readDirSync("/proc/self/fd")].filter(({ name }) => {
    try {
      return Deno.readLinkSync(`/proc/self/fd/${name}`) === `${path}-wal`;
    } catch {
      // The descriptor of the listing itself.
      return false;
    }
  }).length;
}

Deno.test("pages come as JSON, in the order of the query, with what leads on, and secrets masked", () =>
  withRows(10, async ({ store }) => {
    const row = store.log.append(newRow({ payload: { token: "hunter22", "hunter22": [1] } }));
    await store.recorded();
    store.reads.mask([["hunter22", "[TOKEN]"]]);
    const page = await store.reads.read({ kind: "logs", filter: { order: "desc", limit: 2 }, archived: false }, stays);
    assert.deepEqual(itemsOf(page)[0], { ...row, payload: { token: "[TOKEN]", "[TOKEN]": [1] } });
    assert.deepEqual(page.items.map(({ key, type }) => [key, type]), [[11, "sense.signal"], [10, "sense.signal"]]);
    assert.deepEqual([page.more, page.total], [true, null]);
    const none = await store.reads.read({ kind: "runs", query: { limit: 3, offset: 0 } }, stays);
    assert.deepEqual([none.items, none.more, none.total, none.text.length], [[], false, 0, 0]);
  }));

Deno.test("while a long query runs the event loop is free, and a short one is answered in between", () =>
  withRows(rows, async ({ store }) => {
    await store.reads.read(short, stays);
    await loopStaysFree(1 / 4, async () => {
      const order: string[] = [];
      const ended = store.reads.read(longQuery, stays).then((page) => order.push(`long ${page.items.length}`));
      await store.reads.read(short, stays).then(() => order.push("short"));
      await ended;
      assert.deepEqual(order, ["short", "long 0"]);
    });
  }));

Deno.test("a read that nobody waits for any more ends, and makes room for others", () =>
  withRows(rows, async ({ store }) => {
    await store.reads.read(short, stays);
    const leave = new AbortController();
    await isFaster(async () => {
      const leave = new AbortController();
      const left = Array.from({ length: 4 * readsActiveMax }, () => store.reads.read(longQuery, leave.signal));
      const waiting = store.reads.read(short, stays);
      leave.abort();
      for (const read of left) await assert.rejects(read, { code: "DAEMON_MISSING" });
      await waiting;
    }, () => store.reads.read(longQuery, stays));
    leave.abort();
    await assert.rejects(store.reads.read(short, leave.signal), { code: "DAEMON_MISSING" });
  }));

Deno.test("too many reads are refused, one that takes too long is told how to ask for less, and an idle thread ends", async () => {
  const clock = new FakeClock();
  await withRows(rows, async ({ store, path }) => {
    const before = countConnections(path);
    await store.reads.read(short, stays);
    assert.equal(countConnections(path), before + 1);
    const reads = Array.from({ length: readsActiveMax + readsWaitingMax }, () => store.reads.read(longQuery, stays));
    const over = store.reads.read(short, stays);
    await assert.rejects(over, { code: "CLIENTS_MANY" });
    const ends = Promise.all(
      reads.map((read) => assert.rejects(read, { code: "STORE_FAILED", message: /longer than 30 s/ })),
    );
    await clock.tick(readMaxMs);
    await ends;
    assert.equal(itemsOf(await store.reads.read(short, stays))[0]?.id, rows);
    await clock.tick(readThreadIdleMs);
    while (countConnections(path) > before) await new Promise<void>((resolve) => setTimeout(resolve, 1));
    assert.equal(itemsOf(await store.reads.read(short, stays))[0]?.id, rows);
  }, clock);
});

long.test("when the thread dies its reads fail with a reason, and the next one starts another", () =>
  withRows(rows, async ({ store }) => {
    await store.reads.read(short, stays);
    const reads = Array.from({ length: readsActiveMax + 1 }, () => store.reads.read(longQuery, stays));
    // No list of texts: the thread fails on it outside of any read.
    store.reads.mask(null as never);
    const lost = { code: "STORE_FAILED", message: /the thread that reads the log has ended/, hint: /ask again/ };
    for (const read of reads.slice(0, readsActiveMax)) await assert.rejects(read, lost);
    store.reads.mask([]);
    assert.equal((await reads.at(-1))?.items.length, 0, "one that waited goes on");
    assert.equal(itemsOf(await store.reads.read(short, stays))[0]?.id, rows);
  }));

Deno.test("a log that another file has replaced is not read", () =>
  withRows(10, async ({ store, path }) => {
    Deno.renameSync(path, `${path}.old`);
    Deno.copyFileSync(`${path}.old`, path);
    await assert.rejects(store.reads.read(short, stays), { code: "STORE_FAILED" });
  }));

long.test("the log is opened anew while queries run: they end with their rows, and no connection stays behind", () =>
  withRows(rows, async ({ store, path }) => {
    const before = countConnections(path);
    await store.reads.read(short, stays);
    for (let round = 1; round <= 3; round++) {
      const reads: Promise<TextPage>[] = [
        store.reads.read(longQuery, stays),
        store.reads.read(short, stays),
        store.reads.read(longQuery, stays),
      ];
      Deno.removeSync(`${path}-wal`);
      const row = store.log.append(newRow());
      assert.equal(await restoreWal(store), true);
      assert.equal(store.walLost, false);
      assert.deepEqual((await Promise.all(reads)).map(({ items }) => items.length), [0, 1, 0]);
      await store.recorded();
      assert.equal(itemsOf(await store.reads.read(short, stays))[0]?.id, row.id);
    }
    assert.ok(countConnections(path) <= before + 1, `${countConnections(path)} connections, ${before} before`);
  }));

Deno.test("a read that is asked for while the -wal file is gone waits until the log is opened anew", () =>
  withRows(10, async ({ store, path }) => {
    Deno.removeSync(`${path}-wal`);
    let answered = false;
    const read = store.reads.read(short, stays).then(() => answered = true);
    await new Promise((resolve) => setTimeout(resolve, 50));
    assert.equal(answered, false);
    await restoreWal(store);
    assert.equal(await read, true);
  }));

long.test("closing the store ends its reads", () =>
  withRows(rows, async ({ store }) => {
    await store.reads.read(short, stays);
    const reads = [longQuery, short].map((request) =>
      assert.rejects(store.reads.read(request, stays), { code: "DAEMON_MISSING" })
    );
    await Promise.all([store.reads.end(), ...reads]);
    await assert.rejects(store.reads.read(short, stays), { code: "DAEMON_MISSING" });
  }));
