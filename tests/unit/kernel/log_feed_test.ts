/** The feed of rows: read once for all followers, and not at all without any. */
import assert from "node:assert/strict";
import { eventReplayBytes, eventReplayRows } from "../../../src/base/limits.ts";
import { LogFeed, type LogFeedPorts } from "../../../src/kernel/log_feed.ts";
import type { LogFilter, LogRow } from "../../../src/protocol/log.ts";
import { type Page, PageFill } from "../../../src/store/reading/pages.ts";

class Log implements LogFeedPorts {
  readonly rows: LogRow[] = [];
  readonly failures: unknown[] = [];
  reads = 0;
  damaged = false;

  add(count: number, bytes = 1): void {
    for (let i = 0; i < count; i++) {
      this.rows.push({
        ...{ id: this.rows.length + 1, ts: 0, source: "kernel", type: "kernel.started", refId: null },
        ...{ causeId: null, payload: bytes },
      });
    }
  }

  lastId(): number {
    return this.rows.length;
  }

  readPage({ afterId = 0, limit = 100 }: LogFilter, maxBytes: number): Page<LogRow> {
    this.reads++;
    if (this.damaged) throw new Error("malformed");
    const fill = new PageFill<LogRow>({ limit, maxBytes });
    for (const row of this.rows.slice(afterId, afterId + limit + 1)) fill.add(row, Number(row.payload));
    return fill.toPage();
  }

  reportFailure(thrown: unknown): void {
    this.failures.push(thrown);
  }
}

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));
const ids = async (rows: AsyncIterable<LogRow>) => (await Array.fromAsync(rows)).map(({ id }) => id);

Deno.test("followers get all rows committed since they came, however many rows one commit had", async () => {
  const log = new Log(), feed = new LogFeed(log);
  log.add(3);
  feed.onCommit();
  assert.equal(log.reads, 0, "without followers nothing is read");
  const one = feed.follow();
  log.add(2);
  feed.onCommit();
  const other = feed.follow();
  log.add(eventReplayRows + 1);
  feed.onCommit();
  const reads = log.reads;
  feed.onCommit();
  assert.equal(log.reads, reads, "the rest follows in a later turn");
  await turn();
  assert.equal(log.reads, reads + 1);
  feed.close();
  const all = Array.from({ length: 3 + eventReplayRows }, (_, at) => at + 4);
  assert.deepEqual(await ids(one), all);
  assert.deepEqual(await ids(other), all.slice(2));
});

Deno.test("large rows of one commit are published over several turns, and a failure ends with the next commit", async () => {
  const log = new Log(), feed = new LogFeed(log), rows = feed.follow();
  log.add(6, eventReplayBytes);
  feed.onCommit();
  assert.equal(log.reads, 1);
  for (let n = 0; n < 3; n++) await turn();
  log.damaged = true;
  await turn();
  assert.equal(log.failures.length, 1);
  log.damaged = false;
  feed.onCommit();
  while (log.reads < 7) await turn();
  feed.close();
  assert.deepEqual(await ids(rows), [1, 2, 3, 4, 5, 6]);
});
