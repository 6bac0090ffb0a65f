/**
 * Clients that ask for much of a large log, or for what is not in it. Danger: everything else waits for them, and goes on
 * to wait when they have left.
 */
import assert from "node:assert/strict";
import { systemClock } from "../../../src/base/clock.ts";
import { delay } from "../../../src/base/time.ts";
import { createApp } from "../../../src/control/app.ts";
import { createPageReader } from "../../../src/kernel/page_reader.ts";
import { LogFeed } from "../../../src/kernel/log_feed.ts";
import { logsSchema } from "../../../src/protocol/api.ts";
import { readAll } from "../../../src/store/reading/steps.ts";
import { openDatabase } from "../../../src/store/sqlite/database.ts";
import { openStore, type Store } from "../../../src/store/store.ts";
import { textOf } from "../../support/event_bench.ts";
import { FakeView } from "../../support/fake_view.ts";
import { long } from "../../support/long_form.ts";
import { join } from "../../support/paths.ts";
import { newRow } from "../../support/store_bench.ts";
import { inTempDir } from "../../support/temp_workspace.ts";
import { isFaster, loopStaysFree } from "../../support/watched_loop.ts";

const rows = 300_000;

class LargeView extends FakeView {
  override readonly pages;
  readonly #feed: LogFeed;

  constructor(store: Store) {
    super();
    this.pages = createPageReader(store, { spellings: [] });
    this.#feed = new LogFeed({
      lastId: () => store.reader.lastId(),
      readPage: (filter, maxBytes) => readAll(store.reader.logPage(filter, maxBytes)),
      reportFailure: (thrown) => assert.fail(String(thrown)),
    });
    store.onCommit(() => this.#feed.onCommit());
  }

  override followLog() {
    return this.#feed.follow();
  }
}

async function withLargeLog(
  test: (store: Store, get: (path: string, gone?: AbortSignal) => Promise<Response>) => Promise<void>,
): Promise<void> {
  await inTempDir(async (root) => {
    const path = join(root, "logs.db"), stopping = new AbortController();
    await openStore(path, systemClock).close();
    using db = openDatabase(path);
    db.exec(
      `insert into logs with recursive n (id) as (select 1 union all select id + 1 from n where id < ${rows})` +
        " select id, id, 'sense:cpu', 'sense.signal', 'cpu', null, '{\"used\":0.5}' from n",
    );
    const store = openStore(path, systemClock);
    const report = (bug: unknown) => assert.fail(String(bug));
    const app = createApp(new LargeView(store), { version: "0", stop: () => {}, report });
    const env = { stopping: stopping.signal, clock: systemClock };
    const get = async (path: string, gone = new AbortController().signal) =>
      await app.request(path, {}, { ...env, gone });
    try {
      // The first read starts the thread.
      await get("/v1/logs?limit=1");
      await test(store, get);
    } finally {
      stopping.abort();
      await store.close();
    }
  });
}

Deno.test("an event stream that has missed a large log finds the one row it wants, and the event loop is free meanwhile", () =>
  withLargeLog(async (store, get) => {
    const row = store.log.append(newRow({ source: "kernel", refId: "cpu" }));
    store.log.append(newRow());
    await store.recorded();
    await loopStaysFree(1 / 3, async () => {
      const text = await textOf(await get("/v1/events?source=kernel&refId=cpu&afterId=0"), /data: .*\n\n/);
      assert.match(text, new RegExp(`id: ${row.id}\nevent: sense.signal\ndata: \\{"id":${row.id},.*\\}\n\n`));
    });
  }));

long.test("rows that are written while a stream reads what it has missed come once, after them", () =>
  withLargeLog(async (store, get) => {
    const answer = await get(`/v1/events?type=sense.null&afterId=1`), ids: number[] = [];
    for (let n = 0; n < 3; n++) {
      ids.push(store.log.append(newRow({ type: "sense.null" })).id);
      await store.recorded();
      await delay(systemClock, 1);
    }
    const text = await textOf(answer, new RegExp(`id: ${ids.at(-1)}\n.*\n.*\n\n`));
    assert.deepEqual([...text.matchAll(/^data: \{"id":(\d+)/gm)].map(([, id]) => Number(id)), ids);
  }));

long.test("the query of a client that has left is ended, and the next one does not wait for it", () =>
  withLargeLog(async (_, get) => {
    const hard = "/v1/logs?source=kernel&refId=cpu";
    await isFaster(async () => {
      const gone = new AbortController(), left = Array.from({ length: 12 }, () => get(hard, gone.signal));
      gone.abort();
      for (const answer of await Promise.all(left)) assert.equal(answer.status, 503);
      const page = logsSchema.parse(await (await get("/v1/logs?limit=2")).json());
      assert.deepEqual(page.items.map(({ id }) => id), [rows, rows - 1]);
      assert.match(page.next ?? "", new RegExp(`beforeId=${rows - 1}`));
    }, () => get(hard));
  }));

long.test("a page of 16 MiB arrives whole, with its length, and the event loop is free meanwhile", () =>
  withLargeLog(async (store, get) => {
    const payload = "x".repeat(16_000);
    for (let n = 0; n < 1_000; n++) store.log.append(newRow({ payload }));
    await store.recorded();
    let bytes = new Uint8Array(), length: string | null = null;
    await loopStaysFree(1 / 2, async () => {
      const answer = await get("/v1/logs?limit=1000");
      length = answer.headers.get("content-length");
      bytes = await answer.bytes();
    });
    assert.equal(String(bytes.length), length);
    const page = logsSchema.parse(JSON.parse(new TextDecoder().decode(bytes)));
    assert.deepEqual([page.items.length, page.items[0]?.payload], [1_000, payload]);
    assert.match(page.next ?? "", /beforeId/);
  }));
