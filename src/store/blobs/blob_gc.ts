/**
 * Finds blobs that nothing mentions: no row of the log or its archive, no run, no table of a sense. A mention is the
 * digest as text anywhere in a value. Used by `nerve store gc`, with or without a running daemon.
 * I1. A blob younger than a day stays: a mention may follow (`BlobStore.write` renews the age of an existing file).
 * I2. If anything cannot be read completely, it throws and nothing counts as garbage.
 */
import { dirname, join } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { NerveError } from "../../base/errors.ts";
import { listArchivedDays, readLines } from "../archive/archive_file.ts";
import { dayMs } from "../archive/days.ts";
import { type BlobFile, type DataPaths, listBlobFiles, listDatabases, readInfo } from "../maintenance/data_files.ts";
import { findDatabaseFault } from "../maintenance/odd_files.ts";
import { openDatabase, toStoreError } from "../sqlite/database.ts";

export interface Garbage {
  /** Blobs that nothing mentions, and leftovers of interrupted writes. */
  readonly files: readonly BlobFile[];
  readonly bytes: number;
  /** Blobs that stay: mentioned, or young. */
  readonly kept: number;
}

/** Throws NerveError STORE_FAILED when a database or a file of the archive cannot be read. */
export function findGarbage(paths: DataPaths, now: number): Garbage {
  const old = new Map<string, BlobFile>();
  let all = 0;
  for (const file of listBlobFiles(paths.blobs)) {
    all++;
    if (now - file.modifiedMs > dayMs) old.set(file.digest ?? file.path, file);
  }
  const noteMentions = (text: string) => {
    for (const [digest] of text.matchAll(/[0-9a-f]{64,}/g)) removeDigests(old, digest);
  };
  if (old.size > 0) {
    // In the order in which mentions move, so that none is missed: from senses to the log, then to its archive.
    for (const { path } of listDatabases(paths).reverse()) scanDatabase(path, noteMentions);
    for (const { path } of listArchivedDays(paths.archive)) {
      for (const line of readLines(path, (text) => /[0-9a-f]{64}/.test(text))) noteMentions(line);
    }
  }
  const files = [...old.values()];
  return { files, bytes: files.reduce((sum, { bytes }) => sum + bytes, 0), kept: all - files.length };
}

/**
 * Removes the files, except those that were written again since they were found. Returns the bytes freed. Each file is
 * renamed first: a concurrent writer has either renewed its age in time, or finds it gone and writes it again
 * (blob_store.ts).
 */
export function removeGarbage({ files }: Garbage): number {
  let bytes = 0;
  for (const { path, modifiedMs, bytes: size } of files) {
    const aside = join(dirname(path), `.${crypto.randomUUID()}`);
    if (readInfo(path)?.mtime?.getTime() !== modifiedMs || !tryRename(path, aside)) continue;
    if (readInfo(aside)?.mtime?.getTime() !== modifiedMs) {
      // If it was written again meanwhile, that file has the same content.
      Deno.renameSync(aside, path);
      continue;
    }
    Deno.removeSync(aside);
    bytes += size;
  }
  return bytes;
}

/** False when another process was first, or when the file may not be removed, such as an immutable one. */
function tryRename(from: string, to: string): boolean {
  try {
    Deno.renameSync(from, to);
    return true;
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound || thrown instanceof Deno.errors.PermissionDenied) return false;
    throw thrown;
  }
}

/** A long run of hex digits may contain a digest at any position. */
function removeDigests(old: Map<string, BlobFile>, hex: string): void {
  for (let at = 0; at + 64 <= hex.length; at++) old.delete(hex.slice(at, at + 64));
}

/** Calls `see` for every text and blob of every table, from within SQLite: an error in it fails the statement. */
function scanDatabase(path: string, see: (text: string) => void): void {
  let db: DatabaseSync | null = null;
  try {
    const fault = findDatabaseFault(path);
    if (fault !== null) throw new Error(fault);
    db = openDatabase(path, { readOnly: true });
    const latin = new TextDecoder("latin1");
    db.function("nerve_see", (value) => {
      if (typeof value === "string") see(value);
      else if (value instanceof Uint8Array) see(latin.decode(value));
      return 0;
    });
    const tables = db.prepare("select name from sqlite_schema where type = 'table' and sql not like 'create virtual%'");
    for (const { name } of tables.all()) {
      const columns = db.prepare("select name from pragma_table_xinfo(?)").all(String(name));
      const seen = columns.map((column) => `sum(nerve_see(${quoteName(String(column.name))}))`).join(", ");
      if (columns.length > 0) db.prepare(`select ${seen} from ${quoteName(String(name))}`).get();
    }
  } catch (thrown) {
    const { message } = toStoreError(`the database ${path} cannot be read`, thrown);
    throw new NerveError("STORE_FAILED", message, {
      hint: "no blob was removed: this database may mention any; restore it, or move it away",
      cause: thrown,
    });
  } finally {
    db?.close();
  }
}

function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
