/**
 * Restores a backup (backup.ts). Used by `nerve store restore`; the kernel and cli/daemon/exclusive_store.ts finish an
 * interrupted restore.
 * I1. Nothing is overwritten: existing data is moved aside.
 * I2. A restore changes nothing before the whole backup was read and verified. From then on the new data is
 *     `data.restored`, and the next holder of the workspace finishes an interrupted restore (`finishRestore`): data is
 *     never missing.
 * I3. A backup is untrusted: only files that a backup has are taken from it, under the names that a backup gives them.
 *     A journal beside a database would make SQLite delete whatever file it names.
 * I4. A damaged database of a sense, which that sense may have damaged itself, is set aside and named; it does not
 *     prevent the restore of the rest.
 */
import { dirname, join, relative } from "node:path";
import { syncFolder, syncFolders } from "../../base/durable_folder.ts";
import { NerveError } from "../../base/errors.ts";
import { passFaultPoint } from "../../base/fault_point.ts";
import { ifPresent } from "../../base/if_present.ts";
import { namePattern } from "../../base/name_pattern.ts";
import { startNewHistory } from "../log/new_history.ts";
import { toStoreError } from "../sqlite/database.ts";
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
import { type DataPaths, listEntries, readInfo } from "./data_files.ts";
import { checkDatabaseHealth } from "./database_health.ts";
import type { OddFile } from "./odd_files.ts";

export interface Restored {
  readonly manifest: BackupManifest;
  /** Databases of senses that were damaged in the backup already: each is now beside its place, as NAME.db.damaged. */
  readonly damaged: readonly OddFile[];
  /** The folder of the previous data; null when there was none. */
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
      await takeFile(folder, file, aside);
    }
    const damaged = manifest.files.flatMap(({ path }) =>
      path.endsWith(".db") ? checkRestored(aside, path, folder) : []
    );
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
    return { manifest, before, damaged };
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

/** The name of the restored data once it is complete. */
function restoredFolder({ data }: Pick<DataPaths, "data">): string {
  return `${data}.restored`;
}

function readManifest(folder: string): BackupManifest {
  const path = join(folder, manifestName);
  let manifest: BackupManifest;
  try {
    const info = Deno.lstatSync(path);
    if (!info.isFile || info.size > manifestMaxBytes) throw new Error("it is not a file of a backup");
    manifest = JSON.parse(Deno.readTextFileSync(path));
  } catch (thrown) {
    throw new NerveError("USAGE", `${folder} holds no complete backup: ${manifestName} cannot be read`, {
      hint: "nerve store backup DIR makes one",
      cause: thrown,
    });
  }
  if (manifest.format !== 1 || !Array.isArray(manifest.files)) {
    throw incompleteBackup(folder, `${manifestName} has the unknown format ${manifest.format}`);
  }
  const seen = new Set<string>();
  for (const { path } of manifest.files) {
    if (typeof path !== "string" || !isDataPath(path) || seen.has(path)) {
      throw new NerveError("STORE_FAILED", `${folder} is not a backup of nerve: ${manifestName} names ${path}`, {
        hint: "a backup holds logs.db, senses/NAME.db, archived days and blobs, and nothing else; use another one",
      });
    }
    seen.add(path);
  }
  return manifest;
}

const manifestMaxBytes = 256 * 1024 ** 2;

/** Whether a backup may contain such a file. */
function isDataPath(path: string): boolean {
  const [, sense] = /^senses\/([^/]+)\.db$/.exec(path) ?? [];
  return path === "logs.db" || (sense !== undefined && namePattern.test(sense)) ||
    /^archive\/logs\/\d{4}-\d{2}-\d{2}\.jsonl$/.test(path) || /^blobs\/[0-9a-f]{2}\/[0-9a-f]{62}$/.test(path);
}

/** Copies one file of a backup, and verifies it. Follows no link, and reads no file of another length. */
async function takeFile(folder: string, { path, bytes, sha256 }: BackupFile, aside: string): Promise<void> {
  const from = join(folder, "data", path), to = join(aside, path), info = ifPresent(() => Deno.lstatSync(from));
  if (info?.isFile !== true) throw incompleteBackup(folder, `${path} is missing`);
  if (info.size !== bytes || !await copyFile(from, to) || (await describeFile(to, path)).sha256 !== sha256) {
    throw incompleteBackup(folder, `${path} was changed`);
  }
}

function incompleteBackup(folder: string, why: string): NerveError {
  return new NerveError("STORE_FAILED", `the backup ${folder} is incomplete: ${why}`, { hint: "use another backup" });
}

/** A damaged log makes the backup useless; a sense's database, which that sense may have damaged, is set aside. */
function checkRestored(aside: string, path: string, folder: string): OddFile[] {
  const file = join(aside, path), { problem } = checkDatabaseHealth(file, Infinity);
  for (const rest of ["-wal", "-shm"]) if (readInfo(file + rest) !== null) Deno.removeSync(file + rest);
  if (problem === null) return [];
  if (path === "logs.db") throw incompleteBackup(folder, `${path} is damaged: ${problem}`);
  Deno.renameSync(file, `${file}.damaged`);
  return [{ path: `${path}.damaged`, why: problem }];
}
