/**
 * Rows of the log that are appended while 1,000 senses in 20 groups compute once a second each: how many are committed
 * per second at a high rate of appends, and how late the computes then are. The kernel is embedded here and offers an
 * embedder no way to append rows, so the appender takes the kernel's own log store when the kernel first writes to it.
 * Floor of the rows: the same in bare SQLite, 100 per transaction, with nothing else running. Floor of the lateness: a
 * timer of Deno.
 * Not measured: the control API, readers of the log.
 */
import { systemClock } from "../../src/base/clock.ts";
import { delay } from "../../src/base/time.ts";
import { LogStore } from "../../src/store/log/log_store.ts";
import { openDatabase } from "../../src/store/sqlite/database.ts";
import type { WorkspaceFixture } from "../support/workspace_fixture.ts";
import { figure, type Figures, median, percentile, repeated } from "./figure.ts";
import { bareRows } from "./floor_disk.ts";
import { latenessOf, thousandSenses, timerLateness } from "./timetable.ts";

const wantedPerMs = 60, spanMs = 5_000;
const row = { source: "sense:bench", type: "sense.log", refId: "bench", causeId: null, payload: { n: 1 } } as const;

export async function* figures(): Figures {
  const floor = await timerLateness(), { append } = LogStore.prototype;
  let log: LogStore | null = null;
  LogStore.prototype.append = function (...args) {
    log = this;
    return append.apply(this, args);
  };
  await using workspace = await thousandSenses();
  await workspace.start();
  while (workspace.kernel.api.senses().some(({ counters }) => counters.computes === 0)) await delay(systemClock, 500);
  LogStore.prototype.append = append;
  if (log === null) throw new Error("the kernel has written no row");
  await delay(systemClock, 2_000);
  const from = systemClock.now(), committed = await appendAll(log), until = systemClock.now();
  const bare = median(await repeated(3, () => bareRows(workspace.root, 100, 300)));
  const rate = committed / (until - from) * 1_000;
  yield figure(`log rows beside 1000 senses, of ${wantedPerMs}k a second`, "rows/s", [rate], bare);
  const late = latenessOf(workspace.paths.logDatabase, from, until);
  yield figure("log rows beside 1000 senses: lateness, p99", "ms", [percentile(late, 99)], percentile(floor, 99));
  const lost = spanMs - late.length - 50;
  yield figure("log rows beside 1000 senses: ticks lost", "%", [Math.max(0, lost) / spanMs * 100], null);
  yield figure("log rows beside 1000 senses: rows lost", "rows", [committed - rowsOf(workspace)], null);
}

/** How many were appended, and how many of them were committed by the end. */
async function appendAll(log: LogStore): Promise<number> {
  const began = systemClock.monotonic();
  let rows = 0;
  for (let spent = 0; spent < spanMs; spent = systemClock.monotonic() - began) {
    for (const due = Math.floor(spent * wantedPerMs); rows < due; rows++) log.append(row);
    await delay(systemClock, 1);
  }
  await log.durable();
  return rows;
}

/** Those rows as another connection reads them. */
function rowsOf({ paths }: WorkspaceFixture): number {
  using db = openDatabase(paths.logDatabase, { readOnly: true });
  return Number(db.prepare("select count(*) as n from logs where source = 'sense:bench'").get()?.n);
}
