/**
 * Backs up a workspace's data, with or without a running daemon, and restores it. Used by `nerve store backup|restore`;
 * the kernel and cli/daemon/exclusive_store.ts finish an interrupted restore.
 *
 *     DIR/backup.json   format, version, time, and every file with its length and sha256: written last
 *     DIR/data/...      as in the workspace: logs.db, senses/NAME.db, archive/logs/DAY.jsonl, blobs/..
 *
 * I1. Each database is one snapshot, made by SQLite's backup API. Databases are copied before the archive and the
 *     blobs: rows that the log archives meanwhile are in both (archiver.ts, I2), and the blobs that it mentions exist.
 * I2. Nothing is overwritten: a backup needs an empty folder, a restore moves the existing data aside.
 * I3. A restore changes nothing before the whole backup was read and verified. From then on it is `data.restored`, and
 *     the next holder of the workspace finishes an interrupted restore (`finishRestore`): data is never missing.
 * I4. A reported backup is on disk. A failed backup leaves nothing behind.
 */
import { basename, dirname, isAbsolute, join, relative } from "node:path";
import { backup as backUp, type DatabaseSync } from "node:sqlite";
import { makeFolderDurably, syncFolder, syncFolders } from "../../base/durable_folder.ts";
import { NerveError } from "../../base/errors.ts";
import { passFaultPoint } from "../../base/fault_point.ts";
import { version } from "../../base/version.ts";
import { listArchivedDays } from "../archive/archive_file.ts";
import { startNewHistory } from "../log/new_history.ts";
import { openDatabase, toStoreError } from "../sqlite/database.ts";
import { type DataPaths, listBlobFiles, listDatabases, listEntries, readInfo } from "./data_files.ts";

declare module "node:sqlite" {
  /**
   * Missing in the bundled types. `rate`: pages per step; all in one, since a write restarts a backup of several steps.
   */
  function backup(source: DatabaseSync, path: string, options: { rate: number }): Promise<number>;
}

export interface BackupFile {
  /** Below the workspace's data folder. */
  readonly path: string;
  readonly bytes: number;
  readonly sha256: string;
}

export interface BackupManifest {
  readonly format: 1;
  readonly version: string;
  readonly madeAt: number;
  readonly files: readonly BackupFile[];
}

const manifestName = "backup.json";
const allPages = 2 ** 30;

/** Called for each file before it is copied. */
export type ReportFile = (path: string) => void;

/** Copies all data into `folder`, which must be empty or missing. Throws NerveError USAGE, STORE_FAILED. */
export async function backupData(
  paths: DataPaths,
  folder: string,
  now: number,
  report: ReportFile = () => {},
): Promise<BackupManifest> {
  const there = readInfo(folder), hint = "name a folder that does not exist yet";
  if (there?.isDirectory === false || listEntries(folder).length > 0) {
    throw new NerveError("USAGE", `${folder} is not empty`, { hint });
  }
  if (isWithin(paths.data, folder)) {
    throw new NerveError("USAGE", `${folder} lies in the data to back up`, { hint });
  }
  const files: BackupFile[] = [];
  const target = (path: string) => join(folder, "data", relative(paths.data, path));
  const add = async (path: string) => files.push(await describeFile(target(path), relative(paths.data, path)));
  try {
    for (const { path } of listDatabases(paths)) {
      report(path);
      makeFolder(dirname(target(path)));
      await copyDatabase(path, target(path));
      await add(path);
    }
    for (const path of [...listArchivedDays(paths.archive).map((day) => day.path), ...listBlobPaths(paths.blobs)]) {
      report(path);
      // The garbage collector may have removed a blob meanwhile.
      if (await copyFile(path, target(path))) await add(path);
    }
    await makeFolderDurably(folder);
    await syncFolders(folder);
    const manifest: BackupManifest = { format: 1, version, madeAt: now, files };
    await writeDurably(join(folder, manifestName), JSON.stringify(manifest, null, 1) + "\n");
    await syncFolder(folder);
    return manifest;
  } catch (thrown) {
    // The folder was empty or missing before.
    for (const { name } of listEntries(folder)) Deno.removeSync(join(folder, name), { recursive: true });
    if (there === null && readInfo(folder) !== null) Deno.removeSync(folder);
    throw toStoreError(`the backup into ${folder} failed`, thrown);
  }
}

export interface Restored {
  readonly manifest: BackupManifest;
  /** Where the previous data is now; null when there was none. */
  readonly before: string | null;
}

/**
 * Replaces the workspace's data with a backup. The caller holds the workspace lock. Existing data is moved aside with
 * `force`; without it NerveError WORKSPACE_EXISTS is thrown. Throws STORE_FAILED for an incomplete backup.
 */
