/** The kernel archives by itself, once a day, and when it is asked over the API; a failure is told and tried again. */
import assert from "node:assert/strict";
import { archiveFirstMs, archiveRetryMs } from "../../../src/base/limits.ts";
import { Housekeeping } from "../../../src/kernel/housekeeping.ts";
import { startWorkspace } from "../../support/workspace_fixture.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { at, dayMs, withArchive } from "../../support/archive_bench.ts";

Deno.test("the log is archived soon after the start and after each midnight UTC; a failure is tried again in an hour", () =>
  withArchive(async (bench) => {
    const clock = new FakeClock(at(3, 20)), problems: string[] = [], asked: number[] = [];
    for (const day of [0, 1, 2, 3]) bench.append(at(day));
    await bench.store.log.durable();
    const housekeeping = new Housekeeping({
      store: bench.store,
      clock,
      archiveFolder: bench.paths.archive,
      retentionMs() {
        asked.push(clock.now());
        return 2 * dayMs;
      },
      problem: (message) => problems.push(message),
    });
    housekeeping.start();
    assert.deepEqual(asked, [], "not at the start");
    await clock.tick(archiveFirstMs);
    await housekeeping.archive({ dryRun: true });
    assert.deepEqual(Object.keys(bench.inFiles()), ["2026-01-01"]);
    // The next day's file cannot be written.
    await Deno.writeTextFile(`${bench.paths.archive}/2026-01-02.jsonl`, "damaged\n");
    await clock.tick(at(4) + archiveFirstMs - clock.now());
    await housekeeping.archive({ before: "2026-01-01" });
    assert.match(
      problems.join(),
      /2026-01-02\.jsonl is damaged: a line is no row: damaged; it is tried again in an hour/,
    );
    await Deno.remove(`${bench.paths.archive}/2026-01-02.jsonl`);
    await clock.tick(archiveRetryMs);
    await housekeeping.archive({ before: "2026-01-01" });
    assert.deepEqual([Object.keys(bench.inFiles()), problems.length], [["2026-01-01", "2026-01-02"], 1]);
    assert.deepEqual(asked.map((ms) => ms - at(3)), [
      ...[20 * 3_600_000 + archiveFirstMs, 20 * 3_600_000 + archiveFirstMs],
      ...[dayMs + archiveFirstMs, dayMs + archiveFirstMs],
      ...[dayMs + archiveFirstMs + archiveRetryMs, dayMs + archiveFirstMs + archiveRetryMs],
    ]);
    await housekeeping.stop();
    assert.equal(clock.pending, 0);
  }));

Deno.test("a running kernel archives over the API while it goes on, and refuses a day that is not over", async () => {
  const clock = new FakeClock(at(0, 12));
  await using workspace = await startWorkspace({
    clock,
    yaml: "retention: 1d\nsenses: { ping: {} }\n",
    senses: { ping: "export const compute = () => ({ ok: true });" },
  });
  await workspace.trigger("ping");
  const first = await workspace.rows({ order: "asc" });
  await workspace.stop();
  await clock.tick(3 * dayMs);
  await workspace.start();
  // The newest row on disk never leaves; from here on that is one of today.
  await workspace.rows({});
  const { view } = workspace.kernel;
  const today = new Date(clock.now()).toISOString().slice(0, 10), tomorrow = new Date(clock.now() + dayMs);
  await assert.rejects(view.archive({ before: tomorrow.toISOString().slice(0, 10) }), { code: "USAGE" });
  const [reply] = await Promise.all([view.archive({ before: today }), workspace.trigger("ping")]);
  assert.ok(reply.rows >= first.length, `${reply.rows} of ${first.length}`);
  assert.deepEqual([reply.days.map(({ day }) => day), reply.held], [["2026-01-01"], 0]);
  const left = await workspace.rows({ order: "asc" });
  assert.deepEqual(left.filter(({ ts }) => ts < at(3)), []);
  assert.deepEqual([workspace.health().storeError, workspace.health().archive], [null, null]);
});
