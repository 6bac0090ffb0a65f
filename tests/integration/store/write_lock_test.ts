/** Writing while another program holds SQLite's write lock. Danger: the event loop stands still, or a write is lost. */
import assert from "node:assert/strict";
import type { DatabaseSync } from "node:sqlite";
import { databaseBusyMaxMs, lockRetryMs } from "../../../src/base/limits.ts";
import { openDatabase, StatementCache } from "../../../src/store/sqlite/database.ts";
import { insert, withWriter } from "../../support/writer_bench.ts";

/** How long SQLite itself would wait for the lock at each attempt, in milliseconds. */
class LockWaits implements Disposable {
  readonly seen: number[] = [];
  readonly #get = StatementCache.prototype.get;

  constructor(db: DatabaseSync) {
    const { seen } = this, get = this.#get;
    StatementCache.prototype.get = function (sql) {
      if (sql === "begin immediate") seen.push(Number(db.prepare("pragma busy_timeout").get()?.timeout));
      return get.call(this, sql);
    };
  }

  [Symbol.dispose](): void {
    StatementCache.prototype.get = this.#get;
  }
}

// The bug was: each write blocked the event loop for two seconds, and with it every sense and run of the kernel.
Deno.test("while another program holds the lock, writes wait in order without blocking the event loop, and none is lost", () =>
  withWriter(async ({ db, writer, committed, lost, clock }) => {
    using other = openDatabase(db.location() ?? "");
    other.exec("begin immediate");
    using waits = new LockWaits(db);
    db.exec(
      "create temp table seen (n); create temp trigger see insert on numbers begin insert into seen values (new.n); end",
    );
    const order = () => db.prepare("select n from seen order by rowid").all().map(({ n }) => Number(n));
    const first = writer.run(insert(1));
    writer.write(insert(2));
    const third = writer.run(insert(3)), durable = writer.durable();
    await clock.tick(databaseBusyMaxMs - 2 * lockRetryMs);
    assert.ok(waits.seen.length > 1);
    assert.deepEqual(waits.seen.filter((ms) => ms > 0), [], "the event loop was held up");
    assert.deepEqual(order(), []);
    other.exec("rollback");
    await clock.tick(lockRetryMs);
    await Promise.all([first, third, durable]);
    assert.deepEqual([order(), committed(), lost], [[1, 2, 3], [1, 2, 3], []]);
    assert.deepEqual(writer.outcomes.counters, { operations: 3, commits: 1, lost: 0 });
  }));

Deno.test("a write that waits too long for another program's lock is lost and reported, and the writer recovers", () =>
  withWriter(async ({ db, writer, committed, lost, clock }) => {
    using other = openDatabase(db.location() ?? "");
    other.exec("begin immediate");
    const locked = { code: "STORE_FAILED", message: /locked/ };
    const refused = assert.rejects(writer.run(insert(1)), locked);
    writer.write(insert(2));
    const durable = assert.rejects(writer.durable(), locked);
    await clock.tick(databaseBusyMaxMs + lockRetryMs);
    await Promise.all([refused, durable]);
    assert.match(writer.outcomes.writeFailure?.hint ?? "", /another program holds a lock/);
    writer.write(insert(3));
    await clock.tick(databaseBusyMaxMs / 2);
    other.exec("rollback");
    await clock.tick(lockRetryMs);
    await writer.durable();
    assert.deepEqual([committed(), lost, writer.outcomes.writeFailure], [[3], [1, 1], null]);
  }));