export async function restoreData(
  paths: DataPaths,
  folder: string,
  options: { readonly force: boolean; readonly now: number; readonly report?: ReportFile },
): Promise<Restored> {
  await finishRestore(paths);
  const manifest = readManifest(folder), there = listEntries(paths.data).length > 0;
  if (there && !options.force) {
    throw new NerveError("WORKSPACE_EXISTS", `${paths.data} holds data already`, {
      hint: "nerve store restore DIR --force moves it aside and keeps it",
    });
  }
  const stamp = new Date(options.now).toISOString().replaceAll(":", "-"), aside = `${paths.data}.restoring`;
  const whole = restoredFolder(paths);
  try {
    await Deno.remove(aside, { recursive: true }).catch(ignoreMissing);
    makeFolder(aside);
    for (const file of manifest.files) {
      options.report?.(file.path);
      const from = join(folder, "data", file.path), to = join(aside, file.path);
      if (relative(aside, to).startsWith("..") || !await copyFile(from, to)) {
        throw incompleteBackup(folder, `${file.path} is missing`);
      }
      const found = await describeFile(to, file.path);
      if (found.sha256 !== file.sha256) throw incompleteBackup(folder, `${file.path} was changed`);
    }
    for (const { path } of manifest.files) if (path.endsWith(".db")) checkDatabase(join(aside, path), folder, path);
    const log = join(aside, relative(paths.data, paths.logDatabase));
    if (readInfo(log) !== null) startNewHistory(log, there ? paths.logDatabase : null);
    const before = there ? `${paths.data}.before-${stamp}` : null;
    await syncFolders(aside);
    await Deno.rename(aside, whole);
    await syncFolder(dirname(whole));
    passFaultPoint("restore.whole");
    if (before !== null) await Deno.rename(paths.data, before);
    else await Deno.remove(paths.data).catch(ignoreMissing);
    passFaultPoint("restore.aside");
    await finishRestore(paths);
    return { manifest, before };
  } catch (thrown) {
    await Deno.remove(aside, { recursive: true }).catch(ignoreMissing);
    throw toStoreError("nothing was restored", thrown);
  }
}

/**
 * Finishes a restore that was interrupted after the existing data was moved aside. One that was interrupted earlier has
 * had no effect, and its leftovers are removed. The caller holds the workspace lock.
 */
export async function finishRestore(paths: Pick<DataPaths, "data">): Promise<void> {
  const whole = restoredFolder(paths);
  if (readInfo(whole) === null) return;
  if (readInfo(paths.data) !== null) return await Deno.remove(whole, { recursive: true });
  await Deno.rename(whole, paths.data);
  await syncFolder(dirname(paths.data));
}

/** The restored data has this name once it is complete. */
function restoredFolder({ data }: Pick<DataPaths, "data">): string {
  return `${data}.restored`;
}

/** Whether `path`, which may not exist, is `folder` or lies in it, through any links. */
function isWithin(folder: string, path: string): boolean {
  const inside = relative(resolveReal(folder), resolveReal(path));
  return inside === "" || (inside !== ".." && !inside.startsWith("../") && !isAbsolute(inside));
}

function resolveReal(path: string): string {
  if (readInfo(path) !== null) return Deno.realPathSync(path);
  return dirname(path) === path ? path : join(resolveReal(dirname(path)), basename(path));
}

function readManifest(folder: string): BackupManifest {
  let manifest: BackupManifest;
  try {
    manifest = JSON.parse(Deno.readTextFileSync(join(folder, manifestName)));
  } catch (thrown) {
    throw new NerveError("USAGE", `${folder} holds no complete backup: ${manifestName} cannot be read`, {
      hint: "nerve store backup DIR makes one",
      cause: thrown,
    });
  }
  if (manifest.format === 1 && Array.isArray(manifest.files)) return manifest;
  throw incompleteBackup(folder, `${manifestName} has the unknown format ${manifest.format}`);
}

function incompleteBackup(folder: string, why: string): NerveError {
  return new NerveError("STORE_FAILED", `the backup ${folder} is incomplete: ${why}`, { hint: "use another backup" });
}

function checkDatabase(path: string, folder: string, name: string): void {
  const db = openDatabase(path, { readOnly: true });
  try {
    if (db.prepare("pragma quick_check(1)").get()?.quick_check !== "ok") {
      throw incompleteBackup(folder, `${name} is damaged`);
    }
  } finally {
    db.close();
    for (const rest of ["-wal", "-shm"]) if (readInfo(path + rest) !== null) Deno.removeSync(path + rest);
  }
}

/** One snapshot of the database, whoever writes it meanwhile. */
export async function copyDatabase(from: string, to: string): Promise<void> {
  const source: DatabaseSync = openDatabase(from, { readOnly: true });
  try {
    await backUp(source, to, { rate: allPages });
  } finally {
    source.close();
  }
  Deno.chmodSync(to, 0o600);
  using file = await Deno.open(to, { write: true });
  await file.sync();
}

/** False when the file no longer exists. */
async function copyFile(from: string, to: string): Promise<boolean> {
  makeFolder(dirname(to));
  try {
    await Deno.copyFile(from, to);
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return false;
    throw thrown;
  }
  using file = await Deno.open(to, { write: true });
  await file.sync();
  return true;
}

async function writeDurably(path: string, text: string): Promise<void> {
  using file = await Deno.open(path, { write: true, createNew: true, mode: 0o600 });
  const bytes = new TextEncoder().encode(text);
  for (let at = 0; at < bytes.length;) at += await file.write(bytes.subarray(at));
  await file.sync();
}

function* listBlobPaths(folder: string): Generator<string> {
  for (const { digest, path } of listBlobFiles(folder)) if (digest !== null) yield path;
}

function makeFolder(path: string): void {
  Deno.mkdirSync(path, { recursive: true, mode: 0o700 });
}

async function describeFile(file: string, path: string): Promise<BackupFile> {
  // A dynamic import: the kernel, which only needs `finishRestore`, would start 24 ms later with a static one.
  const { createHash } = await import("node:crypto");
  using handle = Deno.openSync(file);
  const hash = createHash("sha256"), block = new Uint8Array(256 * 1024);
  let bytes = 0;
  for (let read = handle.readSync(block); read !== null; read = handle.readSync(block)) {
    hash.update(block.subarray(0, read));
    bytes += read;
  }
  return { path, bytes, sha256: hash.digest("hex") };
}

function ignoreMissing(thrown: unknown): void {
  if (!(thrown instanceof Deno.errors.NotFound)) throw thrown;
}
