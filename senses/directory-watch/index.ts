/**
 * Watches which files of a folder are new, changed or gone, and whether there are too many, too few, too large or too
 * old ones. It can start a workflow for changes, and when a problem begins.
 */
import { and, desc, eq, sql } from "drizzle-orm";
import {
  defineSense,
  formatDuration,
  formatSize,
  type JsonObject,
  option,
  prune,
  readConfig,
  type SenseContext,
  type SenseDatabase,
} from "nerve";
import { findNews, tell, type Told } from "../../lib/tell.ts";
import { type Changes, findChanges, type KnownFile } from "./changes.ts";
import { createNameTest, type FoundFile, listFiles, type Listing } from "./listing.ts";
import { checks, files, folders } from "./schema.ts";

export interface DirectoryWatch {
  readonly folder: string;
  readonly ok: boolean;
  /** The problems, as sentences; empty when `ok`. */
  readonly problems: readonly string[];
  readonly files: number;
  readonly totalBytes: number;
  /** Times of the last changes of file contents; null without files. */
  readonly oldestAt: string | null;
  readonly newestAt: string | null;
  /** Files that are still being written. */
  readonly growing: number;
  /** How many of each there are; the lists have the first 100. */
  readonly counts: { readonly added: number; readonly changed: number; readonly removed: number };
  readonly added: readonly string[];
  readonly changed: readonly string[];
  readonly removed: readonly string[];
}

const namesMax = 100, nameMaxChars = 500;

export const { compute } = defineSense({ config: readSettings, compute: observe });

async function observe({ db, signal, config: settings, log }: SenseContext<Settings>): Promise<Told<DirectoryWatch>> {
  const { folder } = settings;
  const listed = await listFiles({ ...settings, entriesMax: settings.max_entries }, signal);
  const listing = typeof listed === "string" ? null : listed;
  const last = db.select().from(checks).where(eq(checks.folder, folder)).orderBy(desc(checks.id)).limit(1).get();
  const nowMs = Date.now();
  const known = readKnown(db, folder), isFirst = known === null && !settings.announce_first;
  const changes = listing === null || listing.more
    ? null
    : findChanges(known ?? new Map(), listing.files, { nowMs, settleMs: settings.settle, isFirst });
  if (listing !== null && listing.unnamed > 0 && last?.unnamed !== listing.unnamed) {
    log("warn", `${listing.unnamed} files of ${folder} have names that are not UTF-8: they count, and are not watched`);
  }
  const watch = describe(settings, listed, changes, nowMs);
  store(db, watch, { known, changes, unnamed: listing?.unnamed ?? 0 }, settings.keep);
  const wasOk = last?.ok ?? true, { counts: { added, changed, removed }, problems } = watch;
  const change = [`${added} new`, `${changed} changed`, `${removed} removed`];
  const news = added + changed + removed > 0
    ? [`${folder}: ${[...change, ...problems].join(", ")}`]
    : findNews(folder, wasOk, problems);
  return tell(watch, { ...settings, wasOk, news });
}

type Settings = ReturnType<typeof readSettings>;

function readSettings(config: JsonObject) {
  const settings = readConfig(config, {
    folder: option.text(),
    pattern: option.text("*"),
    recursive: option.flag(false),
    settle: option.duration("10s"),
    announce_first: option.flag(false),
    min_count: option.number(null, { min: 0 }),
    max_count: option.number(null, { min: 0 }),
    max_total: option.size(null),
    max_size: option.size(null),
    max_age: option.duration(null),
    newest_within: option.duration(null),
    max_entries: option.number(10_000, { min: 1, max: 100_000 }),
    workflow: option.text(null),
    always: option.flag(true),
    keep: option.duration("30d"),
  });
  if (!settings.folder.startsWith("/")) throw new TypeError(`config.folder must be absolute, not "${settings.folder}"`);
  return { ...settings, folder: settings.folder.replace(/(?<=.)\/+$/, ""), fits: createNameTest(settings.pattern) };
}

type Known = ReadonlyMap<string, KnownFile>;

/** Null before the first compute. */
function readKnown(db: SenseDatabase, folder: string): Known | null {
  if (db.select().from(folders).where(eq(folders.folder, folder)).get() === undefined) return null;
  const rows = db.select().from(files).where(eq(files.folder, folder)).all();
  return new Map(rows.map((each) => [each.path, each]));
}

