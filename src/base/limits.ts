/** Every limit of nerve, with its unit at the end of its name. Their relations are asserted when this file loads. */
import { assert } from "./errors.ts";

const KiB = 1024, MiB = 1024 ** 2, secondMs = 1_000, minuteMs = 60_000;

/** The payload of a signal or a run, as JSON. */
export const payloadMaxBytes = 256 * KiB;
/** The `content` of one message. */
export const messageContentMaxBytes = 1 * MiB;
/** The `meta` of one message, as JSON. */
export const messageMetaMaxBytes = 256 * KiB;
/** The `prompt` of a run. */
export const promptMaxBytes = 64 * KiB;
/** One protocol line from a unit's process to the kernel. */
export const protocolLineMaxBytes = 8 * MiB;
/** One line of the daemon's text log; longer lines are cut. */
export const logLineMaxBytes = 16 * KiB;
/** The daemon's text log rotates at this size and keeps this many older files. */
export const logFileMaxBytes = 10 * MiB;
export const logFilesKept = 5;
/** The body of a request to the control API. */
export const requestBodyMaxBytes = 1 * MiB;
/** Runs of one workflow that are planned for later. */
export const plannedStartsMax = 10_000;
/** Runs that one request starts. */
export const startRunsMax = 1_000;
export const configFileMaxBytes = 1 * MiB;
/** `env_file`: less than the system allows for one variable of a process. */
export const envFileMaxBytes = 64 * KiB;
/** Values in nerve.yaml (each use of an alias counts all values it stands for), and their nesting depth. */
export const configNodesMax = 200_000;
export const configDepthMax = 64;
/** Nesting depth of a payload or a message's meta: recursive code must not run out of stack. */
export const jsonDepthMax = 128;
/** Problems that one check of nerve.yaml reports; it only counts the rest. */
export const diagnosticsMax = 1_000;

/** The signals that one compute of a listening sense gets: their number and bytes of JSON; always at least one. */
export const heardSignalsMax = 1_000;
export const heardBytesMax = 1 * MiB;

export const groupsMax = 256;
export const sensesMax = 2_000;
export const workflowsMax = 256, scheduleLinesMax = 100;
export const sseClientsMax = 64;
/** Events queued for one subscriber; beyond it the oldest is dropped and counted. */
export const subscriberQueueMax = 1_024;
/** The same in bytes of JSON; a single event may be larger. */
export const subscriberQueueMaxBytes = 8 * MiB;
export const nameMaxChars = 64;

export const heartbeatMs = 5 * secondMs;
export const heartbeatMissesMax = 3;
/** An idle process is pinged less often, until it misses one answer. */
export const heartbeatIdleMs = 30 * secondMs;
/** This many deaths of one process within `deathWindowMs` quarantine it. */
export const deathsMax = 5;
export const deathWindowMs = 60 * secondMs;
/** So do this many within `slowDeathWindowMs`, or `idleDeathsMax` deaths in a row without finished work. */
export const slowDeathsMax = 10;
export const idleDeathsMax = 6;
export const slowDeathWindowMs = 10 * minuteMs;
export const backoffFirstMs = 100, backoffMaxMs = 5 * secondMs;
export const typeCheckMaxMs = 5 * minuteMs;

/** A process ends after it was idle for this long, if nothing is due within the same span. */
export const idleEndMs = 30 * secondMs;
/** A process starts this long before its next tick: loading its sense takes 60 to 80 ms, more on a busy machine. */
export const prepareAheadMs = 150;
/** From the start of a process to its first answer; a slower one counts as dead. A starved machine takes over 20 s. */
export const processStartMaxMs = 45 * secondMs;
/** Processes that start at the same time: each keeps a core busy for 40 to 80 ms. Others wait as they are due. */
export const processStartsMax = Math.min(16, Math.max(2, navigator.hardwareConcurrency));
/** A start that takes longer waits for something other than a core, and no longer delays the others. */
export const startSlotMaxMs = 10 * secondMs;
/** Senses of one process that load at a time, and that first compute at a time. Others wait as they are due. */
export const loadsMax = 8;
export const firstComputesMax = 64;
/** The time a process has to close its databases after `end`; then it is killed. */
export const processEndMaxMs = 2 * secondMs;
/**
 * How long to wait for programs to end after SIGKILL, also at the start of the kernel for those that an earlier one
 * left behind. Survivors are reported, and not started again.
 */
