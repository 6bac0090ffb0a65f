/**
 * How the log is read: by an index whose rows are in the order of ids, in short steps, whatever the filter. Danger: a
 * query that reads or sorts the whole log while everything else waits.
 */
import assert from "node:assert/strict";
import type { LogFilter, LogRow } from "../../../src/protocol/log.ts";
import { choosePath, listTypes, spanOfTimes, walkPath } from "../../../src/store/log/log_path.ts";
import { findRows } from "../../../src/store/log/row_finder.ts";
import { readAll } from "../../../src/store/reading/steps.ts";
import { openDatabase, StatementCache } from "../../../src/store/sqlite/database.ts";
import fc from "../../support/fast_check.ts";
import { plan } from "../../support/query_plan.ts";
import { newRow, type StoreBench, withStore } from "../../support/store_bench.ts";

type LogQuery = { readonly [Key in keyof LogFilter]?: LogFilter[Key] | undefined };
type Field = "source" | "type" | "refId";
const values: Record<Field, string> = { source: "sense:cpu", type: "sense.signal", refId: "cpu" };
const searched: Record<string, RegExp> = {
  "": /^(SCAN logs|SEARCH logs USING INTEGER PRIMARY KEY \([^)]*\))$/,
  source: /SEARCH logs USING (COVERING )?INDEX logs_source_type \(source=\? AND type=\?/,
  type: /SEARCH logs USING (COVERING )?INDEX logs_type \(type=\?/,
  refId: /SEARCH logs USING (COVERING )?INDEX logs_ref \(ref_id=\? AND type=\?/,
};

/** Every set of the fields. */
const sets = [0, 1, 2, 3, 4, 5, 6, 7].map((bits) =>
  (["refId", "source", "type"] as const).filter((_, at) => (bits & (1 << at)) !== 0)
);

async function fill({ store }: StoreBench): Promise<void> {
  for (const type of ["sense.signal", "sense.null", "sense.error"] as const) store.log.append(newRow({ type }));
  await store.log.durable();
}

Deno.test("each filter is read by an index in the order of ids, from any id to any other, without sorting", () =>
  withStore(async (bench) => {
    await fill(bench);
    using db = openDatabase(bench.path, { readOnly: true });
    const statements = new StatementCache(db);
    for (const fields of sets) {
      const filter: LogFilter = Object.fromEntries(fields.map((field) => [field, values[field]]));
      const path = choosePath(statements, true, filter), expected = searched[fields[0] ?? ""];
      for (const descending of [true, false]) {
        for (const [afterId, beforeId] of [[undefined, undefined], [1, undefined], [undefined, 9], [1, 9]]) {
          const found = plan(db, walkPath(path, "id, octet_length(payload)", { afterId, beforeId, descending }, 9).sql);
          const what = `${fields} ${afterId} ${beforeId} ${descending}: ${found}`;
          assert.match(found, expected ?? /never/, what);
          assert.doesNotMatch(found, /TEMP B-TREE/, what);
          const bounds = [
            ...afterId === undefined ? [] : ["rowid>\\?"],
            ...beforeId === undefined ? [] : ["rowid<\\?"],
          ];
          assert.match(found, new RegExp(bounds.join(" AND ")), what);
        }
      }
    }
  }));

Deno.test("the types of a source or reference and the ids of a span of time come from an index alone", () =>
  withStore(async (bench) => {
    await fill(bench);
    using db = openDatabase(bench.path, { readOnly: true });
    assert.match(
      plan(db, listTypes("source").replaceAll("?1", "?")),
      /COVERING INDEX logs_source_type \(source=\? AND type>\?\)/,
    );
    assert.match(
      plan(db, listTypes("ref_id").replaceAll("?1", "?")),
      /COVERING INDEX logs_ref \(ref_id=\? AND type>\?\)/,
    );
    assert.match(plan(db, spanOfTimes), /SEARCH logs USING COVERING INDEX logs_ts \(ts>\? AND ts<\?\)/);
    assert.doesNotMatch(plan(db, spanOfTimes), /TEMP B-TREE/);
  }));

const sources = ["sense:a", "sense:b", "kernel"] as const, types = ["sense.signal", "sense.null", "sense.log"] as const;
const refs = ["a", "b", null] as const;

Deno.test("pages of any filter, followed to the end, have exactly the rows that match, in order, also by an unset clock", () =>
  withStore(async (bench) => {
    const { store, clock } = bench, all: LogRow[] = [];
    const take = <T>(list: readonly T[], at: number) => list[at % list.length] as T;
    for (let n = 0; n < 300; n++) {
      const change = { source: take(sources, n * 7), type: take(types, n >> 2), refId: take(refs, n >> 3) };
      all.push(store.log.append(newRow({ ...change, payload: { text: "x".repeat(n % 50) } })));
      if (n % 5 === 0) await clock.tick(10);
      if (n === 150) clock.jump(-200);
    }
    await store.log.durable();
    const start = all[0]?.ts ?? 0,
      some = <T>(list: readonly T[]) => fc.option(fc.constantFrom(...list), { nil: undefined });
    const moment = fc.option(fc.integer({ min: -50, max: 700 }).map((ms) => start + ms), { nil: undefined });
    const id = fc.option(fc.integer({ min: 0, max: 301 }), { nil: undefined });
    const filters = fc.record({
      ...{
        source: some(sources),
        type: some(types),
        refId: some(["a", "b"] as const),
        sinceMs: moment,
        untilMs: moment,
      },
      ...{ afterId: id, beforeId: id, order: some(["asc", "desc"] as const), limit: fc.integer({ min: 1, max: 40 }) },
    });
    const statements = new StatementCache(openDatabase(bench.path, { readOnly: true }));
    const check = (given: LogQuery, maxBytes: number, windowRows: number) => {
      const filter = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as LogFilter;
      const matching = all.filter((row) => matches(row, filter)), found: LogRow[] = [];
      let next = filter;
      for (let more = true; more;) {
        const page = readAll(findRows(statements, true, next, maxBytes, windowRows)), last = page.items.at(-1);
        assert.ok(page.items.length <= (filter.limit ?? 0));
        found.push(...page.items);
        more = page.more;
        if (last !== undefined) {
          next = { ...next, ...(filter.order === "desc" ? { beforeId: last.id } : { afterId: last.id }) };
        }
      }
      assert.deepEqual(found, filter.order === "desc" ? matching.toReversed() : matching);
    };
    fc.assert(fc.property(filters, fc.constantFrom(1, 300, 1_000_000), fc.integer({ min: 1, max: 50 }), check), {
      numRuns: 300,
    });
  }));

function matches(row: LogRow, filter: LogFilter): boolean {
  const { source, type, refId, sinceMs = -Infinity, untilMs = Infinity, afterId = 0, beforeId = Infinity } = filter;
  return [[source, row.source], [type, row.type], [refId, row.refId]].every(([want, is]) =>
    want === undefined || want === is
  ) &&
    row.ts >= sinceMs && row.ts < untilMs && row.id > afterId && row.id < beforeId;
}

Deno.test("a filter that no row of 20,000 passes is checked in many short steps", () =>
  withStore(async ({ store, path }) => {
    for (let n = 0; n < 20_000; n++) store.log.append(newRow({ source: "sense:a", refId: "b" }));
    await store.log.durable();
    using db = openDatabase(path, { readOnly: true });
    const statements = new StatementCache(db);
    for (const filter of [{ source: "sense:b", refId: "b" }, { untilMs: 1 }, { source: "sense:a", untilMs: 1 }]) {
      let steps = 0;
      for (const _ of findRows(statements, true, filter)) steps++;
      // The last two end as soon as the index of times has no row.
      assert.ok(steps >= (filter.untilMs === undefined ? 9 : 1), `${JSON.stringify(filter)}: ${steps}`);
    }
  }));

Deno.test("rows that leave the log while a page is read make it read again, and more rows of one moment than a step", () =>
  withStore(async ({ store, path }) => {
    const moment = store.log.append(newRow()).ts;
    for (let n = 0; n < 45_000; n++) store.log.append(newRow({ payload: null }));
    await store.log.durable();
    using db = openDatabase(path);
    const steps = findRows(new StatementCache(db), true, {
      order: "asc",
      limit: 5,
      sinceMs: moment,
      untilMs: moment + 1,
    });
    let step = steps.next();
    db.exec("insert into meta values ('archived_up_to', '9999999999999'); delete from logs where id < 3");
    while (step.done !== true) step = steps.next();
    assert.deepEqual(step.value.items.map(({ id }) => id), [3, 4, 5, 6, 7]);
    assert.equal(
      readAll(findRows(new StatementCache(db), true, { order: "desc", refId: "cpu", sinceMs: moment, limit: 2 })).more,
      true,
    );
  }));
