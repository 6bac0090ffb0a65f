/**
 * SQLite: through its own database a sense reaches no other file, no library, no address, no lock and no other sense's rows,
 * and it holds nobody up that writes what it reads.
 */
import assert from "node:assert/strict";
import { type Attack, type Attacks, attackTest, longAttackTest } from "../../support/attack_tests.ts";

const refused = /^threw .*(not authorized: |node:sqlite is closed in the sandbox)/;
const sense = (body: string, outcome = refused): Attack => ({ body, outcome, only: "sense" });
const imported = (code: string): Attack => ({
  body: `const { DatabaseSync, backup } = await import('node:sqlite'); ${code}`,
  outcome: /^threw .*node:sqlite is closed in the sandbox: use ctx\.sqlite/,
});
/** By each way in which a sense runs SQL of its own. */
function byEachWay(name: string, sql: string): Attacks {
  const text = `\`${sql}\``;
  return {
    [`${name}-exec`]: sense(`sqlite.exec(${text}); return 'done'`),
    [`${name}-prepare`]: sense(`return sqlite.prepare(${text}).all()`),
    [`${name}-iterate`]: sense(`return [...sqlite.prepare(${text}).iterate()]`),
    [`${name}-drizzle`]: sense(`const { sql } = await import('drizzle-orm'); return db.all(sql.raw(${text}))`),
    [`${name}-client`]: sense(`return db.session.client.prepare(${text}).raw().all()`),
    [`${name}-transaction`]: sense(
      `return sqlite.transaction(() => sqlite.prepare(${text}).all())`,
      /^threw .*(not authorized: |within a transaction)/,
    ),
    [`${name}-peer`]: sense(`const { sql } = await import('drizzle-orm'); return peers.victim.all(sql.raw(${text}))`),
    [`${name}-peer-client`]: sense(`return peers.victim.session.client.prepare(${text}).run()`),
  };
}

attackTest("no other file can be reached by SQL, no extension is loaded, and no address is given or taken", {
  ...byEachWay("attach", "attach '${config.outside}/new.db' as x"),
  ...byEachWay("attach-uri", "attach 'file:${config.outside}/new.db?mode=rwc' as x"),
  ...byEachWay("attach-victim", "attach '${config.victimDatabase}' as x"),
  ...byEachWay("vacuum-into", "vacuum into '${config.outside}/new.db'"),
  ...byEachWay("extension", "select load_extension('${config.outside}/x.so')"),
  ...byEachWay("tokenizer", "select fts3_tokenizer('porter')"),
  ...byEachWay("temp-folder", "pragma temp_store_directory = '${config.outside}'"),
  ...byEachWay("data-folder", "pragma data_store_directory = '${config.outside}'"),
  ...byEachWay("log-file", "pragma unheard_of = '${config.outside}'"),
  "attach-bound": sense("sqlite.prepare('attach ? as x').run(config.outside + '/new.db')"),
  "vacuum-into-bound": sense("sqlite.prepare('vacuum into ?').run(config.outside + '/new.db')"),
  "tokenizer-bound": sense("return sqlite.prepare('select hex(fts3_tokenizer(?)) as p').get('porter')"),
  "tokenizer-set": sense(
    "return sqlite.prepare('select length(fts3_tokenizer(?, ?))').get('evil', new Uint8Array([65, 65, 65, 65, 65, 65, 0, 0]))",
  ),
  "tokenizer-in-a-view": sense(
    "sqlite.exec(\"create temp view v as select fts3_tokenizer('simple') as p\"); return sqlite.prepare('select * from v').get()",
    /^threw .*(not authorized|unsafe use)/,
  ),
  "tokenizer-in-a-trigger": sense(
    "sqlite.exec(\"create temp table q (x); create temp trigger r after insert on q begin select fts3_tokenizer('simple'); end; insert into q values (1)\"); return 'done'",
    /^threw .*(not authorized|unsafe use)/,
  ),
  "attach-after-limit": sense(
    "sqlite.limits.attach = 10; sqlite.exec(`attach '${config.outside}/new.db' as x`)",
    /^threw .*Cannot set properties of undefined/,
  ),
  "authorizer-off": sense("sqlite.setAuthorizer(null)", /^threw .*not a function/),
  "extension-call": sense("sqlite.enableLoadExtension(true)", /^threw .*not a function/),
  "writefile": sense("sqlite.exec(`select writefile('${config.outside}/new', 'x')`)", /^threw .*no such function/),
  "readfile": sense("sqlite.exec(`select readfile('${config.outside}/secret.txt')`)", /^threw .*no such function/),
  "virtual-table": sense(
    "sqlite.exec(`create virtual table t using csv(filename='${config.outside}/secret.txt')`)",
  ),
  "raw-pages": sense("return sqlite.prepare('select * from sqlite_dbpage').all()", /^threw .*no such table/),
  "writable-schema": sense(
    "sqlite.exec(`create table if not exists a (b); pragma writable_schema = 1; update sqlite_schema set sql = 'x'`)",
  ),
  "schema-by-hand": sense("sqlite.exec(\"update sqlite_schema set sql = 'x'\")", /^threw .*may not be modified/),
}, {
  check(daemon) {
    const files = [...Deno.readDirSync(`${daemon.targets.workspace}/data/senses`)].map(({ name }) => name);
    assert.ok(files.every((name) => /\.db(-wal|-shm)?$/.test(name)), files.join(" "));
    return Promise.resolve();
  },
});

