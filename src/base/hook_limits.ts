/** The limits of hooks and of the listener. limits.ts has all others. */
import { assert } from "./errors.ts";
import { requestBodyMaxBytes } from "./limits.ts";

const secondMs = 1_000, minuteMs = 60_000;

export const hooksMax = 256;
/** The largest body of a delivery; `max_body` may ask for less. */
export const hookBodyMaxBytes = requestBodyMaxBytes;
/** Deliveries of a hook that its senses have not processed yet. */
export const defaultHookBacklog = 10_000;
export const hookBacklogMax = 100_000;
/** How long a delivery's key is remembered, and how many keys in total; the oldest are dropped first. */
export const hookKeysKeepMs = 7 * 24 * 60 * minuteMs;
export const hookKeysMax = 1_000_000;
/** How often old keys are removed, and how many in one step, which blocks other writes. */
export const hookKeysCheckMs = minuteMs;
export const hookKeysStep = 1_000;
export const hookKeyMaxChars = 512;
/** The maximum age of a delivery whose signature covers its time. */
export const hookAgeMaxMs = 5 * minuteMs;
export const hookSecretsMax = 4;
/** The criteria by which two deliveries count as the same. */
export const hookDedupMax = 4;
export const hookHeadersMaxBytes = 16 * 1024;
/** The rate limit of a hook without `rate`. */
export const defaultHookRate = 10_000, defaultHookRateMs = 1 * secondMs;
export const hookRateMax = 1_000_000;
/** The `retry-after` that a sender gets while the backlog is full or the log cannot be written. */
export const hookRetryAfterMs = 10 * secondMs;

/** Host names that `listen` may add. */
export const listenHostsMax = 64;
/** Connections of the listener. Beyond them, the one that has waited longest for a request is closed. */
export const listenConnectionsMax = 256;
export const listenConnectionsShare = 1 / 4;
/** How long a client may keep sending a refused body before it gets the response and loses the connection. */
export const refusedBodyMs = 1 * secondMs;
/** From a failed try to listen to the next one. */
export const listenRetryMs = 5 * secondMs;

assert(hookAgeMaxMs < hookKeysKeepMs, "a delivery is too old before its key is forgotten");
