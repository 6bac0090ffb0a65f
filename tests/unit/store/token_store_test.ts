/** Tokens on disk. Danger: one that was revoked opens again, or a change without the row of the log that tells it. */
import assert from "node:assert/strict";
import type { NewLogRow } from "../../../src/protocol/log.ts";
import { type TokenRow, TokenStore } from "../../../src/store/access/token_store.ts";
import { GroupCommit } from "../../../src/store/commit/group_commit.ts";
import { LogStore } from "../../../src/store/log/log_store.ts";
import { logMigrations } from "../../../src/store/log/schema.ts";
import { migrate, openDatabase, StatementCache } from "../../../src/store/sqlite/database.ts";
import { FakeClock } from "../../support/fake_clock.ts";

const rowOf = (refId: string): NewLogRow => ({
  source: "kernel",
  type: "token.created",
  refId,
  causeId: null,
  payload: {},
});

function tokenOf(id: string, change: Partial<TokenRow> = {}): TokenRow {
  const of = { kind: "token", name: `name of ${id}`, scope: "read", hash: `hash of ${id}`, created: 1 };
  return { id, ...of, expires: null, used: null, revoked: null, ...change };
}

async function withTokens(
  test: (tokens: TokenStore, db: ReturnType<typeof openDatabase>, commit: GroupCommit) => Promise<void>,
): Promise<void> {
  using db = openDatabase(":memory:");
  migrate(db, logMigrations, "the log");
  const statements = new StatementCache(db), clock = new FakeClock();
  const commit = new GroupCommit(db, statements, () => {}, clock);
  await test(new TokenStore(statements, commit, new LogStore(statements, commit, clock)), db, commit);
}

const rowsIn = (db: ReturnType<typeof openDatabase>) =>
  db.prepare("select ref_id from logs order by id").all().map(({ ref_id }) => ref_id);
const byId = (tokens: TokenStore) => new Map(tokens.list().map((token) => [token.id, { ...token }]));

Deno.test("tokens are read back as they were put, oldest first", () =>
  withTokens(async (tokens) => {
    assert.deepEqual(tokens.list(), []);
    const put = [
      tokenOf("b", { created: 3, expires: 9, name: "ä\ud83d\ude00", kind: "session" }),
      tokenOf("a", { created: 2, used: 5 }),
      tokenOf("c", { created: 1, revoked: 7 }),
    ];
    for (const each of put) await tokens.save({ put: each, rows: [rowOf(each.id)] });
    assert.deepEqual(tokens.list().map((token) => ({ ...token })), put.toReversed());
  }));

Deno.test("a change and the rows that tell it are one write: what fails leaves neither", () =>
  withTokens(async (tokens, db) => {
    await tokens.save({ put: tokenOf("a"), rows: [rowOf("a")] });
    const again = tokens.save({ put: tokenOf("a", { name: "other" }), remove: ["a2"], rows: [rowOf("lost")] });
    await assert.rejects(again, { code: "STORE_FAILED" });
    assert.deepEqual([rowsIn(db), tokens.list().map(({ name }) => name)], [["a"], ["name of a"]]);
    await tokens.save({ put: tokenOf("b"), rows: [rowOf("b"), rowOf("b2")] });
    assert.deepEqual(rowsIn(db), ["a", "b", "b2"]);
  }));

Deno.test("dead tokens leave with the token that takes their place, also one of the same id", () =>
  withTokens(async (tokens) => {
    for (const id of ["a", "b", "c"]) await tokens.save({ put: tokenOf(id), rows: [rowOf(id)] });
    await tokens.save({ put: tokenOf("a", { name: "new" }), remove: ["a", "b", "none"], rows: [rowOf("a")] });
    assert.deepEqual([...byId(tokens)].map(([id, { name }]) => `${id} ${name}`).sort(), ["a new", "c name of c"]);
  }));

Deno.test("a token is revoked once: the time at which it was stays, and others are not touched", () =>
  withTokens(async (tokens) => {
    for (const id of ["a", "b", "c"]) await tokens.save({ put: tokenOf(id), rows: [rowOf(id)] });
    await tokens.save({ revoke: { ids: ["a"], at: 5 }, rows: [rowOf("a")] });
    await tokens.save({ revoke: { ids: ["a", "b", "none"], at: 6 }, rows: [rowOf("b")] });
    const all = byId(tokens);
    assert.deepEqual(["a", "b", "c"].map((id) => all.get(id)?.revoked), [5, 6, null]);
  }));

Deno.test("the last use of a token is written with the next commit, and of one that is gone nothing is", () =>
  withTokens(async (tokens, _db, commit) => {
    await tokens.save({ put: tokenOf("a"), rows: [rowOf("a")] });
    tokens.saveUse("a", 8);
    tokens.saveUse("none", 9);
    await commit.durable();
    assert.deepEqual(tokens.list().map(({ id, used, revoked }) => [id, used, revoked]), [["a", 8, null]]);
  }));

Deno.test("what a token is never changes on disk, and a revocation is never taken back, whoever asks", () =>
  withTokens(async (tokens, db) => {
    await tokens.save({ put: tokenOf("a", { revoked: 4 }), rows: [rowOf("a")] });
    for (const set of ["hash = 'x'", "scope = 'operate'", "expires = 99", "kind = 'session'"]) {
      assert.throws(() => db.exec(`update access_tokens set ${set}`), /never changes/, set);
    }
    for (const set of ["null", "5"]) {
      assert.throws(() => db.exec(`update access_tokens set revoked = ${set}`), /once/, set);
    }
  }));
