/** Limits of databases that one process writes and others read, in milliseconds and bytes. limits.ts has all others. */
import { assert } from "./errors.ts";
import { databaseBusyMaxMs } from "./limits.ts";

/**
 * Disk space reserved for the log, how much is released at a time, and when it is refilled: after the start, then every
 * minute.
 */
export const reserveBytes = 8 * 1024 ** 2;
export const reserveSliceBytes = 1024 ** 2;
export const reserveFirstMs = 1_000;
export const reserveCheckMs = 60_000;
/** The largest database of a sense that is copied into memory when the disk is full. */
export const memoryCopyMaxBytes = 32 * 1024 ** 2;
/**
 * How long a query of another sense's database may take, since that sense cannot empty its -wal file meanwhile; then
 * the querying process is ended. The shim checks this often while its worker reads one.
 */
export const peerReadMaxMs = 10_000;
export const peerReadLookMs = 500;
/** How often a reader checks the files of a database that another process writes. */
export const sharedLookMs = 50;
/**
 * While the -wal file of that database is larger and was written within this time, readers wait, and eventually give
 * up.
 */
export const walReadersMaxBytes = 64 * 1024 ** 2;
export const walGrowingMs = 5_000;
export const sharedWaitMs = 10;
export const sharedWaitMaxMs = 2_000;
/** The size to which SQLite truncates a -wal file when it restarts it: about what it writes between restarts. */
export const walKeptMaxBytes = 4 * 1024 ** 2;
/** How often the process of a sense checks whether its -wal file is larger than that, and empties it. */
export const walTidyMs = 1_000;
/**
 * A -wal file does not count in a disk quota while another process reads it, and for this long after, up to this size.
 */
export const walExcusedMs = 5_000;
export const walExcusedMaxBytes = 512 * 1024 ** 2;
/**
 * What `nerve sense query` reads before it writes the first row, and how long a larger result may take to be consumed.
 */
export const queryAheadMaxRows = 20_000;
export const queryAheadMaxBytes = 16 * 1024 ** 2;
export const queryHeldMaxMs = 30_000;

assert(walTidyMs * 3 < walExcusedMs, "a process must have the time to empty its -wal file before it counts");
assert(walReadersMaxBytes < walExcusedMaxBytes, "readers must stop before what they cause counts");
assert(walKeptMaxBytes < walReadersMaxBytes, "readers must not wait for a -wal file that stays as it is");
assert(sharedWaitMaxMs <= databaseBusyMaxMs, "a reader must not wait for longer than a writer");
