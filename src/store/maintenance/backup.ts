/**
 * A copy of a workspace's data, made while a daemon runs or not, and its way back. Used by `nerve store backup|restore`.
 *
 *     DIR/backup.json   format, version, time, and every file with its length and sha256: written last
 *     DIR/data/...      as in the workspace: logs.db, senses/NAME.db, archive/logs/DAY.jsonl, blobs/..
 *
 * I1. Each database is one snapshot, made by SQLite's backup API. Databases come before the archive and the blobs: what
 *     the log has moved into its archive meanwhile is in both (archiver.ts, I2), and what it mentions is there.
 * I2. Nothing is overwritten: a backup needs an empty folder, a restore moves the present data aside.
 * I3. A restore changes nothing before all of the backup was read and found whole. From then on it is `data.restored`,
 *     and whoever takes the workspace next finishes what was interrupted (`finishRestore`): data is never missing.
 * I4. What is told to be there is on disk. A backup that failed leaves nothing behind.
 */
import { basename, dirname, isAbsolute, join, relative } from "node:path";
import { backup as backUp, type DatabaseSync } from "node:sqlite";
import { makeFolderDurably, syncFolder, syncFolders } from "../../base/durable_folder.ts";
import { NerveError } from "../../base/errors.ts";
import { passFaultPoint } from "../../base/fault_point.ts";
import { version } from "../../base/version.ts";
import { listArchivedDays } from "../archive/archive_file.ts";
import { openDatabase, toStoreError } from "../sqlite/database.ts";
import { type DataPaths, listBlobFiles, listDatabases, listEntries, readInfo } from "./data_files.ts";

declare module "node:sqlite" {
  /** Bundled types lack it. `rate` is pages a step: all at once, since each step of several begins anew after a write. */
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

/** Told of each file before it is copied. */
export type ReportFile = (path: string) => void;

/** Copies all data into `folder`, which must be empty or missing. Throws NerveError USAGE, STORE_FAILED. */
export async function backupData(
  paths: DataPaths,
  folder: string,
  now: number,
  tell: ReportFile = () => {},
): Promise<BackupManifest> {
  const there = readInfo(folder), hint = "name a folder that does not exist yet";
  if (there?.isDirectory === false || listEntries(folder).length > 0) {
    throw new NerveError("USAGE", `${folder} is not empty`, { hint });
  }
  if (isWithin(paths.data, folder)) {
    throw new NerveError("USAGE", `${folder} lies in the data that is to be copied`, { hint });
  }
  const files: BackupFile[] = [];
  const target = (path: string) => join(folder, "data", relative(paths.data, path));
  const add = async (path: string) => files.push(await describeFile(target(path), relative(paths.data, path)));
  try {
    for (const { path } of listDatabases(paths)) {
      tell(path);
      makeFolder(dirname(target(path)));
      await copyDatabase(path, target(path));
      await add(path);
    }
    for (const path of [...listArchivedDays(paths.archive).map((day) => day.path), ...listBlobPaths(paths.blobs)]) {
      tell(path);
      // A blob may have gone since, as garbage.
      if (await copyFile(path, target(path))) await add(path);
    }
    await makeFolderDurably(folder);
    await syncFolders(folder);
    const manifest: BackupManifest = { format: 1, version, madeAt: now, files };
    await writeDurably(join(folder, manifestName), JSON.stringify(manifest, null, 1) + "\n");
    await syncFolder(folder);
    return manifest;
  } catch (thrown) {
    // It was empty, or not there.
    for (const { name } of listEntries(folder)) Deno.removeSync(join(folder, name), { recursive: true });
    if (there === null && readInfo(folder) !== null) Deno.removeSync(folder);
    throw toStoreError(`the backup into ${folder} failed`, thrown);
  }
}

/** Where a restore has put the data that was there before; null: there was none. */
export interface Restored {
  readonly manifest: BackupManifest;
  readonly before: string | null;
}

/**
 * Puts a backup in the place of the workspace's data. The caller holds the workspace's lock. Without `force` it throws
 * NerveError WORKSPACE_EXISTS when there is data; with it that is moved aside. Throws STORE_FAILED for a backup that is not whole.
 */
export async function restoreData(
  paths: DataPaths,
  folder: string,
  options: { readonly force: boolean; readonly now: number; readonly tell?: ReportFile },
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
      options.tell?.(file.path);
      const from = join(folder, "data", file.path), to = join(aside, file.path);
      if (relative(aside, to).startsWith("..") || !await copyFile(from, to)) {
        throw incompleteBackup(folder, `${file.path} is missing`);
      }
      const found = await describeFile(to, file.path);
      if (found.sha256 !== file.sha256) throw incompleteBackup(folder, `${file.path} was changed`);
    }
    for (const { path } of manifest.files) if (path.endsWith(".db")) checkDatabase(join(aside, path), folder, path);
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
 * Finishes a restore that was interrupted after the data before it was moved aside. The caller holds the workspace's
 * lock. One that was interrupted before that has not happened, and what it has left is removed.
 */
export async function finishRestore(paths: Pick<DataPaths, "data">): Promise<void> {
  const whole = restoredFolder(paths);
  if (readInfo(whole) === null) return;
  if (readInfo(paths.data) !== null) return await Deno.remove(whole, { recursive: true });
  await Deno.rename(whole, paths.data);
  await syncFolder(dirname(paths.data));
}

/** What a restore puts in the place of the data: it bears this name once it is whole. */
function restoredFolder({ data }: Pick<DataPaths, "data">): string {
  return `${data}.restored`;
}

/** Whether `path`, which may not exist, lies in `folder` or is it, whatever links lead there. */
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
    throw new NerveError("USAGE", `${folder} holds no finished backup: ${manifestName} cannot be read`, {
      hint: "nerve store backup DIR makes one",
      cause: thrown,
    });
  }
  if (manifest.format === 1 && Array.isArray(manifest.files)) return manifest;
  throw incompleteBackup(folder, `${manifestName} has the format ${manifest.format}`);
}

function incompleteBackup(folder: string, why: string): NerveError {
  return new NerveError("STORE_FAILED", `the backup ${folder} is not whole: ${why}`, { hint: "take another backup" });
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

async function copyDatabase(from: string, to: string): Promise<void> {
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

/** False: there is no such file any more. */
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
  // Not loaded with this file: the kernel, which only finishes what a restore began, would start 24 ms later.
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
