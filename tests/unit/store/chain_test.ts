/**
 * How the chain of hashes goes on, with the rows of one commit after another. What a check finds is in
 * verify_chain_test.ts. Danger: a chain that was cut off looks whole again after the next commit.
 */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { runStep } from "../../../src/store/commit/operations.ts";
import {
  chainFromKey,
  chainUpToKey,
  hashRow,
  noHash,
  readNewestId,
  sealRows,
  toMark,
} from "../../../src/store/log/chain.ts";
import { logLine } from "../../../src/store/log/log_sql.ts";
import { logMigrations } from "../../../src/store/log/schema.ts";
import { migrate, openDatabase, StatementCache } from "../../../src/store/sqlite/database.ts";
import fc from "../../support/fast_check.ts";

/** A log to which rows are written as a commit does it. */
class Chain implements Disposable {
  readonly #db = openDatabase(":memory:");
  readonly statements: StatementCache = new StatementCache(this.#db);

  constructor() {
    migrate(this.#db, logMigrations, "the log");
  }

  /** One commit of so many rows. */
  commit(rows: number, payload = "{}"): void {
    const before = readNewestId(this.statements);
    this.write(rows, payload);
    sealRows(this.statements, before);
  }

  /** Rows that nerve has not written. */
  write(rows: number, payload = "{}"): void {
    const sql =
      "insert into logs (ts, source, type, ref_id, cause_id, payload) values (1, 'nerve', 'nerve.note', ?, null, ?)";
    for (let n = 0; n < rows; n++) runStep(this.statements, { sql, values: [`ref ${n}`, payload] });
  }

  run(sql: string): void {
    this.#db.exec(sql);
  }

  links(): [number, string][] {
    const rows = this.statements.arrays("select up_to, hash from log_chain order by up_to").all();
    return rows as unknown as [number, string][];
  }

  meta(key: string): unknown {
    return this.statements.get("select value from meta where key = ?").get(key)?.value;
  }

  /** The hash up to a row, as anybody may compute it. */
  hashTo(upTo: number): string {
    const lines = this.statements.arrays(`select ${logLine} from logs where id <= ? order by id`).all(upTo);
    return (lines as unknown as [string][]).reduce(
      (before, [line]) => createHash("sha256").update(before + line).digest("hex"),
      noHash,
    );
  }

  [Symbol.dispose](): void {
    this.#db.close();
  }
}

Deno.test("the hash of a row covers the row before it and every character of its own", () => {
  const text = "ä\0\u{1f600}".repeat(9_000);
  for (const line of ["", "a", text]) {
    assert.equal(hashRow(noHash, line), createHash("sha256").update(noHash + line).digest("hex"));
  }
  assert.notEqual(hashRow(hashRow(noHash, "a"), "b"), hashRow(hashRow(noHash, "b"), "a"));
});

Deno.test("the first commit begins the chain before its first row, and each goes on from the newest link", () => {
  using chain = new Chain();
  assert.deepEqual([readNewestId(chain.statements), chain.links()], [0, []]);
  chain.commit(2);
  assert.deepEqual(chain.links(), [[0, noHash], [2, chain.hashTo(2)]]);
  assert.deepEqual([chain.meta(chainFromKey), chain.meta(chainUpToKey)], ["0", toMark(2, chain.hashTo(2))]);
  chain.commit(3, '{"a":"ä"}');
  assert.deepEqual(chain.links(), [[0, noHash], [5, chain.hashTo(5)]]);
  assert.equal(chain.meta(chainUpToKey), toMark(5, chain.hashTo(5)));
});

Deno.test("a commit without rows of the log changes nothing", () => {
  using chain = new Chain();
  chain.commit(0);
  assert.deepEqual([chain.links(), chain.meta(chainUpToKey)], [[], undefined]);
  chain.commit(1);
  const before = chain.links();
  chain.commit(0);
  assert.deepEqual(chain.links(), before);
});

Deno.test("a log that has rows already begins its chain at the first commit, not at its first row", () => {
  using chain = new Chain();
  chain.write(4);
  chain.commit(1);
  assert.deepEqual([chain.links()[0], chain.meta(chainFromKey)], [[4, noHash], "4"]);
  assert.equal(chain.links().length, 2);
});

Deno.test("a link stays at about every thousand rows, and the first one always", () => {
  using chain = new Chain();
  for (const rows of [400, 400, 400, 400, 900, 1]) chain.commit(rows);
  assert.deepEqual(chain.links().map(([upTo]) => upTo), [0, 800, 1_600, 2_501]);
  for (const [upTo, hash] of chain.links()) assert.equal(hash, chain.hashTo(upTo));
});

Deno.test("however rows are shared out among commits, the newest hash is the same, and its links are few", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(700), { minLength: 1, maxLength: 6 }), (commits) => {
      using chain = new Chain();
      for (const rows of commits) chain.commit(rows);
      const all = commits.reduce((sum, rows) => sum + rows, 0), links = chain.links();
      if (all === 0) return assert.deepEqual(links, []);
      assert.deepEqual(links.at(-1), [all, chain.hashTo(all)]);
      assert.ok(links.length <= 2 + all / 1_000, String(links.length));
      assert.equal(chain.meta(chainUpToKey), toMark(...(links.at(-1) ?? assert.fail())));
    }),
    { numRuns: 15 },
  );
});

Deno.test("a row that another program wrote is not added", () => {
  using chain = new Chain();
  chain.commit(2);
  chain.write(1);
  chain.commit(1);
  const [, newest] = chain.links();
  assert.equal(newest?.[0], 4);
  assert.notEqual(newest?.[1], chain.hashTo(4), "a check finds row 3");
});

Deno.test("a chain whose links were deleted begins anew, and is in accord with what meta says never again", () => {
  using chain = new Chain();
  chain.commit(3);
  const mark = chain.meta(chainUpToKey);
  chain.run("delete from log_chain");
  for (let n = 0; n < 3; n++) chain.commit(1);
  assert.deepEqual(chain.links()[0], [3, noHash]);
  assert.deepEqual([chain.meta(chainFromKey), chain.meta(chainUpToKey)], ["0", mark]);
});

Deno.test("a newest link that was set back is not made good in meta", () => {
  using chain = new Chain();
  chain.commit(2);
  chain.commit(1);
  const mark = chain.meta(chainUpToKey), hash = chain.hashTo(2);
  chain.run(`update log_chain set up_to = 2, hash = '${hash}' where up_to = 3`);
  chain.commit(1);
  assert.equal(chain.meta(chainUpToKey), mark);
});
