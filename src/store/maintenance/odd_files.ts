/**
 * Finds files that do not belong in a workspace's data, or must not be read as they seem: sandboxed code writes to
 * `data/blobs` and to its own database, and may leave anything there. Used by everything that reads all of the data.
 * I1. Nothing is opened.
 */
import { basename, join } from "node:path";
import { formatSize } from "../../base/duration.ts";
import { isMissing } from "../../base/if_present.ts";
import { type DataPaths, listEntries } from "./data_files.ts";

export interface OddFile {
  readonly path: string;
  /** Completes a sentence that begins with the path. */
  readonly why: string;
}

/** The endings of the files that SQLite opens with a database. */
const companions = ["", "-wal", "-shm", "-journal"];

/** Why a database must not be opened; null if it may. */
export function findDatabaseFault(path: string): string | null {
  for (const end of companions) {
    const info = inspect(path + end), why = info === null ? null : describeKind(info);
    if (why !== null) return end === "" ? why : `its file ${basename(path + end)} ${why}`;
  }
  return null;
}

/** What an entry is, if it is not an ordinary file. */
function describeKind(info: Deno.FileInfo): string | null {
  if (info.isFile) return null;
  if (info.isDirectory) return "is a folder";
  if (info.isSymlink) return "is a symbolic link";
  if (info.isFifo) return "is a named pipe";
  return info.isSocket ? "is a socket" : "is a device";
}

/** All odd entries, up to `oddMax`, in the place of a folder, a database, a blob or a day of the archive. */
export function listOddFiles(paths: DataPaths): OddFile[] {
  const found: OddFile[] = [], full = () => found.length >= oddMax;
  const note = (path: string, why: string | null) => {
    if (why !== null && !full()) found.push({ path, why });
  };
  const list = (folder: string): Deno.DirEntry[] => {
    const info = inspect(folder);
    if (info !== null && !info.isDirectory) note(folder, describeKind(info) ?? "is a file");
    else if (info !== null) note(folder, describeUnreadable(folder));
    return info?.isDirectory === true ? listEntries(folder) : [];
  };
  const check = (path: string) => {
    const info = inspect(path);
    if (info !== null) note(path, describeKind(info));
  };
  for (const { name } of list(paths.senseDatabases)) {
    if (/\.db(-wal|-shm|-journal)?$/.test(name)) check(join(paths.senseDatabases, name));
  }
  for (const { name } of list(paths.archive)) if (name.endsWith(".jsonl")) check(join(paths.archive, name));
  for (const { name, isDirectory, isFile } of list(paths.blobs)) {
    const path = join(paths.blobs, name);
    if (!isDirectory) {
      if (!isFile) check(path);
      continue;
    }
    for (const entry of list(path)) if (!entry.isFile) check(join(path, entry.name));
    if (full()) break;
  }
  return found;
}

/** Further ones are not reported: there may be any number. */
const oddMax = 1_000;

function describeUnreadable(folder: string): string | null {
  try {
    // Deno asks the system only when the first entry is read.
    for (const _ of Deno.readDirSync(folder)) break;
    return null;
  } catch (thrown) {
    if (thrown instanceof Deno.errors.PermissionDenied) return "cannot be read by this user";
    throw thrown;
  }
}

function inspect(path: string): Deno.FileInfo | null {
  try {
    return Deno.lstatSync(path);
  } catch (thrown) {
    if (isMissing(thrown) || thrown instanceof Deno.errors.PermissionDenied) return null;
    throw thrown;
  }
}

const blockBytes = 512, hollowMinBytes = 16 * 1024 ** 2, hollowShare = 20;

/** Whether nearly all of a file is a hole: it claims far more bytes than it takes, and costs time to read. */
export function isHollow({ size, blocks }: Deno.FileInfo): boolean {
  return blocks !== null && size > hollowMinBytes && blocks * blockBytes * hollowShare < size;
}

/**
 * Limits how many bytes of hollow files one command reads. A few may be real, such as well compressed files on a disk
 * that compresses; a sparse file of a terabyte must not stop a backup for hours.
 */
export class HollowBudget {
  #left: number;

  constructor(bytes: number = 8 * 1024 ** 3) {
    this.#left = bytes;
  }

  /** Why the file is not read; null if it may be. */
  refuse(path: string): string | null {
    const info = inspect(path);
    if (info === null || !isHollow(info)) return null;
    const why = `is hollow: it claims ${formatSize(info.size)} and takes ${
      formatSize((info.blocks ?? 0) * blockBytes)
    }`;
    if (info.size > this.#left) return why;
    this.#left -= info.size;
    return null;
  }
}
