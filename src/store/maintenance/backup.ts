/**
 * Backs up a workspace's data, with or without a running daemon (`nerve store backup`); restore.ts takes it back.
 * I1. Each database is one snapshot, made by SQLite's backup API. Databases are copied before the archive and the
 *     blobs: rows that the log archives meanwhile are in both (archiver.ts, I2), and the blobs that it mentions exist.
 * I2. Nothing is overwritten: a backup needs an empty folder.
 * I3. A reported backup is on disk. A failed backup leaves nothing behind.
 * I4. What sandboxed code left in its database or among the blobs cannot make a backup fail: odd, unreadable or hollow
 *     files (odd_files.ts) are left out, and named.
 */
import { basename, dirname, isAbsolute, join, relative } from "node:path";
import { backup as backUp, type DatabaseSync } from "node:sqlite";
import { makeFolderDurably, syncFolder, syncFolders } from "../../base/durable_folder.ts";
import { messageOf, NerveError } from "../../base/errors.ts";
import { version } from "../../base/version.ts";
import { listArchivedDays } from "../archive/archive_file.ts";
import { openDatabase, toStoreError } from "../sqlite/database.ts";
import {
  type BackupFile,
  type BackupManifest,
  copyFile,
  describeFile,
  ignoreMissing,
  makeFolder,
  manifestName,
  type ReportFile,
} from "./backup_files.ts";
import { type DataPaths, listBlobFiles, listDatabases, listEntries, readInfo } from "./data_files.ts";
import { findDatabaseFault, HollowBudget, listOddFiles, type OddFile } from "./odd_files.ts";

declare module "node:sqlite" {
  /**
   * Missing in the bundled types. `rate`: pages per step; a single step copies all, because a write restarts a backup
   * of several steps.
   */
  function backup(source: DatabaseSync, path: string, options: { rate: number }): Promise<number>;
}

const allPages = 2 ** 30;

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
  try {
    const { files, skipped } = await copyData(paths, folder, report);
    await makeFolderDurably(folder);
    await syncFolders(folder);
    const manifest: BackupManifest = { format: 1, version, madeAt: now, files, skipped };
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

/** Returns the copied files, and those that were left out. */
async function copyData(
  paths: DataPaths,
  folder: string,
  report: ReportFile,
): Promise<{ files: BackupFile[]; skipped: OddFile[] }> {
  const files: BackupFile[] = [], skipped = [...listOddFiles(paths)], hollow = new HollowBudget();
  const target = (path: string) => join(folder, "data", relative(paths.data, path));
  const add = async (path: string) => files.push(await describeFile(target(path), relative(paths.data, path)));
  const copy = async (path: string, work: () => Promise<boolean>) => {
    report(path);
    const why = hollow.refuse(path) ?? await tellFault(work);
    if (why === null) return;
    skipped.push({ path, why });
    for (const end of ["", "-journal"]) await Deno.remove(target(path) + end).catch(ignoreMissing);
  };
  for (const { name, path } of listDatabases(paths)) {
    makeFolder(dirname(target(path)));
    const work = async () => {
      await copyDatabase(path, target(path));
      await add(path);
      return true;
    };
    // Without the log there is no backup.
    if (name === "log") await work();
    else await copy(path, work);
  }
  for (const path of [...listArchivedDays(paths.archive).map((day) => day.path), ...listBlobPaths(paths.blobs)]) {
    // The garbage collector may have removed a blob meanwhile.
    await copy(path, async () => {
      if (!await copyFile(path, target(path))) return false;
      await add(path);
      return true;
    });
  }
  return { files, skipped: skipped.map(({ path, why }) => ({ path: relative(paths.data, path), why })) };
}

/** The fault of a source. A full disk, or a folder that cannot be written, is not its fault: the error is rethrown. */
async function tellFault(work: () => Promise<boolean>): Promise<string | null> {
  try {
    await work();
    return null;
  } catch (thrown) {
    const message = messageOf(thrown);
    if (/No space|is full|ENOSPC|quota|read-only|readonly/i.test(message)) throw thrown;
    return message;
  }
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

/** Copies one snapshot of the database, even if others write to it meanwhile. */
export async function copyDatabase(from: string, to: string): Promise<void> {
  const fault = findDatabaseFault(from);
  if (fault !== null) throw new Error(fault);
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

async function writeDurably(path: string, text: string): Promise<void> {
  using file = await Deno.open(path, { write: true, createNew: true, mode: 0o600 });
  const bytes = new TextEncoder().encode(text);
  for (let at = 0; at < bytes.length;) at += await file.write(bytes.subarray(at));
  await file.sync();
}

function* listBlobPaths(folder: string): Generator<string> {
  for (const { digest, path } of listBlobFiles(folder)) if (digest !== null) yield path;
}
