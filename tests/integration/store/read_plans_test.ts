/**
 * What the kernel reads on its own thread, for each status and each change. Danger: a read that goes through all runs that
 * have ended keeps everything waiting, the longer the older the workspace.
 */
import assert from "node:assert/strict";
import { systemClock } from "../../../src/base/clock.ts";
import { countOpen, listAgentRequests } from "../../../src/store/approvals/approval_sql.ts";
import { listMissingChildren, listOpenParents, listUnfinishedChildren } from "../../../src/store/runs/child_sql.ts";
import { listClosings } from "../../../src/store/runs/closing_sql.ts";
import { listDeliverable } from "../../../src/store/runs/event_sql.ts";
import { listHeld, listPaused } from "../../../src/store/runs/pause_sql.ts";
import { listPlanned } from "../../../src/store/runs/planned_sql.ts";
import { listReports } from "../../../src/store/runs/report_sql.ts";
import { countWaiting, readNextDue } from "../../../src/store/runs/wait_sql.ts";
import { openDatabase, StatementCache } from "../../../src/store/sqlite/database.ts";
import { openStore } from "../../../src/store/store.ts";
import { inTempDir } from "../../support/temp_workspace.ts";

const reads: Readonly<Record<string, (statements: StatementCache) => unknown>> = {
  countOpen: (statements) => countOpen(statements, 0),
  listAgentRequests,
  listMissingChildren: (statements) => listMissingChildren(statements, "a", 1),
  listUnfinishedChildren: (statements) => listUnfinishedChildren(statements, "a"),
  listOpenParents: (statements) => listOpenParents(statements, "", 10),
  listClosings: (statements) => listClosings(statements, "w", 10),
  listDeliverable: (statements) => listDeliverable(statements, 10),
  listHeld,
  listPaused,
  listPlanned,
  listReports: (statements) => listReports(statements, "", 10),
  countWaiting,
  readNextDue: (statements) => readNextDue(statements, { id: "boot", ms: 0 }),
};

/** Grow with every run; the others hold what is not over. */
const grown = ["logs", "workflow_runs", "approvals", "run_messages", "agent_sessions"];

Deno.test("no read of the kernel's thread goes through all runs, requests or rows", () =>
  inTempDir(async (folder) => {
    await openStore(`${folder}/logs.db`, systemClock).close();
    using db = openDatabase(`${folder}/logs.db`);
    for (const [name, read] of Object.entries(reads)) {
      const texts: string[] = [];
      read(new StatementCache({ prepare: (sql) => (texts.push(sql), db.prepare(sql)) }));
      assert.ok(texts.length > 0, name);
      for (const sql of texts) {
        for (const { detail } of db.prepare(`explain query plan ${sql}`).all()) {
          const [, scanned] = /^SCAN (\S+)(?! USING (COVERING )?INDEX \S*_(open|status|kept))/.exec(String(detail)) ??
            [];
          if (scanned === undefined) continue;
          // An alias stands for its table.
          const [, table = scanned] = new RegExp(`(\\w+) (?:as )?${scanned}\\b`).exec(sql) ?? [];
          assert.ok(!grown.includes(table) && !grown.includes(scanned), `${name} goes through ${scanned}: ${sql}`);
        }
      }
    }
  }));
