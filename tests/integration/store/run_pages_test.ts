/** Pages of runs and messages: by an index in their order, in short steps, whatever the query. */
import assert from "node:assert/strict";
import type { RunPage, RunQuery } from "../../../src/protocol/queries.ts";
import type { Run, RunStatus } from "../../../src/protocol/run.ts";
import type { Page } from "../../../src/store/reading/pages.ts";
import { readAll } from "../../../src/store/reading/steps.ts";
import { findMessages, findRuns } from "../../../src/store/runs/run_pages.ts";
import { openDatabase, StatementCache } from "../../../src/store/sqlite/database.ts";
import fc from "../../support/fast_check.ts";
import { plan } from "../../support/query_plan.ts";
import { newRun, runRow, type StoreBench, withStore } from "../../support/store_bench.ts";

function planner({ path }: StoreBench) {
  const db = openDatabase(path, { readOnly: true }), queries: string[] = [];
  const statements = new StatementCache({ prepare: (sql: string) => (queries.push(sql), db.prepare(sql)) });
  const plans = (query: () => unknown) => {
    queries.length = 0;
    query();
    return queries.map((sql) => plan(db, sql));
  };
  return { statements, plans };
}

async function send({ store }: StoreBench, runId: string, round: number, content = "done"): Promise<void> {
  const ref = { runId, workflow: "cleanup", attempt: 1, causeId: null };
  assert.ok(await store.runs.appendMessage(ref, { round, role: "a", content, meta: {}, ts: round }));
}

