/**
 * Commits on the commit thread: slow ones, large ones, and those that empty the write-ahead log. A temporary trigger
 * records what was done on this thread, because the commit thread has a connection of its own.
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { systemClock } from "../../../src/base/clock.ts";
import { commitManyOperations } from "../../../src/base/limits.ts";
import { type Clock, delay } from "../../../src/base/time.ts";
import { CommitThread } from "../../../src/store/commit/commit_thread.ts";
import { GroupCommit } from "../../../src/store/commit/group_commit.ts";
import type { Operation } from "../../../src/store/commit/operations.ts";
import { openDatabase, StatementCache } from "../../../src/store/sqlite/database.ts";
import { openStore } from "../../../src/store/store.ts";
import { newRow } from "../../support/store_bench.ts";
import { inTempDir } from "../../support/temp_workspace.ts";

interface Bench {
  readonly db: DatabaseSync;
  readonly writer: GroupCommit;
  readonly lost: number[];
  all(): number[];
  doneHere(): number[];
}

const insert = (...numbers: number[]): Operation =>
  numbers.map((n) => ({ sql: "insert into numbers values (?)", values: [n] }));
function bench(test: (bench: Bench) => Promise<void>, clock: Clock = systemClock): Promise<void> {
  return inTempDir(async (root) => {
    using db = openDatabase(join(root, "a.db"));
    db.exec(
      "create table logs (id integer primary key); create table numbers (n integer primary key) strict; create temp table here (n);" +
        "create temp trigger see after insert on numbers begin insert into here values (new.n); end",
    );
    const lost: number[] = [];
    const writer = new GroupCommit(db, new StatementCache(db), (_, operations) => lost.push(operations), clock);
    const read = (table: string) => db.prepare(`select n from ${table} order by rowid`).all().map(({ n }) => Number(n));
    try {
      await test({ db, writer, lost, all: () => read("numbers"), doneHere: () => read("here") });
    } finally {
      await writer.close();
    }
  });
}

/** Writes numbers below zero, so many at once that the next batches go to the commit thread as well. */
async function getBehind({ writer, doneHere }: Bench): Promise<void> {
  for (let n = -1;; n--) {
    const last = n - 4 * commitManyOperations;
    for (; n > last; n--) writer.write(insert(n));
    await writer.durable();
    if (!doneHere().includes(n + 1)) return;
    await delay(systemClock, 1);
  }
}

Deno.test("after a large commit the next ones are done on the thread, in order, and visible here when they resolve", () =>
  bench(async (bench) => {
    const { writer, all, doneHere, lost } = bench;
    await getBehind(bench);
    const seen = await Promise.all([1, 2, 3].map((n) => writer.run(insert(n)).then((changed) => [changed, ...all()])));
    writer.write(insert(4));
    await writer.durable();
    const positive = (numbers: readonly unknown[]) => numbers.filter((n) => Number(n) > 0);
    assert.deepEqual(seen.map(([changed, ...numbers]) => [changed, ...positive(numbers)]), [
      [true, 1, 2, 3],
      [true, 1, 2, 3],
      [true, 1, 2, 3],
    ]);
    assert.deepEqual([positive(all()), positive(doneHere()), lost], [[1, 2, 3, 4], [], []]);
  }));

Deno.test("an operation that fails on the thread is undone alone and reported; the others of its batch are committed", () =>
  bench(async (bench) => {
    const { writer, all, lost } = bench;
    await getBehind(bench);
    const first = writer.run(insert(1)), broken = writer.run(insert(2, 1)), last = writer.run(insert(3));
    await assert.rejects(broken, { code: "STORE_FAILED", message: /UNIQUE/ });
    assert.deepEqual(await Promise.all([first, last]), [true, true]);
    assert.deepEqual([all().filter((n) => n > 0), lost, writer.outcomes.counters.lost], [[1, 3], [1], 1]);
    writer.write(insert(1));
    await assert.rejects(writer.durable(), { code: "STORE_FAILED" });
    assert.equal(await writer.run([{ sql: "update numbers set n = n where n = 99", values: [] }]), false);
  }));

