/**
 * The log's store: rows appended, and the archive of old days.
 * Floor: the same rows in bare SQLite, 100 per transaction; for the archive, reading them and writing their text to a
 * file.
 * Not measured: other work of the kernel at the same time, a disk that really flushes (see durable_runs.ts).
 */
import { systemClock } from "../../src/base/clock.ts";
import { openDatabase } from "../../src/store/sqlite/database.ts";
import { openStore } from "../../src/store/store.ts";
import { join } from "../support/paths.ts";
import { inTempDir } from "../support/temp_workspace.ts";
import { figure, type Figures, median, repeated, timed } from "./figure.ts";
import { bareRows } from "./floor_disk.ts";

const row = { source: "sense:cpu", type: "sense.signal", refId: "cpu", causeId: null } as const;
const payload = { round: 1, role: "a", content: "done", meta: {} };
const dayMs = 86_400_000;

/** Rows per second, on disk, when each turn of the event loop appends `batch` of them. */
export async function logRowRate(root: string, batch: number, batches: number): Promise<number> {
  const store = openStore(join(root, `log-${crypto.randomUUID()}.db`), systemClock);
  const ms = await timed(async () => {
    for (let index = 0; index < batches; index++) {
      for (let each = 0; each < batch; each++) store.log.append({ ...row, payload });
      await store.log.durable();
    }
  });
  await store.close();
  return batch * batches / ms * 1_000;
}

export async function* figures(): Figures {
  yield await inTemp(async (root) => {
    await logRowRate(root, 100, 100);
    const rates = await repeated(3, () => logRowRate(root, 100, 500));
    const floor = median(await repeated(3, () => bareRows(root, 100, 500)));
    return figure("log rows, 100 a turn", "rows/s", rates, floor);
  });
  for (const days of [20, 1]) yield* archived(days);
}

const archivedRows = Deno.env.get("NERVE_BENCH") === "long" ? 1_000_000 : 200_000;

async function* archived(days: number): Figures {
  const name = `archive of ${archivedRows / 1_000}k rows over ${days} day${days === 1 ? "" : "s"}`;
  const figures = await inTemp(async (root) => {
    const path = join(root, "logs.db");
    await oldRows(path, days);
    const floor = await copyRate(path, join(root, "floor.jsonl"));
    const store = openStore(path, systemClock), watch = new LoopWatch();
    // The newest row never leaves.
    store.log.append({ ...row, payload });
    const resident = Deno.memoryUsage().rss;
    const options = { beforeMs: systemClock.now() - 2 * dayMs };
    const ms = await timed(() => store.archive(join(root, "archive"), options));
    const blocked = watch.stop(), grown = (Deno.memoryUsage().rss - resident) / 1024 ** 2;
    await store.close();
    return [
      figure(name, "rows/s", [archivedRows / ms * 1_000], floor),
      figure(`${name}: longest block of the event loop`, "ms", [blocked], null),
      figure(`${name}: growth of resident memory`, "MiB", [grown], null),
    ];
  });
  yield* figures;
}

async function oldRows(path: string, days: number): Promise<void> {
  await openStore(path, systemClock).close();
  using db = openDatabase(path);
  const insert = db.prepare("insert into logs values (?, ?, 'sense:cpu', 'sense.signal', 'cpu', null, ?)");
  const text = JSON.stringify(payload), from = systemClock.now() - 60 * dayMs;
  db.exec("begin");
  for (let id = 1; id <= archivedRows; id++) {
    insert.run(id, Math.floor(from + id * days * dayMs / archivedRows / 1.1), text);
  }
  db.exec("commit");
}

/** Rows per second when they are only read and written out as text. */
async function copyRate(from: string, to: string): Promise<number> {
  using db = openDatabase(from, { readOnly: true });
  const ms = await timed(() => {
    using file = Deno.openSync(to, { create: true, write: true });
    const page = db.prepare(
      "select id, json_object('id', id, 'ts', ts, 'source', source, 'type', type, 'refId', ref_id, 'payload'," +
        " json(payload)) as line from logs where id > ? order by id limit 1000",
    );
    page.setReturnArrays(true);
    for (let last = 0;;) {
      const rows = page.all(last) as unknown as [number, string][], end = rows.at(-1);
      if (end === undefined) break;
      last = end[0];
      const bytes = new TextEncoder().encode(rows.map(([, line]) => line).join("\n"));
      for (let at = 0; at < bytes.length;) at += file.writeSync(bytes.subarray(at));
    }
    file.syncSync();
  });
  return archivedRows / ms * 1_000;
}

/** The longest time for which the event loop was blocked. */
class LoopWatch {
  #last = systemClock.monotonic();
  #longest = 0;
  #timer = setInterval(() => this.#look(), 1);

  #look(): void {
    const now = systemClock.monotonic();
    this.#longest = Math.max(this.#longest, now - this.#last);
    this.#last = now;
  }

  stop(): number {
    this.#look();
    clearInterval(this.#timer);
    return this.#longest;
  }
}

async function inTemp<T>(work: (root: string) => Promise<T>): Promise<T> {
  let result: { value: T } | null = null;
  await inTempDir(async (root) => {
    result = { value: await work(root) };
  });
  if (result === null) throw new Error("the work gave no result");
  return (result as { value: T }).value;
}
