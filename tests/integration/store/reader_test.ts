import assert from "node:assert/strict";
import { join } from "node:path";
import { systemClock } from "../../../src/base/clock.ts";
import { toNextRow } from "../../../src/protocol/queries.ts";
import { StoreReader } from "../../../src/store/log/reader.ts";
import { openDatabase } from "../../../src/store/sqlite/database.ts";
import { openStore } from "../../../src/store/store.ts";
import { canMount, smallDisk } from "../../support/mounts.ts";
import { newRow, newRun, runRow, withStore } from "../../support/store_bench.ts";
import { inTempDir } from "../../support/temp_workspace.ts";

Deno.test("without a log there is no reader, and no log is created", () =>
  inTempDir(async (root) => {
    const path = join(root, "logs.db");
    assert.equal(StoreReader.open(path), null);
    await assert.rejects(Deno.stat(path), Deno.errors.NotFound);
    openDatabase(path).close();
    assert.equal(StoreReader.open(path), null);
  }));

Deno.test("a log of a newer nerve is rejected, and so is a file that is not a log", () =>
  inTempDir(async (root) => {
    const path = join(root, "logs.db");
    using db = openDatabase(path);
    db.exec("pragma user_version = 99");
    assert.throws(() => StoreReader.open(path), { code: "STORE_FAILED", message: /version 99/ });
    const other = join(root, "other.db");
    await Deno.writeTextFile(other, "x".repeat(5_000));
    assert.throws(() => StoreReader.open(other), { code: "STORE_FAILED" });
  }));

Deno.test("the log is read while a store writes it, and without one", () =>
  withStore(async ({ store, path }) => {
    const row = store.log.append(newRow());
    await store.log.durable();
    const reader = StoreReader.open(path);
    assert.deepEqual(reader?.logs({}), [row]);
    const next = store.log.append(newRow());
    assert.equal(reader?.lastRow("sense:cpu")?.id, row.id);
    await store.log.durable();
    assert.deepEqual(reader?.lastRow("sense:cpu"), next);
    assert.equal(reader?.lastRow("sense:none"), null);
    reader?.close();
    const copy = `${path}.copy`;
    using db = openDatabase(path);
    db.exec(`vacuum into '${copy}'`);
    const alone = StoreReader.open(copy);
    assert.deepEqual(alone?.logs({}), [row, next]);
    alone?.close();
  }));

Deno.test("rows are filtered by each field, ordered, limited, and 100 at most unless asked", () =>
  withStore(async ({ store, clock }) => {
    for (let n = 1; n <= 150; n++) {
      const odd = n % 2 === 1;
      store.log.append(newRow({
        source: odd ? "sense:cpu" : "kernel",
        type: n % 3 === 0 ? "sense.null" : "sense.log",
        refId: n % 5 === 0 ? "five" : null,
      }));
      await clock.tick(10);
    }
    await store.log.durable();
    const ids = (filter: Parameters<StoreReader["logs"]>[0]) => store.reader.logs(filter).map(({ id }) => id);
    const start = store.reader.logs({ limit: 1 })[0]?.ts ?? 0;
    assert.deepEqual([ids({}).length, ids({})[0], ids({}).at(-1)], [100, 1, 100]);
    assert.deepEqual(ids({ order: "desc", limit: 2 }), [150, 149]);
    assert.deepEqual(ids({ source: "kernel", limit: 2 }), [2, 4]);
    assert.deepEqual(ids({ type: "sense.null", limit: 2, order: "desc" }), [150, 147]);
    assert.deepEqual(ids({ refId: "five", source: "sense:cpu", limit: 3 }), [5, 15, 25]);
    assert.deepEqual(ids({ afterId: 10, beforeId: 13 }), [11, 12]);
    assert.deepEqual(ids({ sinceMs: start + 20, untilMs: start + 40 }), [3, 4]);
    assert.deepEqual(ids({ limit: 0 }), []);
  }));