function describe(
  settings: Settings,
  listed: Listing | string,
  changes: Changes | null,
  nowMs: number,
): DirectoryWatch {
  const listing = typeof listed === "string" ? null : listed,
    found = listing?.files ?? [],
    times = found.map(({ modifiedMs }) => modifiedMs);
  const oldest = times.length === 0 ? null : times.reduce((a, b) => Math.min(a, b));
  const newest = times.length === 0 ? null : times.reduce((a, b) => Math.max(a, b));
  const problems = typeof listed === "string" ? [listed] : findProblems(settings, listed, { oldest, newest, nowMs });
  const { added = [], changed = [], removed = [], growing = 0 } = changes ?? {};
  const first = (paths: readonly string[]) => paths.slice(0, namesMax).map((path) => path.slice(0, nameMaxChars));
  return {
    folder: settings.folder,
    ok: problems.length === 0,
    problems,
    files: found.length + (listing?.unnamed ?? 0),
    totalBytes: sumBytes(found),
    oldestAt: oldest === null ? null : new Date(oldest).toISOString(),
    newestAt: newest === null ? null : new Date(newest).toISOString(),
    growing,
    counts: { added: added.length, changed: changed.length, removed: removed.length },
    added: first(added),
    changed: first(changed),
    removed: first(removed),
  };
}

function sumBytes(found: readonly FoundFile[]): number {
  return found.reduce((sum, { bytes }) => sum + bytes, 0);
}

function findProblems(
  settings: Settings,
  { files: found, unnamed, more }: Listing,
  { oldest, newest, nowMs }: { oldest: number | null; newest: number | null; nowMs: number },
): string[] {
  const { min_count, max_count, max_total, max_size, max_age, newest_within, max_entries } = settings;
  const problems: string[] = [], count = found.length + unnamed, total = sumBytes(found);
  if (more) problems.push(`it has more than ${max_entries} entries: changes are not reported`);
  if (min_count !== null && count < min_count && !more) problems.push(`${count} files, fewer than ${min_count}`);
  if (max_count !== null && count > max_count) problems.push(`${count} files, more than ${max_count}`);
  if (max_total !== null && total > max_total) {
    problems.push(`its files have ${formatSize(total)}, more than ${formatSize(max_total)}`);
  }
  const large = max_size === null ? [] : found.filter(({ bytes }) => bytes > max_size);
  if (max_size !== null && large[0] !== undefined) {
    problems.push(
      `${large.length} files have more than ${formatSize(max_size)}, such as ${large[0].path.slice(0, 200)}`,
    );
  }
  const ageOf = (at: number) => formatDuration(Math.max(0, Math.round((nowMs - at) / 1_000) * 1_000));
  if (max_age !== null && oldest !== null && nowMs - oldest > max_age) {
    problems.push(`its oldest file is from ${ageOf(oldest)} ago, more than ${formatDuration(max_age)}`);
  }
  if (newest_within !== null && !more && (newest === null || nowMs - newest > newest_within)) {
    const last = newest === null ? "it has no file" : `its newest file is from ${ageOf(newest)} ago`;
    problems.push(`${last}: none of the last ${formatDuration(newest_within)}`);
  }
  return problems;
}

function store(
  db: SenseDatabase,
  { folder, ok, problems, files: count, totalBytes }: DirectoryWatch,
  { known, changes, unnamed }: {
    readonly known: Known | null;
    readonly changes: Changes | null;
    readonly unnamed: number;
  },
  keep: number,
): void {
  const ts = new Date();
  db.transaction((tx) => {
    tx.insert(checks).values({ ts, folder, ok, files: count, totalBytes, unnamed, problems: [...problems] }).run();
    prune(tx, checks, checks.ts, keep);
    if (changes !== null || known !== null) {
      tx.insert(folders).values({ folder, ts }).onConflictDoUpdate({ target: folders.folder, set: { ts } }).run();
    }
    // Folders that have not been watched for so long belong to earlier configurations.
    prune(tx, folders, folders.ts, keep);
    tx.run(sql`delete from files where folder not in (select folder from folders)`);
    if (changes === null) return;
    const there = new Set(changes.known.map(({ path }) => path));
    for (const path of known?.keys() ?? []) {
      if (!there.has(path)) tx.delete(files).where(and(eq(files.folder, folder), eq(files.path, path))).run();
    }
    for (const file of changes.known) {
      if (known?.get(file.path) === file) continue;
      const row = { folder, ...file };
      tx.insert(files).values(row).onConflictDoUpdate({ target: [files.folder, files.path], set: row }).run();
    }
  });
}
