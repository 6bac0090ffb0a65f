/** Reading rows that have left the log for its archive as if they had not. */
import assert from "node:assert/strict";
import * as outputs from "../../../src/cli/render/json_schemas.ts";
import { type LogFilter, type LogRow, logRowSchema } from "../../../src/protocol/log.ts";
import { History } from "../../../src/store/history/history.ts";
import type { Page } from "../../../src/store/reading/pages.ts";
import { readAll } from "../../../src/store/reading/steps.ts";
import { type ArchiveBench, at, jsonLines, withArchive } from "../../support/archive_bench.ts";
import { long } from "../../support/long_form.ts";

Deno.test("nerve events --archived filters like events; without it only the log is shown", () =>
  withArchive(async (bench) => {
    for (let hour = 0; hour < 48; hour++) {
      const sense = hour % 2 === 0 ? "cpu" : "disk";
      bench.append(at(0, hour), {
        source: `sense:${sense}`,
        refId: sense,
        type: hour % 3 === 0 ? "sense.null" : "sense.signal",
      });
    }
    await bench.store.log.durable();
    await bench.archive(at(1));
    const filter = ["--source", "sense:cpu", "--type", "sense.null"];
    const rows = jsonLines((await bench.nerve("events", "--archived", "--json", ...filter)).out);
    assert.deepEqual(rows.map((row) => (logRowSchema.parse(row).ts - at(0)) / 3_600_000), [
      0,
      6,
      12,
      18,
      24,
      30,
      36,
      42,
    ]);
    assert.equal(jsonLines((await bench.nerve("events", "--json", ...filter)).out).length, 4);
    bench.clock.wall = at(2);
    assert.equal(
      jsonLines((await bench.nerve("events", "--archived", "--json", "--since", "30h", ...filter)).out).length,
      5,
    );
    const wrong = await bench.nerve("events", "--archived", "--follow");
    assert.deepEqual([wrong.code, /--archived and --follow cannot be combined/.test(wrong.err)], [2, true]);
    // The cause of a row may have left before it.
    const why = await bench.nerve("why", "1");
    assert.deepEqual([why.code, /returned null/.test(why.out)], [0, true]);
  }));

Deno.test("a run that was archived, in part or as a whole, is inspected and its thread read as before", () =>
  withArchive(async (bench) => {
    await bench.startRun("run-1", at(0, 22));
    for (let round = 1; round <= 6; round++) await bench.message("run-1", round, at(0, 22 + round));
    await bench.endRun("run-1", at(1, 6));
    bench.append(at(4));
    await bench.store.log.durable();
    const look = async () => ({
      // The total is not known once rows may be archived.
      inspect: { ...JSON.parse((await bench.nerve("workflow", "inspect", "run-1", "--json")).out), total: null },
      thread: JSON.parse((await bench.nerve("workflow", "thread", "run-1", "--json")).out),
      why: (await bench.nerve("why", "run-1")).out,
      page: JSON.parse(
        (await bench.nerve("workflow", "thread", "run-1", "--json", "--before", "4", "--budget", "10")).out,
      ),
    });
    const before = await look();
    assert.equal(outputs.workflowThreadOutput.parse(before.thread).messages.length, 6);
    assert.equal(outputs.workflowInspectOutput.parse(before.inspect).rows.length, 8);
    assert.match(before.why, /run run-1 of .* was (queued|started)/);
    assert.deepEqual(outputs.workflowThreadOutput.parse(before.page).messages.map(({ round }) => round), [3]);
    await bench.archive(at(1));
    assert.equal(bench.store.reader.messages("run-1").length, 5, "round 1 has left the log");
    assert.deepEqual(await look(), before);
    await bench.archive(at(2));
    assert.equal(bench.store.reader.messages("run-1").length, 0);
    assert.deepEqual(await look(), before);
  }));

/** Every row of the log and its archive, page by page. */
function walk(bench: ArchiveBench, filter: LogFilter): { pages: LogRow[][]; rows: LogRow[] } {
  const history = new History(bench.store.reader, bench.paths.archive), pages: LogRow[][] = [];
  let bounds: LogFilter = {};
  for (let more = true; more;) {
    const page: Page<LogRow> = readAll(history.logs({ ...filter, ...bounds }, true)), last = page.items.at(-1)?.id ?? 0;
    pages.push(page.items);
    bounds = filter.order === "desc" ? { beforeId: last } : { afterId: last };
    more = page.more;
  }
  return { pages, rows: pages.flat() };
}

long.test("pages of archived rows are bounded by their bytes, and followed to the end have each row once", () =>
  withArchive(async (bench) => {
    const large = "x".repeat(1024 ** 2), all: LogRow[] = [];
    for (let n = 0; n < 40; n++) all.push(bench.append(at(n < 25 ? 0 : 1, n % 24), { payload: large }));
    all.push(bench.append(at(4)));
    await bench.store.log.durable();
    await bench.archive(at(2));
    for (const order of ["asc", "desc"] as const) {
      const { pages, rows } = walk(bench, { order, limit: 1_000 });
      for (const page of pages) assert.ok(page.length <= 16, `${page.length} rows of 1 MiB in one page`);
      assert.deepEqual(rows.map(({ id }) => id), (order === "asc" ? all : all.toReversed()).map(({ id }) => id));
    }
  }));

Deno.test("a page has no gap where rows of a run that had not ended stayed in the log longer than others of their day", () =>
  withArchive(async (bench) => {
    await bench.startRun("long", at(0, 1));
    const expected: number[] = [1];
    for (let n = 0; n < 30; n++) {
      expected.push(bench.append(at(0, 2) + n).id);
      if (n % 10 !== 0) continue;
      await bench.message("long", n / 10 + 1, at(0, 2) + n);
      expected.push(bench.store.log.lastId);
    }
    expected.push(bench.append(at(4)).id);
    await bench.store.log.durable();
    await bench.archive(at(2));
    assert.ok(bench.store.reader.logs({ limit: 100 }).length < expected.length);
    for (const order of ["asc", "desc"] as const) {
      for (const limit of [1, 2, 3, 7, 100]) {
        const { rows } = walk(bench, { order, limit });
        assert.deepEqual(
          rows.map(({ id }) => id),
          order === "asc" ? expected : expected.toReversed(),
          `${order} ${limit}`,
        );
      }
    }
  }));

Deno.test("messages of which some are archived come in pages of their bytes, whatever the clock was when they came", () =>
  withArchive(async (bench) => {
    await bench.startRun("a", at(0, 1));
    const times = [at(0, 2), at(0, 3), at(1, 1), at(0, 4), at(1, 2), at(1, 3)];
    for (const [index, ts] of times.entries()) await bench.message("a", index + 1, ts);
    await bench.endRun("a", at(1, 5));
    bench.append(at(4));
    await bench.store.log.durable();
    await bench.archive(at(1));
    const history = new History(bench.store.reader, bench.paths.archive);
    for (const limit of [1, 2, 4, 10]) {
      for (const beforeRound of [2, 3, 4, 5, 6, 7]) {
        const { items, more } = readAll(history.messages("a", { beforeRound, limit }));
        const rounds = [1, 2, 3, 4, 5, 6].filter((round) => round < beforeRound);
        assert.deepEqual(items.map(({ round }) => round), rounds.slice(-limit), `${limit} before ${beforeRound}`);
        assert.equal(more, rounds.length > limit);
      }
    }
  }));
