/**
 * Moves whole UTC days from the log into their archive files. Called by store.ts: daily for the kernel, at once for the
 * command line. It works in slices of a few milliseconds, so that the event loop and the log keep running.
 * It has its own connection, which waits for no fsync (synchronous = normal): rows that a power cut brings back are in
 * both places (I2). Each of its transactions takes one turn of the event loop, while the log's writer has none open.
 * I1. A row is deleted only when it is in its day's file, and that file is fsynced under its final name.
 * I2. The first rows of a day are deleted in the transaction that moves `meta.archived_up_to` to the day's end; the
 *     others follow in their own transactions. A crash in between leaves the same rows in both places: the table's rows
 *     count, and the next archive run deletes them. At or above the watermark no row is only in the archive.
 * I3. Rows of runs that were unfinished when the day was surveyed stay, and so do signals that a listener had not
 *     processed, and the newest row of the log. A later archive run takes them: it rewrites the file with its old rows
 *     and the new ones.
 */
import type { DatabaseSync } from "node:sqlite";
import { assert, NerveError } from "../../base/errors.ts";
import { passFaultPoint } from "../../base/fault_point.ts";
import type { Clock } from "../../base/time.ts";
import type { ArchiveProgress } from "../../protocol/api.ts";
import type { GroupCommit } from "../commit/group_commit.ts";
import { runStep, type Step } from "../commit/operations.ts";
import { logLine } from "../log/log_sql.ts";
import { archivedUpToKey, setMeta } from "../log/meta_store.ts";
import { inTransactionWhenFree, openDatabase, StatementCache } from "../sqlite/database.ts";
import { archivePath, DayWriter, parseRowId, readLinesIfPresent } from "./archive_file.ts";
import { dayMs, dayOf, parseDay, startOfDay } from "./days.ts";
import { createHeld, isAnyHeld, isHeld, refreshHeld } from "./held_rows.ts";

export interface ArchiveOptions {
  /** Archives the days that ended before this time. */
  readonly beforeMs: number;
  /** Only reports what would be archived. */
  readonly dryRun?: boolean;
  readonly onProgress?: (progress: ArchiveProgress) => void;
  /** Ends early, between two slices; finished work stays. */
  readonly signal?: AbortSignal;
}

export interface ArchiveReport {
  readonly days: readonly { readonly day: string; readonly rows: number }[];
  /** Rows archived. */
  readonly rows: number;
  /** Rows of those days that stay, because their run is unfinished or a listener has not processed them. */
  readonly held: number;
}

/**
 * The time before which whole days are archived: the start of the day `before`, or as `retention` sets it. Throws
 * NerveError USAGE for a text that is not a day, or a day that has not ended.
 */
export function resolveArchiveBound(before: string | null, retentionMs: number, now: number): number {
  if (before === null) return startOfDay(now - retentionMs);
  const ms = parseDay(before);
  if (ms !== null && ms <= startOfDay(now)) return ms;
  throw new NerveError("USAGE", ms === null ? `"${before}" is not a day` : `${before} is in the future`, {
    hint: `a UTC day up to today, such as ${dayOf(now)}: only past days are archived`,
  });
}

export interface ArchivePorts {
  readonly folder: string;
  readonly databasePath: string;
  readonly clock: Clock;
  readonly writer: GroupCommit;
}

/** How many ids one read and one count cover. 32 of the largest possible rows take 45 MB. */
const rowsRead = 32, rowsCounted = 1_000;
/** How many ids one delete covers: as many as fit into a slice, adjusted by measuring. */
const rowsDeletedMin = 50, rowsDeletedMax = 5_000, rowsDeletedFirst = 500;
/** The longest time that a slice blocks the event loop. */
const sliceMs = 5;
/** The rows of a day within a window of ids; the plus makes SQLite use the index of the ids. */
const windowOfDay = "id > ? and id <= ? and +ts >= ? and +ts < ?";

/** The survey of a day before it is archived. It alone decides which rows are written and which are deleted. */
interface Day {
  readonly day: string;
  readonly start: number;
  readonly end: number;
  /** The bounds of the day's row ids, both included. */
  readonly firstId: number;
  readonly lastId: number;
  readonly rowsHeld: number;
  readonly rowsToMove: number;
}

