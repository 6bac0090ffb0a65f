/**
 * Makes the files that a unit's process needs before Landlock restricts it. A Landlock rule belongs to a file, not to
 * its name, and no unit may make files in the folder of all databases: so each database, and the two files that SQLite
 * keeps beside it, are made here, and stay when it is closed. Called by shim.ts, with every permission and before any
 * user code.
 * I1. No journal is rolled back here: it may be a trap, because a rollback removes the file that the journal names.
 * I2. What cannot be made is left to the worker, which meets the same fault and reports it.
 */
import { isMissing } from "../base/if_present.ts";
import { makePrivateFolder } from "../base/make_folder.ts";
import { inNoFollow } from "../base/open_no_follow.ts";
import type { ProcessSpec } from "../protocol/message.ts";

/** `granted`: the paths that the unit may write; null for a trial, which makes nothing. */
export async function makeOwnFiles({ senses, blobs }: ProcessSpec, granted: readonly string[] | null): Promise<void> {
  if (granted === null) return;
  tryTo(() => makePrivateFolder(blobs));
  for (const path of granted) makeGranted(path);
  for (const { database } of senses) await completeDatabase(database);
}

/**
 * Makes a folder, or a file if the name looks like one, but only where the parent exists. Makes nothing in /dev, /proc
 * or /sys, and no socket: it would stand in the way of a device that is plugged in later, or of the socket itself.
 */
function makeGranted(path: string): void {
  if (exists(path) || /^\/(?:dev|proc|sys)\/|\.sock(?:et)?$/.test(path)) return;
  const isFile = /[^/]\.[^./]+$/.test(path);
  const make = (at: string) => isFile ? Deno.openSync(at, { createNew: true, ...ownFile }).close() : Deno.mkdirSync(at);
  // A program of another unit may put a link in the way.
  const { folder, name } = splitPath(path);
  tryTo(() => inNoFollow(folder, (at) => make(`${at}/${name}`)));
}

const header = 20, walAt = [18, 19], walFormat = 2;

/** Whether the database exists and is in WAL mode, where the last process to close it removes the files beside it. */
function isInWalMode(database: string): boolean {
  const bytes = new Uint8Array(header);
  try {
    using file = Deno.openSync(database);
    return file.readSync(bytes) === header && walAt.every((at) => bytes[at] === walFormat);
  } catch {
    // I2.
    return false;
  }
}

async function completeDatabase(database: string): Promise<void> {
  // I1.
  if (database === ":memory:" || exists(`${database}-journal`)) return;
  if (!isInWalMode(database) && !await makeDatabase(database)) return;
  // Empty files are as good as SQLite's own: it fills them when it opens the database.
  for (const end of ["-wal", "-shm"]) if (!exists(`${database}${end}`)) tryTo(() => makeFile(`${database}${end}`));
}

/** False when the database could not be made, or set to WAL mode. */
async function makeDatabase(database: string): Promise<boolean> {
  // Loaded only here: otherwise it would cost every start 6 ms.
  const { DatabaseSync } = await import("node:sqlite");
  tryTo(() => {
    makePrivateFolder(splitPath(database).folder);
    makeFile(database);
    const db = new DatabaseSync(database);
    // A power cut leaves the file empty as before, or with its one page. With syncs, a group of 2,000 would wait for
    // 10,000 writes.
    if (Deno.statSync(database).size === 0) db.exec("pragma synchronous = off");
    db.exec("pragma journal_mode = wal");
    db.close();
  });
  return isInWalMode(database);
}

const ownFile = { write: true, mode: 0o600 };

function makeFile(path: string): void {
  Deno.openSync(path, { create: true, ...ownFile }).close();
}

/** Splits an absolute path that has no slash at its end. */
function splitPath(path: string): { readonly folder: string; readonly name: string } {
  const at = path.lastIndexOf("/");
  return { folder: path.slice(0, at), name: path.slice(at + 1) };
}

function exists(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch (thrown) {
    return !isMissing(thrown);
  }
}

function tryTo(make: () => void): void {
  try {
    make();
  } catch {
    // I2.
  }
}
