/** The feed of rows: read once for all followers, and not at all without any. */
import assert from "node:assert/strict";
import { eventReplayRows } from "../../../src/base/limits.ts";
import { LogFeed } from "../../../src/kernel/log_feed.ts";
import type { LogFilter, LogRow } from "../../../src/protocol/log.ts";

class Log {
  readonly rows: LogRow[] = [];
  reads = 0;

  add(count: number): void {
    for (let i = 0; i < count; i++) {
      this.rows.push({
        ...{ id: this.rows.length + 1, ts: 0, source: "kernel", type: "kernel.started", refId: null },
        ...{ causeId: null, payload: null },
      });
    }
  }

  logs({ afterId = 0, order, limit = 100 }: LogFilter): LogRow[] {
    this.reads++;
    const found = this.rows.filter(({ id }) => id > afterId);
    return (order === "desc" ? found.reverse() : found).slice(0, limit);
  }
}

Deno.test("followers get all rows committed since they came, however many rows one commit had", async () => {
  const log = new Log(), feed = new LogFeed(log);
  log.add(3);
  feed.onCommit();
  assert.equal(log.reads, 0, "without followers nothing is read");
  const one = feed.follow();
  log.add(2);
  feed.onCommit();
  const other = feed.follow();
  log.add(eventReplayRows);
  feed.onCommit();
  const reads = log.reads;
  feed.onCommit();
  assert.equal(log.reads, reads + 1);
  feed.close();
  const ids = async (rows: AsyncIterable<LogRow>) => (await Array.fromAsync(rows)).map(({ id }) => id);
  const all = Array.from({ length: 2 + eventReplayRows }, (_, at) => at + 4);
  assert.deepEqual(await ids(one), all);
  assert.deepEqual(await ids(other), all.slice(2));
});
