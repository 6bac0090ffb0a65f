/** The limits of watching files. limits.ts has all others. */

const MiB = 1024 ** 2, secondMs = 1_000;

/** From the last change of a file to the scan that reads it, and the longest delay under a stream of changes. */
export const watchQuietMs = 75;
export const watchBusyMaxMs = 500;
/** A nerve.yaml that removes something applies only once unchanged for this long: half a file is often valid too. */
export const configSettleMs = 1 * secondMs;
/** Without events, scans repeat after this multiple of a scan's duration, within these bounds. */
export const watchScanShare = 200;
export const watchScanMinMs = 1 * secondMs;
export const watchScanMaxMs = 30 * secondMs;
/** Limits of a scan of senses/, workflows/ and lib/. */
export const scanFilesMax = 50_000;
export const scanDepthMax = 32;
export const scanFileMaxBytes = 8 * MiB;

/**
 * Reflexes that watch paths: from the last change to the compute, by default, and the longest such delay in nerve.yaml.
 */
export const defaultDebounceMs = 500;
export const debounceMaxMs = 60 * secondMs;
/** Paths and globs of one reflex. */
export const watchPatternsMax = 100;
export const watchBusyShare = 10;
export const watchBusyMinMs = 5 * secondMs;
/** Without events, watches scan at least this often, whatever it costs. */
export const watchLookMaxMs = 60 * secondMs;
/**
 * Paths that one watch, and all watches of a workspace, remember; folders of a watch from which the system reports
 * events.
 */
export const watchedPathsMax = 50_000;
export const watchedPathsTotalMax = 100_000;
export const watchedFoldersMax = 1_000;
/** How many changed paths a compute gets, and how many a log row names. */
export const changedPathsMax = 1_000;
export const changedPathsMaxChars = 256 * 1024;
export const changedPathsLoggedMax = 20;
/** File times lag behind the clock by a tick of the system, and are this much coarser on some file systems. */
export const fileTickMs = 10;
export const fileTimeSlackMs = 2 * secondMs;
