import assert from "node:assert/strict";
import { join } from "node:path";
import { setImmediate } from "node:timers";
import { commitPauseMinMs } from "../../../src/base/limits.ts";
import { GroupCommit } from "../../../src/store/commit/group_commit.ts";
import { openDatabase, StatementCache } from "../../../src/store/sqlite/database.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { inTempDir } from "../../support/temp_workspace.ts";
import { insert, withWriter } from "../../support/writer_bench.ts";

class LateClock extends FakeClock {
  late = 0;

  override monotonic(): number {
    return super.monotonic() + this.late;
  }
}

Deno.test("operations of one turn share one commit, and each resolves with its result after it", () =>
  withWriter(async ({ writer, committed }) => {
    const results = [1, 2, 3].map((n) => writer.run(insert(n)).then((changed) => ({ changed, seen: committed() })));
    assert.deepEqual(committed(), []);
    assert.deepEqual(await Promise.all(results), [1, 2, 3].map(() => ({ changed: true, seen: [1, 2, 3] })));
    assert.deepEqual(writer.outcomes.counters, { operations: 3, commits: 1, lost: 0 });
  }));

Deno.test("an operation that throws is undone alone, whatever it had already done", () =>
  withWriter(async ({ writer, committed, lost }) => {
    const first = writer.run(insert(1));
    const broken = writer.run(insert(2, 1));
    const last = writer.run(insert(3));
    await assert.rejects(broken, { code: "STORE_FAILED", message: /UNIQUE/ });
    await Promise.all([first, last]);
    assert.deepEqual(committed(), [1, 3]);
    assert.deepEqual(lost, [1]);
  }));

// A foreign key that is checked at the commit fails it as a disk would, and leaves the transaction open.
Deno.test("a commit that fails rejects all of its operations, counts them, and the next one succeeds", () =>
  withWriter(async ({ db, writer, committed, lost }) => {
    db.exec("create table broken (n references numbers (n) deferrable initially deferred)");
    const first = writer.run(insert(1));
    writer.write([{ sql: "insert into broken values (99)", values: [] }]);
    const durable = writer.durable();
    await assert.rejects(first, { code: "STORE_FAILED", message: /FOREIGN KEY/ });
    await assert.rejects(durable, { code: "STORE_FAILED" });
    assert.deepEqual([committed(), lost], [[], [2]]);
    await writer.run(insert(2));
    assert.deepEqual([committed(), writer.outcomes.counters.lost], [[2], 2]);
  }));

// A full database makes SQLite roll back the whole transaction by itself, in the middle of a batch.
Deno.test("a full database loses what does not fit, reports how much, and recovers when there is room", () =>
  withWriter(async ({ db, writer, committed, lost }) => {
    db.exec("create table texts (t text)");
    const pages = Number(db.prepare("pragma page_count").get()?.page_count);
    db.exec(`pragma max_page_count = ${pages + 2}`);
    const store = (bytes: number) => [{ sql: "insert into texts values (?)", values: ["x".repeat(bytes)] }];
    const small = writer.run(store(10));
    const large = writer.run(store(100_000));
    const outcome = await Promise.allSettled([small, large]);
    const rejected = outcome.filter(({ status }) => status === "rejected").length;
    assert.equal(outcome[1].status, "rejected");
    assert.equal(writer.outcomes.counters.lost, rejected);
    assert.equal(lost.reduce((sum, each) => sum + each, 0), rejected);
    const kept = db.prepare("select count(*) as n from texts").get()?.n;
    assert.equal(kept, 2 - rejected);
    db.exec(`pragma max_page_count = ${pages + 1000}`);
    await writer.run(store(100_000));
    assert.deepEqual(committed(), []);
  }));

Deno.test("durable() resolves at once when nothing is open, and a lost write rejects only in its own turn", () =>
  withWriter(async ({ writer, committed }) => {
    await writer.durable();
    writer.write(insert(1));
    writer.write(insert(1));
    await assert.rejects(writer.durable(), { code: "STORE_FAILED" });
    writer.write(insert(2));
    await writer.durable();
    assert.deepEqual(committed(), [1, 2]);
  }));

Deno.test("a turn with very many writes is committed in between", () =>
  withWriter(async ({ writer, committed }) => {
    for (let n = 0; n < 10_001; n++) writer.write(insert(n));
    assert.equal(committed().length, 10_000);
    await writer.durable();
    assert.deepEqual([committed().length, writer.outcomes.counters.commits], [10_001, 2]);
  }));

// Without the wait each compute of each sense would cost the event loop an fsync of its own, 5 ms on a common disk.
Deno.test("after a commit, rows that nobody waits for are held and share one commit over many turns", () =>
  withWriter(async ({ writer, committed, clock }) => {
    writer.write(insert(1));
    await clock.tick(0);
    assert.deepEqual(committed(), [1]);
    for (let n = 2; n <= 5; n++) {
      writer.write(insert(n));
      await clock.tick(1);
    }
    assert.deepEqual(committed(), [1]);
    await clock.tick(commitPauseMinMs);
    assert.deepEqual(committed(), [1, 2, 3, 4, 5]);
    assert.deepEqual(writer.outcomes.counters, { operations: 5, commits: 2, lost: 0 });
  }));

// Without it each turn that brings one request of many costs an fsync: half the triggers per second, and on a disk of 5
// ms a fifth fewer runs.
Deno.test("writers in turns close to each other share a commit, for as long as the last one took; a single writer does not wait", () =>
  inTempDir(async (root) => {
    const path = join(root, "a.db");
    using db = openDatabase(path);
    db.exec("create table logs (id integer primary key); create table numbers (n integer primary key) strict");
    using reader = openDatabase(path, { readOnly: true });
    const clock = new LateClock();
    const statements = new class extends StatementCache {
      override get(sql: string): ReturnType<StatementCache["get"]> {
        if (sql === "commit") clock.late += 0.5;
        return super.get(sql);
      }
    }(db);
    const writer = new GroupCommit(db, statements, () => {}, clock);
    const write = (n: number) => writer.run(insert(n));
    const seen = () => Number(reader.prepare("select count(*) as n from numbers").get()?.n);
    const turn = () => new Promise((resolve) => setImmediate(resolve));
    const results = [write(1)];
    await turn();
    assert.equal(seen(), 1, "alone");
    results.push(write(2), write(3));
    await turn();
    assert.equal(seen(), 1, "the next turn may bring more");
    results.push(write(4));
    await turn();
    assert.equal(seen(), 1, "and so it did");
    await turn();
    assert.equal(seen(), 4, "no further writer came");
    results.push(write(5), write(6));
    clock.late += 0.5;
    await turn();
    assert.equal(seen(), 6, "as long as the last commit took");
    results.push(write(7), write(8));
    writer.commitThisTurn();
    await turn();
    assert.equal(seen(), 8, "in a hurry");
    await Promise.all(results);
    assert.equal(writer.outcomes.counters.commits, 4);
    await writer.close();
  }));

Deno.test("whoever waits ends the rest with the turn: run, durable and hurry", () =>
  withWriter(async ({ writer, committed }) => {
    writer.write(insert(1));
    await writer.durable();
    writer.write(insert(2));
    await writer.run(insert(3));
    assert.deepEqual(committed(), [1, 2, 3]);
    writer.write(insert(4));
    await writer.durable();
    assert.deepEqual(committed(), [1, 2, 3, 4]);
    writer.write(insert(5));
    writer.commitThisTurn();
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(committed(), [1, 2, 3, 4, 5]);
  }));
