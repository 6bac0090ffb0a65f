/** Every limit of nerve, its unit last in its name. The relations between them are asserted when this file loads. */
import { assert } from "./errors.ts";

const KiB = 1024, MiB = 1024 ** 2, secondMs = 1_000, minuteMs = 60_000;

/** JSON of a signal's or a run's payload. */
export const payloadMaxBytes = 256 * KiB;
/** `content` of one message of a run. */
export const messageContentMaxBytes = 1 * MiB;
/** JSON of a message's `meta`. */
export const messageMetaMaxBytes = 256 * KiB;
/** `prompt` of a run. */
export const promptMaxBytes = 64 * KiB;
/** One line of the protocol between the kernel and a group's process, from the process to the kernel. */
export const protocolLineMaxBytes = 8 * MiB;
/** One line of the daemon's text log; longer ones are cut. */
export const logLineMaxBytes = 16 * KiB;
/** The daemon's text log: when it is this large a new one is begun, and so many older ones are kept. */
export const logFileMaxBytes = 10 * MiB;
export const logFilesKept = 5;
/** Body of a request to the control API. */
export const requestBodyMaxBytes = 1 * MiB;
export const configFileMaxBytes = 1 * MiB;
/** Values in nerve.yaml, what its aliases stand for counted each time, and how deep they may nest. */
export const configNodesMax = 200_000;
export const configDepthMax = 64;
/** How deep a payload or a message's meta may nest: whatever walks it recursively must not run out of stack. */
export const jsonDepthMax = 128;
/** Problems that one check of nerve.yaml reports; the rest is counted. */
export const problemsMax = 1_000;

export const groupsMax = 256;
export const sensesMax = 2_000;
export const workflowsMax = 256;
export const sseClientsMax = 64;
/** Events that wait for one subscriber; the oldest is dropped and counted when there are more. */
export const subscriberQueueMax = 1_024;
export const nameMaxChars = 64;

export const heartbeatMs = 5 * secondMs;
export const heartbeatMissesMax = 3;
/** Deaths of one process within `deathWindowMs` that quarantine it. */
export const deathsMax = 5;
export const deathWindowMs = 60 * secondMs;
export const backoffFirstMs = 100;
export const backoffMaxMs = 5 * secondMs;

/** A process ends when nothing has been due for this long and nothing is due within the same span. */
export const idleEndMs = 30 * secondMs;
/** A process is started this long before its next tick: it needs 60 to 80 ms until its sense is loaded, more when busy. */
export const prepareAheadMs = 150;
/** From the start of a process until it answers; a slower one counts as dead. */
export const processStartMaxMs = 20 * secondMs;
/** How long a process gets to close its databases when it is told to end; then it is killed. */
export const processEndMaxMs = 2 * secondMs;
export const memoryWatchMs = 250;
/** Open files of a process that its disk quota looks through each time; one with more is over it. */
export const quotaDescriptorsMax = 4_096;
/** A process that uses a whole core for this long while nothing is asked of it is told of, and must answer at once. */
export const idleBurnMs = 2 * secondMs;
/**
 * What one process may say without having been asked. Messages and bytes beyond it are read later: its socket and pipes fill up, and it waits, or
 * grows until it is ended. Rows of its log and lines of its output beyond it are dropped and counted.
 */
export const messagesPerSecondMax = 3_000;
/** A longer message counts as several: what it costs to read grows with it, up to 70 ms of the kernel a megabyte. */
export const messageUnitBytes = 2 * KiB;
export const messagesBurstMax = 2_000;
export const outputBytesPerSecondMax = 1 * MiB;
export const outputBytesBurstMax = 4 * MiB;
export const logRowsPerSecondMax = 100;
export const logRowsBurstMax = 1_000;
/** How long answers of the control API that are under way get when it stops; then nobody waits for them. */
export const controlStopMs = 2 * secondMs;
/** Connections to the control API, idle ones and event streams included; further ones are closed at once. */
export const controlConnectionsMax = 256;
/** How long a client may take to send a whole request, and to begin the next one on a connection that it keeps. */
export const requestMaxMs = 10 * secondMs;
/** How long a client may take to read what is ready for it; then it is cut. */
export const answerStallMs = 10 * secondMs;
/** A comment in each event stream this often, so that both ends notice when the other has gone. */
export const eventHeartbeatMs = 15 * secondMs;
/** Rows that an event stream reads of the log at a time. */
export const eventReplayRows = 500;

/** From the start of the daemon until its control API answers; a slower one counts as dead. */
export const daemonStartMaxMs = 30 * secondMs;
/** What `nerve stop` waits for the drain; then it kills. */
export const daemonStopMaxMs = 30 * secondMs;
/** How long a daemon whose workspace was taken away waits until it is there again, and how often it looks. */
export const workspaceAwayMaxMs = 30 * secondMs;
export const workspaceCheckMs = 200;
/** How long a command waits for the answer of a daemon that may hang. */
export const daemonAnswerMaxMs = 3 * secondMs;

/** The shortest interval of a reflex, and the shortest timeout of a compute. */
export const intervalMinMs = 10;
export const timeoutMinMs = 10;
export const retentionMinMs = 60 * minuteMs;
/** A process has 47 MB resident before it has loaded anything (measured on Deno 2.9.6). */
export const memoryMinBytes = 64 * MiB;
/** An empty SQLite database with its log takes some tens of kilobytes. */
export const diskMinBytes = 1 * MiB;
export const concurrencyMax = 1_000;
export const queueMax = 10_000;
export const maxRoundsMax = 1_000_000;

