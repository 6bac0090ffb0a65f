/**
 * A daemon with a large log whose clients ask for what is hard to find in it: a type that a frequent source never has, a
 * time that only the oldest rows have, a reference that another source has. How long each takes, and the longest that a
 * short request waits meanwhile. 500,000 rows; with NERVE_BENCH=long five million.
 * Floor: for the short request, the longest wait without any query, in the same minute.
 * Not measured: a cold disk, large rows, clients that read slowly.
 */
import { systemClock } from "../../src/base/clock.ts";
import { delay } from "../../src/base/time.ts";
import type { LogFilter } from "../../src/protocol/log.ts";
import { openDatabase } from "../../src/store/sqlite/database.ts";
import { openStore } from "../../src/store/store.ts";
import { makeWorkspace } from "../support/workspace_fixture.ts";
import { BackgroundDaemon } from "./daemon.ts";
import { figure, type Figures, percentile, repeated, timed } from "./figure.ts";
import { builtNerve } from "./nerve.ts";

const rows = Deno.env.get("NERVE_BENCH") === "long" ? 5_000_000 : 500_000;
const start = Date.UTC(2026, 0, 1);

const hard: Readonly<Record<string, LogFilter>> = {
  "a type that its source never has": { source: "sense:s1", type: "sense.timeout", limit: 100 },
  "the newest 1,000 rows of a source": { source: "sense:s1", limit: 1_000 },
  "rows of the oldest minute": { untilMs: start + 60_000, limit: 100 },
  "a reference that another source has": { source: "kernel", refId: "s1", limit: 100 },
};

export async function* figures(): Figures {
  await using workspace = await makeWorkspace({ senses: { s: "export const compute = () => null;\n" } });
  await grow(workspace.paths.logDatabase);
  await using nerve = await builtNerve();
  await using daemon = await BackgroundDaemon.start(workspace.paths, nerve);
  const { client } = daemon, size = rows === 5_000_000 ? "5 M rows" : `${rows / 1_000}k rows`;
  /** The durations of short requests while `work` goes on. */
  const waits = async (work: Promise<unknown>): Promise<number[]> => {
    const spans: number[] = [];
    let over = false;
    void work.finally(() => over = true);
    do {
      spans.push(await timed(() => client.sense("s")));
      await delay(systemClock, 1);
    } while (!over);
    return spans;
  };
  // The first one starts the thread.
  await client.logs({ limit: 1 });
  for (const [name, filter] of Object.entries(hard)) {
    const took = await repeated(5, () => timed(() => client.logs(filter)));
    yield figure(`log of ${size}: ${name}`, "ms", took, null);
    const quiet = await waits(delay(systemClock, 2_000));
    const until = systemClock.monotonic() + 2_000;
    const busy = await waits((async () => {
      do await client.logs(filter); while (systemClock.monotonic() < until);
    })());
    for (const percent of [99, 100] as const) {
      const what = percent === 100 ? "the longest wait" : "p99";
      yield figure(
        `log of ${size}: ${name}: a short request meanwhile, ${what}`,
        "ms",
        [percentile(busy, percent)],
        percentile(quiet, percent),
      );
    }
  }
}

/** Rows of twenty senses and of the kernel, ten a second. */
async function grow(path: string): Promise<void> {
  await openStore(path, systemClock).close();
  using db = openDatabase(path);
  db.exec(
    `insert into logs with recursive n (id) as (select 1 union all select id + 1 from n where id < ${rows})` +
      ` select id, ${start} + id * 100, 'sense:s' || (id % 20), iif(id % 7 = 0, 'sense.null', 'sense.signal'),` +
      ` 's' || (id % 20), null, '{"value":0.5,"host":"abcdefgh","n":' || id || '}' from n`,
  );
  db.exec("pragma wal_checkpoint(truncate)");
}
