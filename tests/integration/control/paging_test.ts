/**
 * Pages of the API over a real log: a reader who follows the links sees everything once, also while more is written.
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import type * as z from "zod";
import { systemClock } from "../../../src/base/clock.ts";
import { createApp } from "../../../src/control/app.ts";
import { logsSchema, runListSchema } from "../../../src/protocol/api.ts";
import type { PageReader } from "../../../src/protocol/queries.ts";
import { createPageReader } from "../../../src/kernel/page_reader.ts";
import { openStore, type Store } from "../../../src/store/store.ts";
import { FakeView } from "../../support/fake_view.ts";
import { storeRun } from "../../support/past_workspace.ts";
import { inTempDir } from "../../support/temp_workspace.ts";

class StoredView extends FakeView {
  override readonly pages: PageReader;

  constructor(store: Store) {
    super();
    this.pages = createPageReader(store, { spellings: [] });
  }
}

Deno.test("following the page links shows every run and row once, although more are added meanwhile", async () => {
  await inTempDir(async (root) => {
    const store = openStore(join(root, "logs.db"), systemClock);
    const app = createApp(new StoredView(store), {
      version: "0",
      stop: () => {},
      report: (bug) => assert.fail(String(bug)),
    });
    const { signal } = new AbortController(), env = { stopping: signal, gone: signal };
    const walk = async <T>(first: string, schema: z.ZodType<{ items: T[]; next: string | null }>): Promise<T[]> => {
      const all: T[] = [];
      for (let path: string | null = first, page = 0; path !== null; page++) {
        const answer = schema.parse(await (await app.request(path, {}, env)).json());
        all.push(...answer.items);
        path = answer.next;
        await storeRun(store, `late-${first.length}-${page}`, 0, "queued");
      }
      return all;
    };
    const names = Array.from({ length: 25 }, (_, at) => `run-${at}`);
    for (const name of names) await storeRun(store, name, 0, "queued");
    const runs = await walk("/v1/runs?workflow=cleanup&limit=10", runListSchema);
    assert.deepEqual(runs.map(({ runId }) => runId), names.toReversed());
    const before = store.reader.logs({ limit: 1_000 }).length;
    const rows = await walk("/v1/logs?source=workflow:cleanup&limit=7", logsSchema);
    assert.deepEqual(rows.map(({ id }) => id), Array.from({ length: before }, (_, at) => before - at));
    assert.deepEqual(
      runListSchema.parse(await (await app.request("/v1/runs?before=nobody", {}, env)).json()).items,
      [],
    );
    await store.close();
  });
});
