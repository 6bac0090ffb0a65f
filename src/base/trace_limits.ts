/** The limits of traces. limits.ts has all others. */
import { assert } from "./errors.ts";

/** Spans that wait to be sent; further ones are dropped and counted. */
export const spansWaitingMax = 4_096;
/** Spans in one request. */
export const spansSentMax = 512;
/** How long the first span of a request waits for others. */
export const spansSendMs = 2_000;
/** How long a receiver may take to answer, usually and when the daemon stops. */
export const spansAnswerMs = 10_000;
export const spansLastMs = 2_000;
/** The wait after a receiver did not answer; it doubles each time. */
export const spansRetryMs = 5_000, spansRetryMaxMs = 60_000;
/** Runs and log rows whose traces are remembered. */
export const tracesKnownMax = 10_000;

assert(spansSentMax < spansWaitingMax, "spans gather while others are sent");
