/** The kernel archives by itself, once a day, and on request over the API; a failure is reported and tried again. */
import assert from "node:assert/strict";
import { setImmediate } from "node:timers";
import { archiveFirstMs, archiveRetryMs } from "../../../src/base/limits.ts";
import { createApp } from "../../../src/control/app.ts";
import { LogRetention } from "../../../src/kernel/log_retention.ts";
import type { LogRow } from "../../../src/protocol/log.ts";
import type { RunMessage } from "../../../src/protocol/run.ts";
import { History } from "../../../src/store/history/history.ts";
import { readInSlices } from "../../../src/store/reading/slices.ts";
import { at, dayMs, withArchive } from "../../support/archive_bench.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { long } from "../../support/long_form.ts";
import { startWorkspace } from "../../support/workspace_fixture.ts";

Deno.test("the log is archived soon after the start and after each midnight UTC; a failure is retried after an hour", () =>
  withArchive(async (bench) => {
    const clock = new FakeClock(at(3, 20)), problems: string[] = [], requests: number[] = [];
    for (const day of [0, 1, 2, 3]) bench.append(at(day));
    await bench.store.log.durable();
    const housekeeping = new LogRetention({
      store: bench.store,
      clock,
      archiveFolder: bench.paths.archive,
      retentionMs() {
        requests.push(clock.now());
        return 2 * dayMs;
      },
      reportProblem: (message) => problems.push(message),
    });
    housekeeping.start();
    assert.deepEqual(requests, [], "not at the start");
    await clock.tick(archiveFirstMs);
    await housekeeping.archive({ dryRun: true });
    assert.deepEqual(Object.keys(bench.inFiles()), ["2026-01-01"]);
    // The next day's file cannot be written.
    await Deno.writeTextFile(`${bench.paths.archive}/2026-01-02.jsonl`, "damaged\n");
    await clock.tick(at(4) + archiveFirstMs - clock.now());
    await housekeeping.archive({ before: "2026-01-01" });
    assert.match(
      problems.join(),
      /2026-01-02\.jsonl is damaged: a line is not a log row: damaged; retrying in an hour/,
    );
    await Deno.remove(`${bench.paths.archive}/2026-01-02.jsonl`);
    await clock.tick(archiveRetryMs);
    await housekeeping.archive({ before: "2026-01-01" });
    assert.deepEqual([Object.keys(bench.inFiles()), problems.length], [["2026-01-01", "2026-01-02"], 1]);
    assert.deepEqual(requests.map((ms) => ms - at(3)), [
      ...[20 * 3_600_000 + archiveFirstMs, 20 * 3_600_000 + archiveFirstMs],
      ...[dayMs + archiveFirstMs, dayMs + archiveFirstMs],
      ...[dayMs + archiveFirstMs + archiveRetryMs, dayMs + archiveFirstMs + archiveRetryMs],
    ]);
    await housekeeping.stop();
    assert.equal(clock.pending, 0);
  }));

