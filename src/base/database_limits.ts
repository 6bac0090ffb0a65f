/** Limits of databases that one process writes and others read, in milliseconds and bytes; all other limits: limits.ts. */
import { assert } from "./errors.ts";
import { databaseBusyMaxMs } from "./limits.ts";

/** Space on the disk that is kept for the log, how much of it is given at a time, and when it is filled: after the start, then every minute. */
export const reserveBytes = 8 * 1024 ** 2;
export const reserveSliceBytes = 1024 ** 2;
export const reserveFirstMs = 1_000;
export const reserveCheckMs = 60_000;
/** The largest database of a sense that is copied into memory when the disk is full. */
export const memoryCopyMaxBytes = 32 * 1024 ** 2;
/**
 * How long one query of another sense's database may take, in which that sense cannot empty its -wal file: then the process
 * that asked is ended. The shim looks this often while its worker reads any.
 */
export const peerReadMaxMs = 10_000;
export const peerReadLookMs = 500;
/** How often a reader looks at the files of a database that another process writes. */
export const sharedLookMs = 50;
/** While that database's -wal file is larger, and was written within this time, readers wait, and give up in the end. */
export const walReadersMaxBytes = 64 * 1024 ** 2;
export const walGrowingMs = 5_000;
export const sharedWaitMs = 10;
export const sharedWaitMaxMs = 2_000;
/** What stays of a -wal file when SQLite starts it anew: about what it writes before it does so. */
export const walKeptMaxBytes = 4 * 1024 ** 2;
/** How often the process of a sense looks whether its -wal file is larger than that, and empties it. */
export const walTidyMs = 1_000;
/** A -wal file does not count in a disk quota while another process reads it, and for so long after; up to so many bytes. */
export const walExcusedMs = 5_000;
export const walExcusedMaxBytes = 512 * 1024 ** 2;
/** What `nerve sense query` reads before it writes the first row, and for how long an answer that is larger may be taken. */
export const queryAheadMaxRows = 20_000;
export const queryAheadMaxBytes = 16 * 1024 ** 2;
export const queryHeldMaxMs = 30_000;

assert(walTidyMs * 3 < walExcusedMs, "a process must have the time to empty its -wal file before it counts");
assert(walReadersMaxBytes < walExcusedMaxBytes, "readers must stop before what they cause counts");
assert(walKeptMaxBytes < walReadersMaxBytes, "readers must not wait for a -wal file that stays as it is");
assert(sharedWaitMaxMs <= databaseBusyMaxMs, "a reader must not wait for longer than a writer");
