/** SQLite: through its own database a sense reaches no other file, no library and no other sense's rows. */
import assert from "node:assert/strict";
import { type Attacks, attackTest } from "../../support/attack_daemon.ts";

const refused = /^threw .*(not authorized|node:sqlite is closed in the sandbox)/;
/** It has neither limits nor functions of a handle. */
const missing = /^threw .*(Cannot set properties of undefined|is not a function|no such function: (read|write)file)/;
const open = "const { DatabaseSync } = await import('node:sqlite');";
const own = `${open} const mine = new DatabaseSync(':memory:', { allowExtension: OPTION });`;

attackTest("no other file can be reached by SQL, and no extension is loaded", {
  "attach": { body: "sqlite.exec(`attach '${config.outside}/new.db' as x`)", outcome: refused },
  "attach-victim": {
    body: "sqlite.exec(`attach '${config.victimDatabase}' as x; update x.kept set word = 'mine'`)",
    outcome: refused,
  },
  "attach-after-limit": {
    body: "sqlite.limits.attach = 10; sqlite.exec(`attach '${config.outside}/new.db' as x`)",
    outcome: missing,
  },
  "attach-new-handle": {
    body: `${open} new DatabaseSync(':memory:').exec(\`attach '\${config.outside}/new.db' as x\`)`,
    outcome: refused,
  },
  "attach-uri": { body: "sqlite.exec(`attach 'file:${config.outside}/new.db?mode=rwc' as x`)", outcome: refused },
  "vacuum-into": { body: "sqlite.exec(`vacuum into '${config.outside}/new.db'`)", outcome: refused },
  "vacuum-into-after-limit": {
    body: "sqlite.limits.attach = 125; sqlite.exec(`vacuum into '${config.outside}/new.db'`)",
    outcome: missing,
  },
  "vacuum-into-new-handle": {
    body:
      `${open} const db = new DatabaseSync(':memory:', { limits: { attach: 10 } }); db.exec(\`vacuum into '\${config.outside}/new.db'\`)`,
    outcome: refused,
  },
  "backup": {
    body: "const { backup } = await import('node:sqlite'); await backup(sqlite, config.outside + '/new.db')",
    outcome: refused,
  },
  "extension-sql": { body: "sqlite.exec(`select load_extension('${config.outside}/x.so')`)", outcome: refused },
  "extension-call": {
    body: "sqlite.enableLoadExtension(true); sqlite.loadExtension(config.outside + '/x.so')",
    outcome: missing,
  },
  "extension-new-handle": {
    body: `${own.replace("OPTION", "true")} mine.loadExtension(config.outside + '/x.so')`,
    outcome: refused,
  },
  "writefile": { body: "sqlite.exec(`select writefile('${config.outside}/new', 'x')`)", outcome: missing },
  "readfile": { body: "sqlite.exec(`select readfile('${config.outside}/secret.txt')`)", outcome: missing },
  "virtual-table": {
    body: "sqlite.exec(`create virtual table t using csv(filename='${config.outside}/secret.txt')`)",
    outcome: refused,
  },
  "log-file": {
    body: "sqlite.exec(`pragma temp_store_directory = '${config.outside}'`); return 'done'",
    outcome: refused,
  },
  "open-outside": { body: `${open} new DatabaseSync(config.outside + '/new.db')`, outcome: refused },
  "open-uri": {
    body: `${open} new DatabaseSync(new URL('file://' + config.outside + '/new.db?mode=rwc'))`,
    outcome: refused,
  },
  "open-log-for-writing": {
    body: `${open} new DatabaseSync(config.workspace + '/data/logs.db').exec('delete from logs')`,
    outcome: refused,
  },
  "writable-schema": {
    body:
      "sqlite.exec(`create table if not exists a (b); pragma writable_schema = 1; update sqlite_schema set sql = 'x'`); return 'done'",
    outcome: refused,
    only: "sense",
  },
  "control-characters": { body: `${open} new DatabaseSync(config.victimDatabase + '\\0.db')`, outcome: refused },
}, {
  attacks({ victimDatabase }): Attacks {
    return {
      "open-victim-for-writing": {
        body: `${open} new DatabaseSync(config.victimDatabase).exec("update kept set word = 'mine'")`,
        outcome: refused,
      },
      "victim-read-write-uri": {
        body:
          `${open} new DatabaseSync(new URL('file://' + config.victimDatabase + '?mode=rw')).exec("delete from kept")`,
        outcome: refused,
      },
      "peer-handle-write": {
        body: `const { sql } = await import('drizzle-orm'); peers.victim.run(sql\`update kept set word = 'mine'\`)`,
        outcome: refused,
        only: "sense",
      },
      "peer-handle-attach": {
        body:
          `const { sql } = await import('drizzle-orm'); peers.victim.run(sql.raw(\`vacuum into '${victimDatabase}-copy'\`))`,
        outcome: refused,
        only: "sense",
      },
    };
  },
  check(daemon) {
    const files = [...Deno.readDirSync(`${daemon.targets.workspace}/data/senses`)].map(({ name }) => name);
    assert.ok(files.every((name) => !name.includes("copy")), files.join(" "));
    return Promise.resolve();
  },
});

attackTest("a crash inside SQLite ends the group that caused it, and no other", {
  "blank-source": {
    body: "return sqlite.prepare(' ').sourceSQL",
    outcome: /^threw there is no statement in this SQL/,
    deadly: true,
  },
  "deep-sql": {
    body: "return sqlite.prepare('select ' + '('.repeat(1e5) + '1' + ')'.repeat(1e5)).get()",
    outcome: /^threw Recursion limit/,
    deadly: true,
  },
  "endless-recursion": {
    body:
      "return sqlite.prepare('with recursive t(n) as (select 1 union all select n + 1 from t) select count(*) from t').get()",
    outcome: /^timeout$/,
    deadly: true,
    only: "sense",
    yaml: { timeout: "200ms", grace_period: "100ms" },
  },
  "large-blob": {
    body:
      "sqlite.exec('create table if not exists b (x)'); return sqlite.prepare('select length(zeroblob(500000000)) as n').get()",
    outcome: /^returned \{"n":500000000\}$/,
    deadly: true,
  },
});
