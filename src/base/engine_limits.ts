/** The limits of distributed engines. limits.ts has all others. */
import { assert } from "./errors.ts";

export const enginesMax = 8;
/** How long an answer of the server of an engine may take. */
export const engineAnswerMs = 10_000;
/** The same, of a part of the journal of a run: of one of 100 MB, on a busy machine, it took 16 s. */
export const engineJournalMs = 60_000;
/** How often the server is asked who serves it, and how often another daemon must not answer before its work is taken over. */
export const engineLookMs = 2_000, engineMissesMax = 3;
/** How long another daemon may take to say that it is there. */
export const engineProbeMs = 1_000;
/** Runs are spread over the daemons in so many parts. */
export const engineParts = 12;
/** How often waits are looked at while others are at another daemon. */
export const elsewhereLookMs = 1_000;
/** Runs of other daemons whose journals were read, and of which that is remembered. */
export const engineFollowedMax = 100_000;
/** How long a daemon may take to answer what another one passes on. */
export const enginePassMs = 5_000;
/** How long the server keeps a run after its end, with what it said: so long another daemon may be away. */
export const engineKeptMs = 30 * 24 * 3_600_000;
/** How often is stored up to when the runs of other daemons were looked at, and the same refusal is reported. */
export const engineNotedMs = 60_000;
/** How long a start with an id of its caller waits for the server to say whose it is. */
export const engineClaimMs = 2_000;
/** The server's oldest version that this nerve was tried with. */
export const restateVersionMin = "1.7.0";

assert(engineProbeMs < engineLookMs, "a daemon that does not answer must not delay the next look");
