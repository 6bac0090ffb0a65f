/** The limits of access to the listener: tokens, sessions, links. limits.ts has all others. */
import { assert } from "./errors.ts";

const secondMs = 1_000, minuteMs = 60 * secondMs, dayMs = 24 * 60 * minuteMs;

export const tokensMax = 256;
/** Sessions of the dashboard; beyond them, the oldest one ends. */
export const sessionsMax = 64;
/** Ended tokens and sessions that are kept to explain why they are refused; the oldest are forgotten first. */
export const deadTokensMax = 256;
/** The lifetime of a token that is created without `--expires`. */
export const defaultTokenMs = 90 * dayMs;
export const tokenMaxMs = 3_650 * dayMs;
export const sessionMs = 7 * dayMs;
/** How long a one-time link of `nerve dashboard` is valid, and how many may be open. */
export const linkMs = 5 * minuteMs;
export const linksMax = 64;
/** How often, at most, the last use of a token is stored: each time costs a commit. */
export const tokenUseMs = minuteMs;
/** How often the requests and streams of expired tokens and sessions are ended. */
export const accessSweepMs = minuteMs;
/** Guesses at one token, session or link: a burst, then one per `guessEveryMs`. Further guesses are not checked. */
export const guessesMax = 10;
export const guessEveryMs = 10 * secondMs;
/** Attempts with unknown tokens, sessions and links, in total: beyond them the response asks the client to wait. */
export const strangersMax = 60;
export const strangersPerSecond = 1;

assert(tokenUseMs < sessionMs, "a session is used before it ends");
assert(defaultTokenMs < tokenMaxMs, "a token may live as long as it does by default");
