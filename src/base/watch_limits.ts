/** Limits of what watches the files of a workspace, beside limits.ts. */

const MiB = 1024 ** 2, secondMs = 1_000;

/** From the last change of a file to the scan that reads it, and the longest delay by a stream of changes. */
export const watchQuietMs = 75;
export const watchBusyMaxMs = 500;
/** A nerve.yaml that removes something applies only once unchanged for this long: half a file is often valid too. */
export const configSettleMs = 1 * secondMs;
/** Without any event, scans follow at this multiple of a scan's duration, within these bounds. */
export const watchScanShare = 200;
export const watchScanMinMs = 1 * secondMs;
export const watchScanMaxMs = 30 * secondMs;
/** What a scan of senses/, workflows/ and lib/ reads. */
export const scanFilesMax = 50_000;
export const scanDepthMax = 32;
export const scanFileMaxBytes = 8 * MiB;
