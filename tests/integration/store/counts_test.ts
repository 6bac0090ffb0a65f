/** What the kernel reads on its own thread whenever somebody asks how it is. Danger: it reads a whole table for that. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { listSessions } from "../../../src/store/agents/session_sql.ts";
import { countOpen } from "../../../src/store/approvals/approval_sql.ts";
import { logMigrations } from "../../../src/store/log/schema.ts";
import { migrate, openDatabase, StatementCache } from "../../../src/store/sqlite/database.ts";
import { plan } from "../../support/query_plan.ts";
import { inTempDir } from "../../support/temp_workspace.ts";

Deno.test("counts of requests and lists of sessions walk no table", () =>
  inTempDir((root) => {
    // Every session that had ended was read to find those that had not, and those of one run.
    using db = openDatabase(join(root, "logs.db"));
    migrate(db, logMigrations, "logs.db");
    const cache = new StatementCache(db), asked: string[] = [];
    const statements = { get: (sql: string) => (asked.push(sql), cache.get(sql)) };
    countOpen(statements, 0);
    listSessions(statements, { all: false, limit: 20, offset: 0 });
    listSessions(statements, { all: true, runId: "r", limit: 20, offset: 0 });
    const plans = asked.filter((sql) => !sql.includes("sqlite_schema")).map((sql) => plan(db, sql));
    assert.equal(plans.length, 7);
    assert.deepEqual(plans.filter((each) => /SCAN \w+(?! USING)(;|$)/.test(each)), []);
    return Promise.resolve();
  }));