Deno.test("another program's lock makes the thread wait, and no batch is lost", () =>
  bench(async (bench) => {
    const { db, writer, all, lost } = bench;
    await getBehind(bench);
    using other = openDatabase(db.location() ?? "");
    other.exec("begin immediate");
    const waiting = [1, 2, 3].map((n) => writer.run(insert(n)));
    // This thread continues meanwhile, and the commit thread has time to meet the lock.
    using elsewhere = openDatabase(`${db.location()}.elsewhere`);
    elsewhere.exec("create table logs (id integer primary key); create table numbers (n integer primary key) strict");
    const further = new GroupCommit(elsewhere, new StatementCache(elsewhere));
    for (let n = 0; n < 10; n++) await further.run(insert(n));
    await further.close();
    waiting.push(writer.run(insert(4)));
    assert.deepEqual(all().filter((n) => n > 0), []);
    other.exec("rollback");
    await Promise.all(waiting);
    assert.deepEqual([all().filter((n) => n > 0), lost], [[1, 2, 3, 4], []]);
  }));

Deno.test("a batch that the thread cannot commit is lost as a whole, counted and reported; the next one is written", () =>
  bench(async (bench) => {
    const { db, writer, all, lost } = bench;
    await getBehind(bench);
    db.exec("create trigger broken before insert on numbers when new.n = 2 begin select raise(rollback, 'full'); end");
    const results = await Promise.allSettled([1, 2, 3].map((n) => writer.run(insert(n))));
    assert.deepEqual(results.map(({ status }) => status), ["rejected", "rejected", "rejected"]);
    assert.deepEqual([all().filter((n) => n > 0), lost, writer.outcomes.counters.lost], [[], [3], 3]);
    assert.match(writer.outcomes.writeFailure?.message ?? "", /full/);
    await writer.run(insert(4));
    assert.deepEqual([all().filter((n) => n > 0), writer.outcomes.writeFailure], [[4], null]);
  }));

Deno.test("large batches go to the thread once it runs, and the write-ahead log stays short", () =>
  bench(async (bench) => {
    const { db, writer, all, doneHere } = bench;
    db.exec("create table texts (t text)");
    const text = [{ sql: "insert into texts values (?)", values: ["x".repeat(50_000)] }];
    let most = 0, written = 0;
    for (let n = 0; n < 400; n++) {
      await writer.run(text);
      most = Math.max(most, Number(db.prepare("pragma wal_checkpoint(noop)").get()?.log));
    }
    // 13 pages each: 5,200 in all.
    assert.ok(most < 1_100, `the log grew to ${most} pages`);
    const batch = commitManyOperations + 1;
    for (; doneHere().length === written && written < 1_000 * batch; written += batch) {
      for (let n = 0; n < batch; n++) writer.write(insert(written + n));
      await writer.durable();
    }
    assert.equal(doneHere().length, written - batch, "the last batch was done behind");
    assert.equal(all().length, written);
  }, { ...systemClock, monotonic: () => 0 }));

// The bug was: a removed workspace came back as an empty folder; a new one in its place would have got rows of the old
// one.
Deno.test("a database that was removed is not recreated, and one in its place is not written", () =>
  inTempDir(async (root) => {
    const path = join(root, "data", "a.db"),
      tried = async () => {
        const thread = new CommitThread(path, systemClock);
        await Deno.remove(join(root, "data"), { recursive: true });
        return thread;
      };
    const make = () => openDatabase(path).close();
    make();
    const removed = await tried();
    assert.equal(removed.ensureReady(), false);
    await removed.opened();
    assert.equal(removed.ensureReady(), false);
    assert.deepEqual([...Deno.readDirSync(root)], []);
    make();
    const replaced = await tried();
    // So that it does not get the same inode again.
    const other = await Deno.makeTempFile({ dir: root });
    make();
    assert.equal(replaced.ensureReady(), false);
    await replaced.opened();
    assert.equal(replaced.ensureReady(), false);
    await Deno.remove(other);
    for (const thread of [removed, replaced]) thread.end();
  }));

