/** Recognizes the errors of SQLite and of the system that mean a full disk. */
import { messageOf } from "../../base/errors.ts";

export function isDiskFull(thrown: unknown): boolean {
  return /disk is full|ENOSPC|No space left/i.test(messageOf(thrown));
}

/**
 * The same where a database was opened: without space for the file that its connections share, SQLite reports a failing
 * disk, and Deno does not tell which kind of failure it is. Behind Landlock that file is made before the database is
 * opened (sandbox/own_files.ts); where it could not be made, the database can only be read.
 */
export function mayBeDiskFull(thrown: unknown): boolean {
  return isDiskFull(thrown) || /disk I\/O error|attempt to write a readonly database/.test(messageOf(thrown));
}
