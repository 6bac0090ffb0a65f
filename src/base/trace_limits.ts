/** The limits of traces. limits.ts has all others. */
import { assert } from "./errors.ts";

/** Spans that wait to be sent; further ones are dropped and counted. */
export const spansWaitingMax = 4_096;
/** In one request. */
export const spansSentMax = 512;
/** How long the first span of a request waits for others. */
export const spansSendMs = 2_000;
/** How long a receiver has to answer, and what it is given when the daemon stops. */
export const spansAnswerMs = 10_000;
export const spansLastMs = 2_000;
/** After a receiver that does not answer, doubled each time. */
export const spansRetryMs = 5_000, spansRetryMaxMs = 60_000;
/** Runs, and rows of the log, of which is known to which trace they belong. */
export const tracesKnownMax = 10_000;

assert(spansSentMax < spansWaitingMax, "spans gather while others are sent");