// The bug was: a batch that was begun for the thread hung for ever when the thread's idle time ended in that moment.
Deno.test("a batch for a thread that has ended is committed here, in order", () =>
  bench(async (bench) => {
    const { writer, all, doneHere, lost } = bench, { ensureReady } = CommitThread.prototype;
    await getBehind(bench);
    const first = writer.run(insert(1)), second = writer.run(insert(2));
    writer.write(insert(2));
    const durable = writer.durable();
    CommitThread.prototype.ensureReady = () => false;
    try {
      assert.deepEqual(await Promise.all([first, second]), [true, true]);
      await assert.rejects(durable, { code: "STORE_FAILED" });
    } finally {
      CommitThread.prototype.ensureReady = ensureReady;
    }
    const positive = (numbers: number[]) => numbers.filter((n) => n > 0);
    assert.deepEqual([positive(all()), positive(doneHere()), lost], [[1, 2], [1, 2], [1]]);
  }));

Deno.test("close also commits what is written while it waits", () =>
  inTempDir(async (root) => {
    const path = join(root, "a.db");
    using db = openDatabase(path);
    db.exec("create table logs (id integer primary key); create table numbers (n integer primary key) strict");
    const writer = new GroupCommit(db, new StatementCache(db));
    for (let n = 1; n <= 200; n++) writer.write(insert(n));
    const closed = writer.close();
    writer.write(insert(201));
    await closed;
    assert.equal(db.prepare("select count(*) as n from numbers").get()?.n, 201);
  }));

// The bug was: after a clean stop the log was one empty page, and all its data in a file beside it.
Deno.test("after close only the database file is left, with everything in it", () =>
  inTempDir(async (root) => {
    const store = openStore(join(root, "logs.db"), systemClock);
    for (let batch = 0; batch < 5; batch++) {
      for (let n = 0; n < 200; n++) store.log.append(newRow());
      await store.log.durable();
    }
    await store.close();
    assert.deepEqual([...Deno.readDirSync(root)].map(({ name }) => name), ["logs.db"]);
  }));

Deno.test("a lost row does not prevent waiting for later ones", () =>
  bench(async (bench) => {
    const { writer, all } = bench;
    await getBehind(bench);
    writer.write(insert(1));
    writer.write(insert(1));
    writer.flush();
    for (let n = 2; n <= 3_000; n++) writer.write(insert(n));
    await writer.recorded();
    assert.equal(all().filter((n) => n > 0).length, 3_000);
  }));

Deno.test("a value that was set is read back at once, wherever it is committed", () =>
  inTempDir(async (root) => {
    const store = openStore(join(root, "logs.db"), systemClock);
    for (let batch = 0; batch < 5; batch++) {
      for (let n = 0; n < 200; n++) store.log.append(newRow());
      store.meta.set("cron:a", String(batch));
      assert.equal(store.meta.get("cron:a"), String(batch));
      await store.log.durable();
    }
    await store.close();
  }));

Deno.test("a thread that is ended while it starts leaves no files beside a closed database", () =>
  inTempDir(async (root) => {
    const path = join(root, "a.db"), db = openDatabase(path);
    db.exec("create table numbers (n)");
    const thread = new CommitThread(path, systemClock);
    assert.equal(thread.ensureReady(), false);
    await thread.end();
    db.close();
    // A thread that starts later than the first is ready by now: the first would have shown itself.
    await inTempDir(async (other) => {
      openDatabase(join(other, "b.db")).close();
      const later = new CommitThread(join(other, "b.db"), systemClock);
      later.ensureReady();
      await later.opened();
      assert.equal(later.ensureReady(), true);
      await later.end();
    });
    assert.deepEqual([...Deno.readDirSync(root)].map(({ name }) => name), ["a.db"]);
  }));