Deno.test("the API reads archived rows and messages of a run always, all other rows on request", async () => {
  const clock = new FakeClock(at(0, 12));
  const two = `import { defineWorkflow, END } from "nerve";
    export default defineWorkflow({
      roles: { say: ({ messages }) => ({ content: "round " + (messages.length + 1), meta: {} }) },
      moderator: ({ messages }) => messages.length < 3 ? "say" : END,
    });`;
  await using workspace = await startWorkspace({ clock, workflows: { two } });
  const { api: view } = workspace.kernel, gone = new AbortController();
  await workspace.kernel.startWorkflow("two", { runId: "old" });
  await view.runEnded("old", gone.signal);
  const app = createApp(view, { version: "0", stop() {}, report: (thrown) => assert.fail(String(thrown)) });
  const get = async (path: string) => {
    return await (await app.request(path, {}, { gone: gone.signal, stopping: gone.signal, clock })).json();
  };
  const looks = ["/v1/runs/old/messages?before=3", "/v1/runs/old/messages?limit=1", "/v1/logs?refId=old&order=asc"];
  const before = await Promise.all(looks.map(get)), all = await get("/v1/logs?archived=1&limit=1000");
  assert.deepEqual(before[0].items.map(({ content }: RunMessage) => content), ["round 1", "round 2"]);
  await clock.stall(3 * dayMs);
  await workspace.kernel.startWorkflow("two", { runId: "new" });
  await view.runEnded("new", gone.signal);
  await view.archive({ before: "2026-01-03" });
  assert.equal(view.records.messages("old", { limit: 9 }).length, 0);
  assert.deepEqual(await Promise.all(looks.map(get)), before);
  assert.deepEqual((await get("/v1/logs?archived=1&beforeId=" + (all.items[0].id + 1))).items, all.items);
  assert.deepEqual((await get("/v1/logs?untilMs=" + at(1))).items, []);
  // In pages, over both.
  const pages: LogRow[] = [];
  for (let next: string | null = "/v1/logs?archived=1&limit=3&order=asc"; next !== null;) {
    const page = await get(next);
    pages.push(...page.items);
    next = page.next;
  }
  assert.deepEqual(pages.map(({ id }) => id), Array.from({ length: pages.length }, (_, n) => n + 1));
  assert.ok(pages.length > all.items.length);
});

long.test("reading a large archive does not block the event loop, and ends when nobody waits for it", async () => {
  await withArchive(async (bench) => {
    for (let n = 0; n < 20_000; n++) bench.append(at(0) + n);
    bench.append(at(3));
    await bench.archive(at(1));
    const history = new History(bench.store.reader, bench.paths.archive), gone = new AbortController();
    let turns = 0;
    const count = () => {
      turns++;
      if (!gone.signal.aborted) setImmediate(count);
    };
    count();
    const look = { type: "sense.error", order: "desc" } as const;
    assert.deepEqual(await readInSlices(history.logs(look, true), new SteppingClock(), gone.signal), {
      items: [],
      more: false,
    });
    assert.ok(turns > 5, `${turns} turns`);
    gone.abort();
    await assert.rejects(readInSlices(history.logs(look, true), new SteppingClock(), gone.signal), {
      code: "DAEMON_MISSING",
    });
  });
});

/** Each look at it takes 3 ms. */
class SteppingClock extends FakeClock {
  #now = 0;

  override monotonic(): number {
    return this.#now += 3;
  }
}

long.test("a running kernel archives on request over the API, and refuses a day that is not over", async () => {
  const clock = new FakeClock(at(0, 12));
  await using workspace = await startWorkspace({
    clock,
    yaml: "retention: 1d\nsenses: { ping: {} }\n",
    senses: { ping: "export const compute = () => ({ ok: true });" },
  });
  await workspace.trigger("ping");
  const first = await workspace.rows({ order: "asc" });
  await workspace.stop();
  await clock.stall(3 * dayMs);
  await workspace.start();
  // The newest row on disk never leaves; from here on it is one of today.
  await workspace.rows({});
  const { api: view } = workspace.kernel;
  const today = new Date(clock.now()).toISOString().slice(0, 10), tomorrow = new Date(clock.now() + dayMs);
  await assert.rejects(view.archive({ before: tomorrow.toISOString().slice(0, 10) }), { code: "USAGE" });
  const [reply] = await Promise.all([view.archive({ before: today }), workspace.trigger("ping")]);
  assert.ok(reply.rows >= first.length, `${reply.rows} of ${first.length}`);
  assert.deepEqual([reply.days.map(({ day }) => day), reply.held], [["2026-01-01"], 0]);
  const remaining = await workspace.rows({ order: "asc" });
  assert.deepEqual(remaining.filter(({ ts }) => ts < at(3)), []);
  assert.deepEqual([workspace.health().storeError, workspace.health().archive], [null, null]);
});