export const defaultTimeoutMs = 30 * secondMs;
export const defaultGracePeriodMs = 5 * secondMs;
export const defaultGroupMemoryBytes = 256 * MiB;
export const defaultMaxRounds = 100;
export const defaultMaxQueue = 100;
export const defaultConcurrency = 1;
export const defaultDrainTimeoutMs = 30 * secondMs;
export const defaultRetentionMs = 30 * 24 * 60 * minuteMs;
/** After a role's `signal` aborted, before its process is recycled. */
export const killGraceMs = 5 * secondMs;
/** What running roles get when the kernel stops. */
export const stopDrainMs = 10 * secondMs;
/** A role's name as a process reports it. */
export const roleNameMaxChars = 256;
/** Why a run ended, for a reader; longer ones are cut. */
export const reasonMaxChars = 4_000;
/** `run.refused` rows of one workflow within `refusalWindowMs`; more are only counted. */
export const refusalsLoggedMax = 20;
export const refusalWindowMs = minuteMs;
/** Deaths of a process at the same round of the same run that end the run as crashed. */
export const roundDeathsMax = 3;

/** Attempts that a role's retry may ask for, and the longest wait between two of them. */
export const roleAttemptsMax = 1_000;
export const retryWaitMaxMs = 24 * 60 * minuteMs;
export const defaultRetryBackoffMs = 1 * secondMs;
export const defaultRetryBackoffMaxMs = minuteMs;
/** The longest time limit that a role may ask for. */
export const roleTimeoutMaxMs = 7 * 24 * 60 * minuteMs;
/** Rounds that the moderator is asked about again when a run is resumed: the newest. */
export const rereadRoundsMax = 1_000;

/** From the last change of a file to the scan that reads it, and the longest that a stream of changes puts it off. */
export const watchQuietMs = 75;
export const watchBusyMaxMs = 500;
/** A nerve.yaml that takes something out must have stood unchanged for this long: half of a file is often a valid one. */
export const configSettleMs = 1 * secondMs;
/** Without any event a scan comes after so many times as long as it takes, within these bounds. */
export const watchScanShare = 200;
export const watchScanMinMs = 1 * secondMs;
export const watchScanMaxMs = 30 * secondMs;
/** What a scan of senses/, workflows/ and lib/ looks at. */
export const scanFilesMax = 50_000;
export const scanDepthMax = 32;
export const scanFileMaxBytes = 8 * MiB;
/** Processes in which new code is tried at the same time. */
export const concurrentTrialsMax = 2;
/** Changed senses and workflows without a process that are tried at once; of more, the next compute tells. */
export const idleTrialsMax = 8;

/** How long a statement waits for another program's lock on a database. */
export const databaseBusyMaxMs = 2 * secondMs;
/** How often the log's writer asks for that lock, off the event loop. */
export const lockRetryMs = 20;
/** From the start, and from midnight UTC, until the log is archived; and from a failure until it is tried again. */
export const archiveFirstMs = minuteMs;
export const archiveRetryMs = 60 * minuteMs;
export const preparedStatementsMax = 256;
/** Operations of one commit of the log; more are committed before the turn of the event loop ends. */
export const commitOperationsMax = 10_000;
/** Operations that wait while a commit is under way on the thread behind; further ones are lost, and counted. */
export const commitWaitingMax = 100_000;
/** After a commit of the log, rows that nobody waits for rest so many times as long as it took, within these bounds. */
export const commitPauseFactor = 4;
export const commitPauseMinMs = 5;
export const commitPauseMaxMs = 50;
/**
 * Commits are done on a thread of their own while the last two took longer than `commitSlowMs`, or one of the last held so
 * many operations: else the way there and back (0.1 to 0.5 ms) costs more than it spares.
 */
export const commitSlowMs = 1;
export const commitManyOperations = 256;
/** After so long without a batch that thread ends, and after a failure it is not started again for as long. */
export const commitThreadIdleMs = 30 * secondMs;
export const commitThreadRetryMs = minuteMs;

assert(heartbeatMs * heartbeatMissesMax < minuteMs, "a dead group must be found within a minute");
assert(payloadMaxBytes < requestBodyMaxBytes, "a payload must fit into a request");
assert(sseClientsMax < controlConnectionsMax, "event streams must leave room for requests");
assert(
  // JSON writes one byte of content as at most six (\u0001).
  messageContentMaxBytes * 6 + messageMetaMaxBytes < protocolLineMaxBytes,
  "a message must fit into a protocol line",
);
assert(prepareAheadMs < idleEndMs, "a process that was started ahead must not end before its tick");
assert(backoffFirstMs < backoffMaxMs && backoffMaxMs * deathsMax < deathWindowMs, "five deaths must fit in the window");
assert(logLineMaxBytes < logFileMaxBytes, "a line must fit into a log file");
assert(
  stopDrainMs + processEndMaxMs + controlStopMs < daemonStopMaxMs,
  "a stop in order must be over before it is cut short",
);
assert(memoryWatchMs * 3 < secondMs, "a group over its memory must be ended within a second");
