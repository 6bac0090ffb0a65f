/** Recognizes the errors of SQLite and of the system that mean a full disk. */
import { messageOf } from "../../base/errors.ts";

export function isDiskFull(thrown: unknown): boolean {
  return /disk is full|ENOSPC|No space left/i.test(messageOf(thrown));
}

/**
 * Like `isDiskFull`, for the opening of a database: without space for the file that its connections share, SQLite
 * reports a failing disk, and Deno does not report the kind of failure. Behind Landlock that file is made before the
 * database is opened (sandbox/own_files.ts); if that failed, the database can only be read.
 */
export function mayBeDiskFull(thrown: unknown): boolean {
  return isDiskFull(thrown) || /disk I\/O error|attempt to write a readonly database/.test(messageOf(thrown));
}
