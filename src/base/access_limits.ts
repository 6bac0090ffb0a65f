/** The limits of who may use the listener: tokens, sessions, links. limits.ts has all others. */
import { assert } from "./errors.ts";

const secondMs = 1_000, minuteMs = 60 * secondMs, dayMs = 24 * 60 * minuteMs;

export const tokensMax = 256;
/** Sessions of the dashboard; beyond them, the oldest one ends. */
export const sessionsMax = 64;
/** Tokens and sessions that are over, kept to say why they are refused; the oldest are forgotten first. */
export const deadTokensMax = 256;
/** Of a token that is made without `--expires`. */
export const defaultTokenMs = 90 * dayMs;
export const tokenMaxMs = 3_650 * dayMs;
export const sessionMs = 7 * dayMs;
/** How long a one-time link of `nerve dashboard` opens a session, and how many may be open. */
export const linkMs = 5 * minuteMs;
export const linksMax = 64;
/** The last use of a token is written at most so often: each time is a commit. */
export const tokenUseMs = minuteMs;
/** How often requests and streams of what has expired are ended. */
export const accessSweepMs = minuteMs;
/** Guesses at one token, session or link: so many at once, then one each `guessEveryMs`. Further ones are not looked at. */
export const guessesMax = 10;
export const guessEveryMs = 10 * secondMs;
/** Unknown tokens, sessions and links in all: beyond them the answer asks to wait. */
export const strangersMax = 60;
export const strangersPerSecond = 1;

assert(tokenUseMs < sessionMs, "a session is used before it ends");
assert(defaultTokenMs < tokenMaxMs, "a token may live as long as it does by default");