export async function archiveLog(ports: ArchivePorts, options: ArchiveOptions): Promise<ArchiveReport> {
  const run = new ArchiveRun(ports, options);
  try {
    return await run.run();
  } finally {
    run.close();
  }
}

class ArchiveRun {
  readonly #ports: ArchivePorts;
  readonly #options: ArchiveOptions;
  readonly #cutoff: number;
  /**
   * The archiver's own connection. No read takes longer than a slice: a long one would prevent the checkpoint of the
   * write-ahead log.
   */
  readonly #db: DatabaseSync;
  readonly #statements: StatementCache;
  #sliceEnd: number;

  constructor(ports: ArchivePorts, options: ArchiveOptions) {
    this.#ports = ports;
    this.#options = options;
    this.#cutoff = startOfDay(options.beforeMs);
    this.#db = openDatabase(ports.databasePath, options.dryRun ? { readOnly: true } : { synchronous: "normal" });
    this.#db.exec("pragma busy_timeout = 0; pragma temp_store = memory");
    createHeld(this.#db);
    this.#statements = new StatementCache(this.#db);
    this.#sliceEnd = ports.clock.monotonic() + sliceMs;
  }

  close(): void {
    this.#db.close();
  }

  async run(): Promise<ArchiveReport> {
    const days: { day: string; rows: number }[] = [];
    let held = 0, damaged: NerveError | null = null;
    for (let from = Number.MIN_SAFE_INTEGER;;) {
      const start = this.#nextDay(from);
      if (start === null || this.#aborted) break;
      from = start + dayMs;
      const day = await this.#survey(start);
      held += day.rowsHeld;
      if (day.rowsToMove === 0) continue;
      try {
        if (this.#options.dryRun !== true) await this.#move(day);
      } catch (thrown) {
        // A damaged file of one day must not prevent archiving the other days.
        if (!(thrown instanceof NerveError)) throw thrown;
        damaged ??= thrown;
        continue;
      }
      days.push({ day: day.day, rows: day.rowsToMove });
    }
    if (damaged !== null) throw damaged;
    if (this.#options.dryRun !== true && !this.#aborted) {
      await this.#ports.writer.run([moveWatermark(this.#cutoff)]);
    }
    return { days, rows: days.reduce((sum, { rows }) => sum + rows, 0), held };
  }

  async #move(day: Day): Promise<void> {
    await this.#write(day);
    await this.#delete(day);
  }

  get #aborted(): boolean {
    return this.#options.signal?.aborted ?? false;
  }

  /** The start of the first day at or after `from` that has a row to archive. */
  #nextDay(from: number): number | null {
    const sql = "select ts from logs where ts >= ? and ts < ? order by ts limit 1";
    const row = this.#statements.get(sql).get(from, this.#cutoff);
    return row === undefined ? null : startOfDay(Number(row.ts));
  }

  async #survey(start: number): Promise<Day> {
    // In this order: a run that starts after the first query has its rows above `newest`.
    const newest = Number(this.#statements.get("select max(id) as id from logs").get()?.id);
    refreshHeld(this.#db);
    const end = start + dayMs;
    const page = this.#statements.arrays(
      "select ts, id from logs where (ts, id) > (?, ?) and ts < ? order by ts, id limit ?",
    );
    let firstId = Infinity, lastId = 0, rows = 0, found: [number, number][], last: [number, number] = [start, -1];
    do {
      found = page.all(...last, end, rowsCounted) as unknown as [number, number][];
      for (const [, id] of found) {
        if (id >= newest) continue;
        firstId = Math.min(firstId, id);
        lastId = Math.max(lastId, id);
        rows++;
      }
      last = found.at(-1) ?? last;
      await this.#pace();
    } while (found.length === rowsCounted);
    const bounds = { start, end, firstId, lastId }, rowsHeld = await this.#countHeld(bounds);
    return { ...bounds, day: dayOf(start), rowsHeld, rowsToMove: rows - rowsHeld };
  }