export const programEndMaxMs = 2 * secondMs;
/** How often to check whether a program that could not be ended has ended. */
export const stuckCheckMs = 1 * secondMs;
export const memoryWatchMs = 250;
/** The same for a process without work that uses no processor time. */
export const memoryWatchIdleMs = 1 * secondMs;
/** How long a request that shows the memory of processes waits for current values; then it shows older ones. */
export const memoryShownMaxMs = 100;
/** Open files of a process that one disk quota check reads; a process with more is over its quota. */
export const quotaDescriptorsMax = 4_096;
/** Processor time that a process may use without work; then it is reported and must answer a ping at once. */
export const idleBurnMs = 2 * secondMs;
/**
 * What one process may send unrequested. Messages and bytes beyond it are read later: the socket and pipes fill up, and
 * the process waits, or grows until it is killed. Log rows and output lines beyond it are dropped and counted.
 */
export const messagesPerSecondMax = 3_000;
/** A longer message counts as several: the cost of reading it grows with its size, up to 70 ms per megabyte. */
export const messageUnitBytes = 2 * KiB;
export const messagesBurstMax = 2_000;
export const outputBytesPerSecondMax = 1 * MiB;
export const outputBytesBurstMax = 4 * MiB;
export const logRowsPerSecondMax = 100;
export const logRowsBurstMax = 1_000;
/** What one unit may log, signals included. The burst allows over 5,000 small signals a second for a minute. */
export const logBytesPerSecondMax = 512 * KiB;
export const logBytesBurstMax = 64 * MiB;
/** How long pending responses of the control API may take when it stops; then they are abandoned. */
export const controlStopMs = 2 * secondMs;
/** Connections to the control API, including idle ones and event streams; further ones are closed at once. */
export const controlConnectionsMax = 256;
/** The share of the daemon's file descriptors that they may take: with none left, Deno cannot start a thread. */
export const controlConnectionsShare = 1 / 4;
/** How long a client may take to send a whole request, and to start the next one on a kept connection. */
export const requestMaxMs = 10 * secondMs;
/** How long a client may take to read pending data; then its connection is closed. */
export const answerStallMs = 10 * secondMs;
/** Each event stream gets a comment this often, so that both ends notice a lost connection. */
export const eventHeartbeatMs = 15 * secondMs;
/** About how many bytes of JSON one query of the log or of messages returns; always at least one row. */
export const pageMaxBytes = 16 * MiB;
/** Log rows that an event stream reads at a time, and about how many bytes of them. */
export const eventReplayRows = 500;
export const eventReplayBytes = 256 * KiB;
/** Concurrent reads of the reading thread, each with a few pages in memory; and how many others may wait. */
export const readsActiveMax = 4;
export const readsWaitingMax = 256;
/** How long one read of the log may take; then it fails, and the error asks the client to narrow it. */
export const readMaxMs = 30 * secondMs;
/** A reading thread that was asked to end a read and stays silent for this long is given up. */
export const readThreadSilentMs = 5 * secondMs;
/** The reading thread ends after this long without a read. */
export const readThreadIdleMs = 30 * secondMs;

/** From the start of the daemon to the first answer of its control API; a slower one counts as dead. */
export const daemonStartMaxMs = minuteMs;
/**
 * How often the kernel sends a heartbeat to its supervisor, and after how many misses the supervisor reports it and
 * kills it: far more than any query or commit takes.
 */