longAttackTest("node:sqlite is closed, whatever would be opened by it", {
  "open-outside": imported("new DatabaseSync(config.outside + '/new.db')"),
  "open-uri": imported("new DatabaseSync(new URL('file://' + config.outside + '/new.db?mode=rwc'))"),
  "open-log": imported("new DatabaseSync(config.workspace + '/data/logs.db', { readOnly: true }).exec('begin')"),
  "open-victim": imported("new DatabaseSync(config.victimDatabase).exec(\"update kept set word = 'mine'\")"),
  "open-memory": imported("new DatabaseSync(':memory:', { allowExtension: true })"),
  "backup": imported("await backup(1, config.outside + '/new.db')"),
  // The recovery of a journal made by hand deletes the file that it names, below Deno's permissions.
  "super-journal": imported("new DatabaseSync(config.workspace + '/data/blobs/j.db')"),
  "static-data": {
    body:
      `return (await import('data:text/javascript,import * as all from "node:sqlite"; export const made = new all.DatabaseSync(":memory:")')).made`,
    outcome: refused,
  },
  "common-js": { body: "return (await import('../../lib/sqlite.cjs')).default", outcome: /^threw / },
  "builtin-module": {
    body: "return typeof process.getBuiltinModule('node:sqlite').DatabaseSync",
    outcome: /^threw .*closed in the sandbox/,
  },
  "binding": { body: "return typeof process.binding('sqlite')", outcome: /^threw .*closed in the sandbox/ },
  "wasm": {
    // (import "node:sqlite" "default" (global externref)) passed on.
    body: "return (await import('../../lib/make.wasm')).made",
    outcome: /^threw /,
  },
}, {
  files: {
    "lib/sqlite.cjs": "module.exports = typeof require('node:sqlite').DatabaseSync;",
    // A module of WebAssembly that passes on DatabaseSync of node:sqlite.
    "lib/make.wasm": wasmThatImports("node:sqlite", "DatabaseSync"),
  },
});

/** The bytes, as text of Latin letters, of a module that imports a function and exports it as `made`. */
function wasmThatImports(module: string, name: string): string {
  const text = (value: string) => [value.length, ...new TextEncoder().encode(value)];
  const section = (id: number, bytes: number[]) => [id, bytes.length, ...bytes];
  const bytes = [
    ...[0, 97, 115, 109, 1, 0, 0, 0],
    ...section(1, [1, 0x60, 0, 0]),
    ...section(2, [1, ...text(module), ...text(name), 0, 0]),
    ...section(7, [1, ...text("made"), 0, 0]),
  ];
  return String.fromCharCode(...bytes);
}

