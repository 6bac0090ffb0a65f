/**
 * The files of a backup, for backup.ts and restore.ts:
 *
 *     DIR/backup.json   format, version, time, and every file with its length and sha256: written last
 *     DIR/data/...      as in the workspace: logs.db, senses/NAME.db, archive/logs/DAY.jsonl, blobs/..
 */
import { dirname } from "node:path";
import { isHollow, type OddFile } from "./odd_files.ts";

export interface BackupFile {
  /** Relative to the workspace's data folder. */
  readonly path: string;
  readonly bytes: number;
  readonly sha256: string;
}

export interface BackupManifest {
  readonly format: 1;
  readonly version: string;
  readonly madeAt: number;
  readonly files: readonly BackupFile[];
  /** Files that were there but are not in the backup. Missing in backups of earlier versions. */
  readonly skipped?: readonly OddFile[];
}

export const manifestName = "backup.json";
const blockBytes = 256 * 1024;

/** Called for each file before it is copied. */
export type ReportFile = (path: string) => void;

/** False when the file no longer exists. */
export async function copyFile(from: string, to: string): Promise<boolean> {
  makeFolder(dirname(to));
  try {
    if (isHollow(await Deno.lstat(from))) await copyHollow(from, to);
    else await Deno.copyFile(from, to);
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return false;
    throw thrown;
  }
  using file = await Deno.open(to, { write: true });
  await file.sync();
  return true;
}

/** Keeps holes: the copy takes no more of the disk than the file. */
async function copyHollow(from: string, to: string): Promise<void> {
  using source = await Deno.open(from), copy = await Deno.open(to, { write: true, create: true, truncate: true });
  const block = new Uint8Array(blockBytes), empty = new Uint8Array(blockBytes);
  const { compare } = (await import("node:buffer")).Buffer;
  let length = 0;
  for (let read = await source.read(block); read !== null; read = await source.read(block)) {
    const part = block.subarray(0, read);
    length += read;
    if (compare(part, empty.subarray(0, read)) === 0) await copy.seek(read, Deno.SeekMode.Current);
    else for (let at = 0; at < read;) at += await copy.write(part.subarray(at));
  }
  await copy.truncate(length);
}

export async function describeFile(file: string, path: string): Promise<BackupFile> {
  // A dynamic import: a static one would delay the start of the kernel, which needs only `finishRestore`, by 24 ms.
  const { createHash } = await import("node:crypto");
  using handle = Deno.openSync(file);
  const hash = createHash("sha256"), block = new Uint8Array(blockBytes);
  let bytes = 0;
  for (let read = handle.readSync(block); read !== null; read = handle.readSync(block)) {
    hash.update(block.subarray(0, read));
    bytes += read;
  }
  return { path, bytes, sha256: hash.digest("hex") };
}

export function makeFolder(path: string): void {
  Deno.mkdirSync(path, { recursive: true, mode: 0o700 });
}

export function ignoreMissing(thrown: unknown): void {
  if (!(thrown instanceof Deno.errors.NotFound)) throw thrown;
}