export const kernelBeatMs = 5 * secondMs;
export const kernelBeatMissesTold = 3;
export const kernelBeatMissesMax = 12;
/** How long `nerve stop` waits for the drain; then it kills the daemon. */
export const daemonStopMaxMs = 30 * secondMs;
/** How long a daemon waits for its missing workspace to return, and how often it checks. */
export const workspaceAwayMaxMs = 30 * secondMs;
export const workspaceCheckMs = 200;
/** How often the kernel checks that its control socket is still there. */
export const socketCheckMs = 1 * secondMs;
/** How often the kernel checks that the -wal file of its log is still there. */
export const walCheckMs = 500;
/** How often, at most, a compute is preceded by a check that its database and granted paths are the same files. */
export const databaseCheckMs = 1 * secondMs, grantCheckMs = 100;
/** How long a command waits for a daemon that may hang. */
export const daemonAnswerMaxMs = 3 * secondMs;

/** How often the wall clock is compared with the monotonic one, and the difference that counts as a change. */
export const wallCheckMs = 1 * secondMs;
export const wallStepMinMs = 1 * secondMs;
/**
 * A wall clock that was set back by up to this was corrected: cron lines with fixed times do not run a second time. If
 * it was set back by more, it was wrong before, and the new time counts at once (cron(8)).
 */
export const wallCorrectionMaxMs = 3 * 60 * minuteMs;
/**
 * Ticks of senses are stored together, at most this often. Ticks of intervals under `tickStoreShortMs` wait for others,
 * or for that long: a restart takes about as long as their interval.
 */
export const tickStoreMs = 1 * secondMs;
export const tickStoreShortMs = 10 * secondMs;

/** The shortest interval of a reflex, and the shortest timeout of a compute. */
export const intervalMinMs = 10;
export const timeoutMinMs = 10;
export const retentionMinMs = 60 * minuteMs;
/** A process has 47 MB resident before it loads anything (measured, Deno 2.9.6). */
export const memoryMinBytes = 64 * MiB;
/** An empty SQLite database with its write-ahead log takes some tens of kilobytes. */
export const diskMinBytes = 1 * MiB;
/** A warning is issued for a run when its messages reach this part of `max_thread`. */
export const threadWarnedAt = 0.8;
/** The smallest `max_thread`: one message fits. */
export const threadMinBytes = 2 * MiB;
export const concurrencyMax = 1_000;
export const queueMax = 10_000;
export const maxRoundsMax = 1_000_000;

export const defaultTimeoutMs = 30 * secondMs;
export const defaultGracePeriodMs = 5 * secondMs;
export const defaultGroupMemoryBytes = 256 * MiB;
export const defaultMaxRounds = 100;
export const defaultMaxQueue = 100;
export const defaultConcurrency = 1;
export const defaultMaxThreadBytes = 128 * MiB;
export const defaultDrainTimeoutMs = 30 * secondMs;
/** How long prompts may take when the kernel stops, unless `drain_timeout` is longer than its default. */
export const promptDrainMaxMs = 15 * secondMs;
export const defaultRetentionMs = 30 * 24 * 60 * minuteMs;
/** From the abort of a role's `signal` to the recycling of its process. */
export const killGraceMs = 5 * secondMs;
/** How long running roles may take when the kernel stops. */
export const stopDrainMs = 10 * secondMs;
/** A role's name as a process reports it. */
export const roleNameMaxChars = 256;
/** The reason why a run ended; longer texts are cut. */
export const reasonMaxChars = 4_000, silenceMaxChars = 200;
/** `run.refused` rows of one workflow within `rejectionWindowMs`; further ones are only counted. */
export const rejectionsLoggedMax = 20;
export const rejectionWindowMs = minuteMs;
/** This many deaths of a process in the same round of a run end the run as crashed. */
export const roundDeathsMax = 3;
/**
 * After this many kills from outside in one round, a run waits before it resumes: at first `outsideWaitFirstMs`, then
 * twice as long after each kill, up to `outsideWaitMaxMs`.
 */
export const outsideDeathsFree = 2;
export const outsideWaitFirstMs = 1 * secondMs;
export const outsideWaitMaxMs = 5 * minuteMs;

