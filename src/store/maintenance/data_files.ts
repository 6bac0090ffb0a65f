/**
 * Lists the files of a workspace's data. Used by stats.ts, verify.ts, blob_gc.ts and backup.ts.
 * I1. Only ordinary files are ever opened: code in the sandbox may replace its database with a folder, and opening a
 *     named pipe would never return. odd_files.ts names the others.
 */
import { join } from "node:path";
import { ifPresent, isMissing } from "../../base/if_present.ts";

/** The paths of a workspace's data; `WorkspacePaths` has this shape. */
export interface DataPaths {
  readonly data: string;
  readonly logDatabase: string;
  readonly senseDatabases: string;
  readonly blobs: string;
  readonly archive: string;
}

export interface DatabaseFile {
  /** `log`, or the name of a sense, even of one that was removed from the configuration. */
  readonly name: string;
  readonly path: string;
}

/** Every existing database, the log first. */
export function listDatabases(paths: DataPaths): DatabaseFile[] {
  const senses = listEntries(paths.senseDatabases).filter(({ isFile, name }) => isFile && name.endsWith(".db"))
    .map(({ name }) => ({ name: name.slice(0, -".db".length), path: join(paths.senseDatabases, name) }))
    .sort((a, b) => a.name < b.name ? -1 : 1);
  return readSize(paths.logDatabase) === null ? senses : [{ name: "log", path: paths.logDatabase }, ...senses];
}

export interface BlobFile {
  /** Null when the file is not a blob, such as the leftover of an interrupted write. */
  readonly digest: string | null;
  readonly path: string;
  readonly bytes: number;
  readonly modifiedMs: number;
}

/** Every file under data/blobs, without files that vanish meanwhile. */
export function* listBlobFiles(folder: string): Generator<BlobFile> {
  for (const { name: prefix, isDirectory } of listEntries(folder)) {
    if (!isDirectory) continue;
    for (const { name, isFile } of listEntries(join(folder, prefix))) {
      const path = join(folder, prefix, name), info = isFile ? readInfo(path) : null;
      if (info === null) continue;
      const digest = /^[0-9a-f]{64}$/.test(prefix + name) ? prefix + name : null;
      yield { digest, path, bytes: info.size, modifiedMs: info.mtime?.getTime() ?? 0 };
    }
  }
}

/** The bytes of a database and its write-ahead log. */
export function measureDatabase(path: string): number {
  return (readSize(path) ?? 0) + (readSize(`${path}-wal`) ?? 0);
}

/** The entries of a folder; none when it does not exist or may not be read. */
export function listEntries(folder: string): Deno.DirEntry[] {
  try {
    return [...Deno.readDirSync(folder)];
  } catch (thrown) {
    if (isMissing(thrown) || thrown instanceof Deno.errors.PermissionDenied) return [];
    throw thrown;
  }
}

/** Null when there is no such file. */
export function readInfo(path: string): Deno.FileInfo | null {
  return ifPresent(() => Deno.statSync(path));
}

function readSize(path: string): number | null {
  return readInfo(path)?.size ?? null;
}