  async #countHeld(
    { start, end, firstId, lastId }: Pick<Day, "start" | "end" | "firstId" | "lastId">,
  ): Promise<number> {
    if (!isAnyHeld(this.#statements)) return 0;
    const count = this.#statements.get(`select count(*) as rows from logs where ${windowOfDay} and ${isHeld}`);
    let rows = 0;
    for (let after = firstId - 1; after < lastId; after += rowsCounted) {
      rows += Number(count.get(after, Math.min(after + rowsCounted, lastId), start, end)?.rows);
      await this.#pace();
    }
    return rows;
  }

  /** Writes the day's file: the rows that an existing file has, and the rows that leave the table. */
  async #write(day: Day): Promise<void> {
    const path = archivePath(this.#ports.folder, day.day);
    const { firstId, lastId, start, end } = day;
    using file = await DayWriter.create(path);
    const old = readLinesIfPresent(path);
    let line = old.next(), written = 0;
    const put = async (text: string) => {
      if (!file.add(text)) return;
      await file.flush();
      this.#report(day, "writing", written);
    };
    const page = this.#statements.arrays(`select id, ${logLine} from logs where ${windowOfDay} and not ${isHeld}`);
    for (let after = firstId - 1; after < lastId; after += rowsRead) {
      const rows = page.all(after, Math.min(after + rowsRead, lastId), start, end);
      for (const [id, text] of rows as unknown as [number, string][]) {
        for (; !line.done && parseRowId(line.value, path) <= id; line = old.next()) {
          // An interrupted archive run may have written the row already.
          if (parseRowId(line.value, path) < id) await put(line.value);
        }
        if (written++ === 0) passFaultPoint("archive.writing");
        await put(text);
      }
      await this.#pace();
    }
    for (; !line.done; line = old.next()) await put(line.value);
    assert(written === day.rowsToMove, `read ${written} of ${day.rowsToMove} rows of ${day.day}`);
    await file.publish();
    this.#published = { rows: file.rows, bytes: file.bytes };
  }

  /** The contents of the current day's file. */
  #published: ArchivedCount = { rows: 0, bytes: 0 };

  async #delete(day: Day): Promise<void> {
    const { writer, clock } = this.#ports, { firstId, lastId, start, end } = day;
    const statement = this.#statements.get(`delete from logs where ${windowOfDay} and not ${isHeld}`);
    let deleted = 0, size = rowsDeletedFirst;
    for (let after = firstId - 1, before: number; after < lastId; after = before) {
      before = Math.min(after + size, lastId);
      const from = clock.monotonic();
      // Flushes first: an open transaction of the writer and this one would wait for each other.
      deleted += await inTransactionWhenFree(this.#db, clock, () => {
        if (after < firstId) {
          runStep(this.#statements, moveWatermark(end));
          runStep(this.#statements, setMeta(archivedDayKey(day.day), JSON.stringify(this.#published)));
        }
        const { changes } = statement.run(after, before, start, end);
        passFaultPoint("archive.deleting");
        return Number(changes);
      }, () => writer.flush());
      passFaultPoint("archive.deleted");
      this.#report(day, "deleting", deleted);
      const share = clock.monotonic() - from > sliceMs ? 0.5 : 1.5;
      size = Math.min(rowsDeletedMax, Math.max(rowsDeletedMin, Math.round(size * share)));
      await this.#yield();
    }
    assert(deleted === day.rowsToMove, `deleted ${deleted} of ${day.rowsToMove} rows of ${day.day}`);
  }

  #report(day: Day, step: ArchiveProgress["step"], done: number): void {
    this.#options.onProgress?.({ day: day.day, step, done, total: day.rowsToMove });
  }

  /** Yields to other work when the slice is used up. */
  async #pace(): Promise<void> {
    if (this.#ports.clock.monotonic() >= this.#sliceEnd) await this.#yield();
  }

  async #yield(): Promise<void> {
    await new Promise<void>((resolve) => setImmediate(resolve));
    this.#sliceEnd = this.#ports.clock.monotonic() + sliceMs;
  }
}

/** The contents of a day's file, stored in `meta` under `archivedDayKey`. */
export interface ArchivedCount {
  readonly rows: number;
  readonly bytes: number;
}

export function archivedDayKey(day: string): string {
  return `archive:${day}`;
}

/** The watermark only moves forward. */
function moveWatermark(ms: number): Step {
  return {
    sql: `
insert into meta values (?, ?) on conflict (key) do update set value = excluded.value
where cast(excluded.value as integer) > cast(value as integer)`,
    values: [archivedUpToKey, String(ms)],
  };
}