const slow = "with recursive n(i) as (select 1 union all select i + 1 from n) select count(*) from n, kept where i < 0";

longAttackTest("who reads a peer or the log holds no transaction, no lock and no checkpoint of it", {
  ...byEachWay("checkpoint", "pragma wal_checkpoint(truncate)"),
  ...byEachWay("wait", "pragma busy_timeout = 600000"),
  ...byEachWay("lock", "pragma locking_mode = exclusive"),
  ...byEachWay("journal", "pragma journal_mode = delete"),
  ...byEachWay("map", "pragma mmap_size = 1000000000"),
  ...byEachWay("heap", "pragma hard_heap_limit = 1"),
  "begin": sense("return peers.victim.session.client.prepare('begin').run()"),
  "savepoint": sense("return peers.victim.session.client.prepare('savepoint s').run()"),
  "transaction": sense("return peers.victim.transaction(() => 'held')", /^threw .*one query at a time/),
  "open-rows": sense(
    "return peers.victim.session.client.prepare('select * from kept').iterate()",
    /^threw .*not a function/,
  ),
  "write": sense(
    "const { sql } = await import('drizzle-orm'); peers.victim.run(sql`update kept set word = 'mine'`)",
  ),
  "long-read": {
    body: `const { sql } = await import('drizzle-orm'); return peers.victim.all(sql.raw(\`${slow}\`))`,
    outcome: /^died: .*a query of another sense's database took longer than 10s/,
    deadly: true,
    only: "sense",
    yaml: { timeout: "2m" },
  },
  "role": {
    body:
      `const { sql } = await import('drizzle-orm'), out = [peers.victim.get(sql.raw("select count(*) > 0 as n from kept")).n];
      for (const text of ["begin", "pragma wal_checkpoint(truncate)", "update kept set word = 'mine'", "attach '/x' as x"]) {
        try { out.push(peers.victim.session.client.prepare(text).run()); } catch (thrown) { out.push(String(thrown.message).slice(0, 14)); }
      }
      return out.join()`,
    outcome: /^returned "1(,not authorized){4}"$/,
    only: "workflow",
    yaml: { peers: ["victim"] },
  },
  "odd-filters": sense(
    `const odd = [-1, NaN, Infinity, 1e300, "1; drop table logs", {}, [], Symbol("s"), null];
    let answers = 0;
    for (const limit of odd) for (const key of ["limit", "beforeId", "sinceMs", "source", "type", "refId", "order"]) {
      try { answers += logs.query({ limit: 1, [key]: limit }).length > 10_000 ? 1 : 0; } catch { /* refused */ }
    }
    return answers`,
    /^returned 0$/,
  ),
}, {
  async check(daemon) {
    const row = await daemon.row({ source: "group:long-read", type: "group.died" });
    assert.match(JSON.stringify(row.payload), /10s/);
  },
});

longAttackTest("a crash inside SQLite ends the group that caused it, and no other", {
  "blank-source": sense("return sqlite.prepare(' ')", /^threw .*there is no statement/),
  "null-name": sense("return sqlite.prepare('select :a').get({ ['a\\0']: 1 })", /^threw .*null character/),
  "deep-sql": {
    body: "return sqlite.prepare('select ' + '('.repeat(1e5) + '1' + ')'.repeat(1e5)).get()",
    outcome: /^(threw |died: )/,
    deadly: true,
    only: "sense",
  },
  "endless-recursion": {
    body:
      "return sqlite.prepare('with recursive t(n) as (select 1 union all select n + 1 from t) select count(*) from t').get()",
    outcome: /^(timeout|died: )/,
    deadly: true,
    only: "sense",
    yaml: { timeout: "200ms", grace_period: "100ms" },
  },
  "large-blob": {
    body:
      "sqlite.exec('create table if not exists b (x)'); return sqlite.prepare('select length(zeroblob(500000000)) as n').get()",
    outcome: /^(threw |returned |died: )/,
    deadly: true,
    only: "sense",
  },
});
