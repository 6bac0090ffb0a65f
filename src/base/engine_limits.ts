/** The limits of distributed engines. limits.ts has all others. */
import { assert } from "./errors.ts";

export const enginesMax = 8;
/** How long the engine's server may take to answer. */
export const engineAnswerMs = 10_000;
/** The same for a part of a run's journal: with a journal of 100 MB, on a busy machine, it took 16 s. */
export const engineJournalMs = 60_000;
/** How often the server is asked for its daemons; after how many missed answers another daemon's work is taken over. */
export const engineLookMs = 2_000, engineMissesMax = 3;
/** How long another daemon may take to answer a probe. */
export const engineProbeMs = 1_000;
/** The number of parts by which runs are spread over the daemons. */
export const engineParts = 12;
/** How often waits are checked while another daemon works on some of the runs. */
export const elsewhereLookMs = 1_000;
/** Runs of other daemons that are remembered as read from their journals. */
export const engineFollowedMax = 100_000;
/** How long a daemon may take to answer a request that another one passes on. */
export const enginePassMs = 5_000;
/** How long the server keeps a run and its messages after its end: another daemon may be away for this long. */
export const engineKeptMs = 30 * 24 * 3_600_000;
/** How often the time up to which other daemons' runs were read is stored, and the same refusal is reported again. */
export const engineNotedMs = 60_000;
/** How long a start with an id from its caller waits for the server to report which daemon owns that id. */
export const engineClaimMs = 2_000;
/** The oldest version of the server that this nerve was tested with. */
export const restateVersionMin = "1.7.0";

assert(engineProbeMs < engineLookMs, "a daemon that does not answer must not delay the next look");
