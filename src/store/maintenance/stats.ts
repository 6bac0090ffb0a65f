/**
 * Measures the size and growth of a workspace's data. Read-only, with or without a running daemon. Counting many rows
 * and files takes long, so it reports its progress.
 */
import type { DatabaseSync } from "node:sqlite";
import { listArchivedDays } from "../archive/archive_file.ts";
import { archivedDayKey } from "../archive/archiver.ts";
import { dayMs, dayOf, startOfDay } from "../archive/days.ts";
import { archivedUpToKey } from "../log/meta_store.ts";
import { openDatabase } from "../sqlite/database.ts";
import { type DataPaths, listBlobFiles, listDatabases, measureDatabase } from "./data_files.ts";
import { listOddFiles, type OddFile } from "./odd_files.ts";

export interface StoreStats {
  readonly log: LogStats | null;
  readonly senses: readonly { readonly name: string; readonly bytes: number }[];
  readonly blobs: { readonly files: number; readonly bytes: number };
  /** `rows`: archived rows, as the log records them; `oldest`: the first day that has a file. */
  readonly archive: {
    readonly days: number;
    readonly bytes: number;
    readonly rows: number;
    readonly oldest: string | null;
    readonly upToMs: number | null;
  };
  readonly totalBytes: number;
  /** Files that do not belong there, which are not counted. */
  readonly odd: readonly OddFile[];
}

/** `perDay` is the mean of the newest whole days in the log, at most seven; null without a whole day. */
export interface LogStats {
  readonly bytes: number;
  readonly rows: number;
  readonly runs: number;
  readonly oldestMs: number | null;
  readonly newestMs: number | null;
  readonly perDay: { readonly days: number; readonly rows: number; readonly bytes: number } | null;
  /** Free bytes in the log's file; `nerve store archive --vacuum` returns them to the disk. */
  readonly freeBytes: number;
}

const growthDaysMax = 7;

/** How many blobs are counted between two reports. */
const blobsTold = 10_000;

/** Called with a text about the progress. */
export type TellProgress = (text: string) => void;

/** Throws NerveError STORE_FAILED when the log cannot be read. */
export function readStoreStats(paths: DataPaths, now: number, tell: TellProgress = () => {}): StoreStats {
  const [first, ...rest] = listDatabases(paths), hasLog = first?.name === "log";
  const senses = (hasLog ? rest : [first, ...rest]).flatMap((file) =>
    file === undefined ? [] : [{ name: file.name, bytes: measureDatabase(file.path) }]
  );
  const blobs = { files: 0, bytes: 0 };
  for (const { bytes } of listBlobFiles(paths.blobs)) {
    if (++blobs.files % blobsTold === 0) tell(`counting blobs: ${blobs.files}`);
    blobs.bytes += bytes;
  }
  const files = listArchivedDays(paths.archive),
    log = hasLog ? readLog(paths.logDatabase, files.map(({ day }) => day), now, tell) : null;
  const archive = {
    days: files.length,
    bytes: sumBytes(files),
    rows: log?.archivedRows ?? 0,
    oldest: files[0]?.day ?? null,
    upToMs: log?.upToMs ?? null,
  };
  const totalBytes = (log?.stats.bytes ?? 0) + sumBytes(senses) + blobs.bytes + archive.bytes;
  return { log: log?.stats ?? null, senses, blobs, archive, totalBytes, odd: listOddFiles(paths) };
}

function sumBytes(files: readonly { readonly bytes: number }[]): number {
  return files.reduce((sum, { bytes }) => sum + bytes, 0);
}

function readLog(
  path: string,
  days: readonly string[],
  now: number,
  tell: TellProgress,
): { stats: LogStats; archivedRows: number; upToMs: number | null } {
  const db = openDatabase(path, { readOnly: true }), bytes = measureDatabase(path);
  try {
    const one = (sql: string, ...values: (string | number)[]) => db.prepare(sql).get(...values) ?? {};
    // Two statements: a single one for both values reads the whole index.
    const { oldest } = one("select min(ts) as oldest from logs"),
      { newest } = one("select max(ts) as newest from logs");
    const counts = countDays(db, tell), rows = [...counts.values()].reduce((sum, count) => sum + count, 0);
    const { runs } = one("select count(*) as runs from workflow_runs");
    const { value } = one("select value from meta where key = ?", archivedUpToKey);
    const free = Number(
      one("select freelist_count * page_size as free from pragma_freelist_count, pragma_page_size").free,
    );
    const archivedRows = days.reduce((sum, day) => {
      const { value: text } = one("select value from meta where key = ?", archivedDayKey(day));
      return sum + (text === undefined ? 0 : Number(JSON.parse(String(text)).rows));
    }, 0);
    const to = startOfDay(now), from = Math.max(to - growthDaysMax * dayMs, startOfDay(Number(oldest ?? now)));
    const whole = Math.round((to - from) / dayMs);
    const recent = [...counts].reduce((sum, [day, count]) => day >= from && day < to ? sum + count : sum, 0);
    const bytesPerRow = rows === 0 ? 0 : (bytes - free) / rows;
    const perDay = whole < 1
      ? null
      : { days: whole, rows: Math.round(recent / whole), bytes: Math.round(recent * bytesPerRow / whole) };
    const time = (ms: unknown) => ms === null || ms === undefined ? null : Number(ms);
    const stats = {
      ...{ bytes, rows, runs: Number(runs), oldestMs: time(oldest), newestMs: time(newest) },
      ...{ perDay, freeBytes: free },
    };
    return { stats, archivedRows, upToMs: time(value) };
  } finally {
    db.close();
  }
}

/** The number of rows of each day of the log, by the day's start, from the index of times alone. */
function countDays(db: DatabaseSync, tell: TellProgress): Map<number, number> {
  const next = db.prepare("select min(ts) as ts from logs where ts >= ?");
  const count = db.prepare("select count(*) as rows from logs where ts >= ? and ts < ?");
  const counts = new Map<number, number>();
  let rows = 0;
  for (let ts = next.get(Number.MIN_SAFE_INTEGER)?.ts ?? null; ts !== null;) {
    const day = startOfDay(Number(ts)), counted = Number(count.get(day, day + dayMs)?.rows);
    counts.set(day, counted);
    tell(`counting rows: ${dayOf(day)}, ${rows += counted}`);
    ts = next.get(day + dayMs)?.ts ?? null;
  }
  return counts;
}