/** The most attempts that a role's retry policy may request, and the longest wait between two of them. */
export const roleAttemptsMax = 1_000;
export const retryWaitMaxMs = 24 * 60 * minuteMs;
export const defaultRetryBackoffMs = 1 * secondMs;
export const defaultRetryBackoffMaxMs = minuteMs;
/** The longest timeout that a role may request. */
export const roleTimeoutMaxMs = 7 * 24 * 60 * minuteMs;
/** The time limit of a workflow's `finally`: the default and the maximum. */
export const finallyTimeoutMs = minuteMs;
export const finallyTimeoutMaxMs = 60 * minuteMs;
/** Deaths of its process after which a `finally` has failed, whatever else ran in that process. */
export const closingDeathsMax = 10;
/** The same for kills from outside: the waits between them add up to three quarters of an hour. */
export const closingKillsMax = 20;
/** How long new code may take, from the start of its process, to report whether a run may move to it; the run waits. */
export const probeMaxMs = 15 * secondMs;
/** How many of the newest rounds the moderator is asked about again when a run resumes or moves to new code. */
export const rereadRoundsMax = 1_000;
/** Senses that are loaded at a time after a death, to recover what their outboxes hold. */
export const recoveredAtOnceMax = 4;
/** Processes that load new code on trial at the same time. */
export const concurrentTrialsMax = 2;
/** Changed senses and workflows without a process that are trial-loaded; faults in others appear at their next use. */
export const idleTrialsMax = 8;

/** How long a statement waits for another program's lock on a database. */
export const databaseBusyMaxMs = 2 * secondMs;
/** How often the log's writer retries that lock, without blocking the event loop. */
export const lockRetryMs = 20;
/** From the start, and from midnight UTC, to the archive run; and from a failed archive run to the next try. */
export const archiveFirstMs = minuteMs;
export const archiveRetryMs = 60 * minuteMs;
export const preparedStatementsMax = 256;
/** Operations of one commit of the log; at this number it commits before the turn of the event loop ends. */
export const commitOperationsMax = 10_000;
/** Operations queued while the commit thread is busy; further ones are lost and counted. */
export const commitWaitingMax = 100_000;
/** After a commit, rows that no caller awaits pause for this multiple of its duration, within these bounds. */
export const commitPauseFactor = 4;
export const commitPauseMinMs = 5;
export const commitPauseMaxMs = 50;
/**
 * Commits move to a thread of their own while the last two took longer than `commitSlowMs`, or a recent one held this
 * many operations: otherwise the round trip (0.1 to 0.5 ms) costs more than it saves.
 */
export const commitSlowMs = 1;
export const commitManyOperations = 256;
/** The commit thread ends after this long without a batch, and restarts no sooner than this after a failure. */
export const commitThreadIdleMs = 30 * secondMs;
export const commitThreadRetryMs = minuteMs;

assert(heartbeatIdleMs + heartbeatMs * heartbeatMissesMax < minuteMs, "a dead group must be found within a minute");
assert(startSlotMaxMs < processStartMaxMs, "a start must hold up the others for less time than it may take");
assert(deathsMax < slowDeathsMax && deathWindowMs < slowDeathWindowMs, "slower deaths count over a longer time");
assert(kernelBeatMissesTold < kernelBeatMissesMax, "a silent kernel is reported before it is ended");
assert(payloadMaxBytes < logBytesBurstMax, "a signal must fit into the budget of the log");
assert(payloadMaxBytes < requestBodyMaxBytes, "a payload must fit into a request");
assert(sseClientsMax < controlConnectionsMax, "event streams must leave room for requests");
assert(
  // JSON writes one byte of content as at most six (\u0001).
  messageContentMaxBytes * 6 + messageMetaMaxBytes < protocolLineMaxBytes,
  "a message must fit into a protocol line",
);
assert(prepareAheadMs < idleEndMs, "a process started ahead must not end before its tick");
assert(backoffFirstMs < backoffMaxMs && backoffMaxMs * deathsMax < deathWindowMs, "five deaths must fit in the window");
assert(logLineMaxBytes < logFileMaxBytes, "a line must fit into a log file");
assert(
  Math.max(stopDrainMs, promptDrainMaxMs) + processEndMaxMs + 2 * programEndMaxMs + controlStopMs < daemonStopMaxMs,
  "an orderly stop must finish before it is cut short",
);
assert(memoryWatchMs * 3 < secondMs, "a group over its memory must be killed within a second");