Deno.test("runs are listed newest first, in pages, with the number of all that match", () =>
  withStore(async ({ store }) => {
    for (let n = 1; n <= 5; n++) {
      const workflow = n === 3 ? "other" : "cleanup", status = n > 3 ? "queued" : "started";
      await store.runs.create(newRun(`r${n}`, { workflow, status }), runRow(`r${n}`));
    }
    const list = (query: Partial<Parameters<StoreReader["runs"]>[0]>) => {
      const { items, total } = store.reader.runs({ limit: 2, offset: 0, ...query });
      return [total, ...items.map(({ runId }) => runId)];
    };
    assert.deepEqual(list({}), [5, "r5", "r4"]);
    assert.deepEqual(list({ offset: 4 }), [5, "r1"]);
    assert.deepEqual(list({ workflow: "cleanup", offset: 2 }), [4, "r2", "r1"]);
    assert.deepEqual(list({ statuses: ["started", "failed"] }), [3, "r3", "r2"]);
    assert.deepEqual(list({ statuses: ["queued"], workflow: "other" }), [0]);
    assert.deepEqual(list({ statuses: [] }), [0]);
    assert.equal(store.reader.run("none"), null);
  }));

Deno.test("the newest messages before a round are returned, oldest first", () =>
  withStore(async ({ store }) => {
    await store.runs.create(newRun("a"), runRow("a"));
    for (let round = 1; round <= 5; round++) {
      const message = { round, role: "scan", content: `m${round}`, meta: {}, ts: round };
      await store.runs.appendMessage({ runId: "a", workflow: "cleanup", attempt: 1, causeId: null }, message);
    }
    const rounds = (query?: Parameters<StoreReader["messages"]>[1]) =>
      store.reader.messages("a", query).map(({ round }) => round);
    assert.deepEqual(rounds(), [1, 2, 3, 4, 5]);
    assert.deepEqual(rounds({ limit: 2 }), [4, 5]);
    assert.deepEqual(rounds({ beforeRound: 4, limit: 2 }), [2, 3]);
    assert.deepEqual(rounds({ beforeRound: 1 }), []);
    assert.deepEqual(store.reader.messages("a", { limit: 1 })[0], {
      round: 5,
      role: "scan",
      content: "m5",
      meta: {},
      ts: 5,
    });
  }));

Deno.test({
  name: "a log on a medium that cannot be written is read like any other",
  ignore: !canMount,
  fn: () =>
    inTempDir(async (root) => {
      const folder = join(root, "medium"), path = join(folder, "logs.db");
      using disk = smallDisk(folder, 4 * 1024 ** 2);
      const store = openStore(path, systemClock);
      store.log.append({ source: "kernel", type: "kernel.started", refId: null, causeId: null, payload: {} });
      await store.close();
      disk.readOnly();
      const reader = StoreReader.open(path);
      assert.equal(reader?.logs({}).length, 1);
      reader?.close();
    }),
});

Deno.test("a page of rows or messages is bounded by its bytes, holds at least one, and none is missed between pages", () =>
  withStore(async ({ store }) => {
    await store.runs.create(newRun("a"), runRow("a"));
    // Each control character takes six bytes of JSON: two messages fit into a page.
    const content = "\u0001".repeat(1024 ** 2);
    for (let round = 1; round <= 5; round++) {
      const message = { round, role: "scan", content, meta: {}, ts: round };
      await store.runs.appendMessage({ runId: "a", workflow: "cleanup", attempt: 1, causeId: null }, message);
    }
    const { reader } = store, pages: number[][] = [];
    for (let beforeRound = 6; beforeRound > 1; beforeRound = pages.at(-1)?.[0] ?? 0) {
      pages.push(reader.messages("a", { beforeRound, limit: 1_000 }).map(({ round }) => round));
    }
    assert.deepEqual(pages, [[4, 5], [2, 3], [1]]);
    for (const order of ["asc", "desc"] as const) {
      const ids: number[] = [], filter = { type: "run.message", order, limit: 1_000 };
      for (let rows = reader.logs(filter); rows.length > 0;) {
        assert.ok(rows.length <= 2);
        ids.push(...rows.map(({ id }) => id));
        rows = reader.logs({ ...toNextRow(filter, rows), limit: 1_000 });
      }
      assert.deepEqual(ids.toSorted((a, b) => a - b), [2, 3, 4, 5, 6]);
    }
    assert.deepEqual([...store.runs.readThread("a")].map(({ round }) => round), [1, 2, 3, 4, 5]);
  }));
