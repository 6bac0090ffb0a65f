/** `ctx.peers`: which databases a sense may read, and that it opens no other. */
import assert from "node:assert/strict";
import { join } from "node:path";
import type { ProcessSpec, SenseSpec } from "../../../src/protocol/message.ts";
import { openPeers } from "../../../src/sandbox/peers.ts";
import { openDatabase } from "../../../src/store/sqlite/database.ts";
import { objectRows, type SqlSource } from "../../../src/store/sqlite/sql_source.ts";
import { inTempDir } from "../../support/temp_workspace.ts";

/** The peers of `own`: the senses "a" and "b" have a database each, and "new" has none. */
function withPeers(
  peers: SenseSpec["peers"],
  test: (peers: ReturnType<typeof openPeers>, opened: SqlSource[]) => void,
): Promise<void> {
  return inTempDir((root) => {
    for (const name of ["a", "b"]) openDatabase(join(root, `${name}.db`)).close();
    const spec = { senseDatabases: root } as ProcessSpec, reader = { sense: "own", peers };
    const opened: SqlSource[] = [], closes: (() => void)[] = [];
    const all = new Set(["own", "a", "b", "new"]);
    test(
      openPeers(spec, reader, {
        allSenses: () => all,
        onOpened: (_, close) => void closes.push(close),
        onUnshared: (name) => assert.fail(`the kernel was asked for the files of ${name}`),
        limit: { begin() {}, end() {} },
        createDrizzle: (source) => {
          opened.push(source);
          return { of: source } as never;
        },
      }),
      opened,
    );
    for (const close of closes) close();
    return Promise.resolve();
  });
}

Deno.test("peers are all other senses by default, and a database is opened once, when it is first read", () =>
  withPeers("all", (peers, opened) => {
    assert.deepEqual(Object.keys(peers), ["a", "b", "new"]);
    assert.equal(opened.length, 0);
    assert.equal(peers.a, peers.a);
    assert.equal(opened.length, 1);
    assert.ok("b" in peers && !("own" in peers) && peers.own === undefined);
  }));

Deno.test("only the listed peers exist, whatever name is requested", () =>
  withPeers(["a"], (peers, opened) => {
    assert.deepEqual(Object.keys(peers), ["a"]);
    for (const name of ["b", "own", "../a", "constructor"]) assert.equal(peers[name], undefined, name);
    assert.equal(opened.length, 0);
  }));

Deno.test("a peer's database is read-only, and a missing one cannot be read", () =>
  withPeers("all", (peers, opened) => {
    assert.ok(peers.a !== undefined);
    const [a] = opened, run = (sql: string) => a?.run(sql, [], objectRows);
    assert.throws(() => run("create table t (n)"), /not authorized: it would do more than read/);
    for (const sql of ["begin", "savepoint s", "pragma wal_checkpoint"]) {
      assert.throws(() => run(sql), /not authorized/);
    }
    assert.throws(() => a?.transaction("deferred", () => {}), /one query at a time/);
    assert.throws(() => peers.new, { code: "STORE_FAILED" });
  }));

Deno.test("user code cannot add a database to its peers, or remove one", () =>
  withPeers(["a"], (peers) => {
    assert.throws(() => Object.assign(peers, { b: {} }), TypeError);
    assert.ok(!Reflect.deleteProperty(peers, "a"));
    assert.ok(!Reflect.defineProperty(peers, "c", { value: 1 }));
  }));
