/** The log's writer over a table of numbers, on the fake clock, and a second connection that sees what is committed. */
import { join } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { GroupCommit } from "../../src/store/commit/group_commit.ts";
import type { Operation } from "../../src/store/commit/operations.ts";
import { openDatabase, StatementCache } from "../../src/store/sqlite/database.ts";
import { FakeClock } from "./fake_clock.ts";
import { inTempDir } from "./temp_workspace.ts";

export interface WriterBench {
  readonly db: DatabaseSync;
  readonly writer: GroupCommit;
  readonly lost: number[];
  readonly clock: FakeClock;
  /** The rows that another connection sees. */
  committed(): number[];
}

export const insert = (...numbers: number[]): Operation =>
  numbers.map((n) => ({ sql: "insert into numbers values (?)", values: [n] }));

export function withWriter(test: (bench: WriterBench) => Promise<void>): Promise<void> {
  return inTempDir(async (root) => {
    const path = join(root, "a.db");
    using db = openDatabase(path);
    db.exec("create table logs (id integer primary key); create table numbers (n integer primary key) strict");
    using reader = openDatabase(path, { readOnly: true });
    const lost: number[] = [], statements = new StatementCache(db);
    const clock = new FakeClock();
    const writer = new GroupCommit(db, statements, (_, operations) => lost.push(operations), clock);
    const committed = () => reader.prepare("select n from numbers order by n").all().map(({ n }) => Number(n));
    await test({ db, writer, lost, clock, committed }).finally(() => writer.close());
  });
}
