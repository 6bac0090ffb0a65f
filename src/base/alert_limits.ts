/** The limits of alerts and of the expressions of nerve.yaml. limits.ts has all others. */
import { assert } from "./errors.ts";

const secondMs = 1_000, minuteMs = 60_000;

/** An expression of nerve.yaml (cel.ts): its characters, and the nodes of its syntax tree. */
export const celMaxChars = 2_000;
export const celNodesMax = 500;
/** How long one evaluation may take: it blocks everything else. Most take microseconds. */
export const celEvaluateMaxMs = 1 * secondMs;

export const alertsMax = 2_000;
/** States of one alert, one for each value of its `key`; signals with further values are only counted. */
export const alertKeysMax = 1_000;
/** Characters of such a value; a longer one is an error. */
export const alertKeyMaxChars = 256;
/** The summary of an alert; a longer one is cut. */
export const alertSummaryMaxChars = 1_000;
export const alertCommentMaxChars = 1_000;
export const alertByMaxChars = 100;
/** Silences of one alert, and the longest. */
export const alertSilencesMax = 100;
export const alertSilenceMaxMs = 366 * 24 * 60 * minuteMs;
/** States of each alert that a list shows. */
export const alertStatesShown = 20;
/**
 * After the daemon starts, no timer except that of `absent` changes an alert for this long: a signal may overrule it.
 */
export const alertSettleMs = 10 * secondMs;
/** How often the position up to which alerts have processed signals is stored, when no change stores it. */
export const alertStoreMs = 5 * secondMs;
/** From a failed start of an alert's workflow to the next try. */
export const alertRetryMs = 5 * secondMs;
/** The shortest `absent` and `repeat`. */
export const alertWaitMinMs = 1 * secondMs;
/** Starts of an alert's workflow, when it has no `limit`. */
export const defaultAlertLimit = 60;
export const defaultAlertLimitMs = 60 * minuteMs;
export const alertLimitMax = 100_000;
/** Distinct faults of one alert that are reported; further ones are only counted. */
export const alertFaultsTold = 20;

assert(alertStoreMs < alertSettleMs, "a place is stored before a timer acts on it");