Deno.test("no query of runs or messages sorts what it does not return, or reads a table from end to end", () =>
  withStore(async (bench) => {
    await bench.store.runs.create(newRun("a"), runRow("a"));
    for (const round of [1, 2, 3]) await send(bench, "a", round);
    const { statements, plans } = planner(bench), page = { limit: 10, offset: 0 };
    const queries: Partial<RunQuery>[] = [
      ...[{}, { before: "a" }, { workflow: "cleanup" }, { statuses: ["failed"] }, { statuses: ["failed", "started"] }],
      ...[{ workflow: "cleanup", statuses: ["failed", "started"] }, { workflow: "cleanup", before: "a", offset: 9 }],
    ] as Partial<RunQuery>[];
    for (const query of queries) {
      const made = plans(() => readAll(findRuns(statements, { ...page, ...query })));
      const filtered = query.workflow !== undefined || query.statuses !== undefined;
      for (const each of made) {
        const what = `${JSON.stringify(query)}: ${each}`;
        assert.doesNotMatch(each, /TEMP B-TREE/, what);
        // Without a filter, a count walks an index that holds nothing else.
        if (filtered) assert.doesNotMatch(each, /SCAN workflow_runs/, what);
        else assert.doesNotMatch(each, /SCAN workflow_runs$/, what);
      }
    }
    for (
      const query of [{}, { beforeRound: 3, limit: 1 }, { beforeRound: 2 }, { beforeRound: 1 }, { beforeRound: 9 }]
    ) {
      for (const each of plans(() => readAll(findMessages(statements, "a", query)))) {
        assert.match(
          each,
          /SEARCH logs USING (INTEGER PRIMARY KEY|(COVERING )?INDEX logs_ref \(ref_id=\? AND type=\?)/,
        );
        assert.doesNotMatch(each, /TEMP B-TREE/);
      }
    }
  }));

const statuses = ["queued", "started", "dropped"] as const, workflows = ["v", "w"] as const;

Deno.test("pages of any query, followed to the end, have exactly the runs that match, newest first, and their number", () =>
  withStore(async (bench) => {
    const all: Run[] = [];
    for (let n = 0; n < 60; n++) {
      const status = statuses[(n * 7) % 3] ?? "queued", workflow = workflows[(n >> 1) % 2] ?? "v";
      all.unshift(newRun(`run-${n}`, { status, workflow, prompt: "p".repeat(n) }));
      const run = all[0] ?? assert.fail();
      await bench.store.runs.create(run, runRow(run.runId, { source: `workflow:${workflow}` }));
    }
    const { statements } = planner(bench);
    const query = fc.record({
      workflow: fc.option(fc.constantFrom("v", "w", "none"), { nil: undefined }),
      statuses: fc.option(fc.uniqueArray(fc.constantFrom<RunStatus>(...statuses, "failed")), { nil: undefined }),
      limit: fc.integer({ min: 1, max: 9 }),
    });
    fc.assert(fc.property(query, fc.integer({ min: 0, max: 9 }), ({ workflow, statuses, limit }, offset) => {
      const filter = { ...workflow === undefined ? {} : { workflow }, ...statuses === undefined ? {} : { statuses } };
      const matching = all.filter((run) =>
        (workflow === undefined || run.workflow === workflow) &&
        (statuses === undefined || statuses.includes(run.status))
      );
      const found: Run[] = [];
      for (let next: Partial<RunQuery> | null = { offset }; next !== null;) {
        const page: Page<Run> & RunPage = readAll(findRuns(statements, { ...filter, limit, offset: 0, ...next }));
        const last = page.items.at(-1);
        assert.equal(page.total, matching.length);
        found.push(...page.items);
        next = page.more && last !== undefined ? { before: last.runId } : null;
      }
      assert.deepEqual(found.map(({ runId }) => runId), matching.slice(offset).map(({ runId }) => runId));
    }));
  }));

Deno.test("the runs of a workflow with a status that thousands have are looked through in steps", () =>
  withStore(async (bench) => {
    using db = openDatabase(bench.path);
    db.exec(
      "insert into workflow_runs with recursive n (id) as (select 1 union all select id + 1 from n where id < 9000)" +
        " select id, 'r' || id, iif(id % 3 = 0, 'v', 'w'), iif(id % 2 = 0, 'queued', 'dropped'), null, 0, 0, 1, '', '{}'," +
        " '{}', null, null, 1, null, null from n",
    );
    const { statements } = planner(bench), filter = { workflow: "v", statuses: ["queued"], limit: 700 } as const;
    const found: string[] = [];
    let steps = 0, more = true, next: Partial<RunQuery> = { offset: 1 };
    while (more) {
      const read = findRuns(statements, { ...filter, offset: 0, ...next });
      let step = read.next();
      for (; step.done !== true; step = read.next()) steps++;
      assert.equal(step.value.total, 1_500);
      found.push(...step.value.items.map(({ runId }) => runId));
      more = step.value.more;
      next = { before: found.at(-1) ?? "" };
    }
    assert.deepEqual(found, Array.from({ length: 1_499 }, (_, n) => `r${8_994 - 6 * n}`));
    assert.ok(steps >= 6, `${steps} steps`);
    await Promise.resolve();
  }));

Deno.test("a page of runs is bounded by its bytes, and leads on to the others", () =>
  withStore(async ({ store, path }) => {
    const large = "x".repeat(250 * 1024);
    for (let n = 0; n < 70; n++) {
      await store.runs.create(newRun(`run-${n}`, { payload: large }), runRow(`run-${n}`, { payload: {} }));
    }
    using db = openDatabase(path, { readOnly: true });
    const statements = new StatementCache(db), first = readAll(findRuns(statements, { limit: 100, offset: 0 }));
    assert.deepEqual([first.items.length < 70, first.items.length > 60, first.more, first.total], [
      true,
      true,
      true,
      70,
    ]);
    const before = first.items.at(-1)?.runId ?? "",
      rest = readAll(findRuns(statements, { limit: 100, offset: 0, before }));
    assert.deepEqual([first.items.length + rest.items.length, rest.more], [70, false]);
  }));

Deno.test("messages before a round are found by their place, also where earlier ones or some between have left the log", () =>
  withStore(async (bench) => {
    await bench.store.runs.create(newRun("a", { maxRounds: 100 }), runRow("a"));
    for (let round = 1; round <= 60; round++) await send(bench, "a", round);
    using db = openDatabase(bench.path);
    const statements = new StatementCache(db);
    const rounds = (beforeRound: number, limit = 3) => {
      const { items, more } = readAll(findMessages(statements, "a", { beforeRound, limit }));
      return [...items.map(({ round }) => round), more];
    };
    assert.deepEqual([rounds(61), rounds(99), rounds(60)], [[58, 59, 60, true], [58, 59, 60, true], [
      57,
      58,
      59,
      true,
    ]]);
    assert.deepEqual([rounds(4), rounds(3), rounds(1)], [[1, 2, 3, false], [1, 2, false], [false]]);
    db.exec("drop trigger logs_stay; delete from logs where json_extract(payload, '$.round') <= 20");
    assert.deepEqual([rounds(22), rounds(21), rounds(5)], [[21, false], [false], [false]]);
    db.exec("delete from logs where json_extract(payload, '$.round') in (30, 31)");
    assert.deepEqual([rounds(30), rounds(32), rounds(34)], [[27, 28, 29, true], [27, 28, 29, true], [
      29,
      32,
      33,
      true,
    ]]);
  }));
