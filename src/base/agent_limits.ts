/** The limits of agents, with their units at the end of their names; limits.ts has all others. */
import { assert } from "./errors.ts";
import { messageMetaMaxBytes, protocolLineMaxBytes } from "./limits.ts";

/** Prompts of one agent at a time: the default and the maximum. */
export const defaultAgentSessions = 2;
export const agentSessionsMax = 50;
/** Words of a command line, and characters of each. */
export const agentWordsMax = 100;
export const agentWordMaxChars = 4_096;
/** The text of a prompt, persona included, and the name of its session. */
export const promptInstructionsMaxBytes = 512 * 1024;
export const sessionNameMaxChars = 64;
/** The part of an answer that is kept: its end. */
export const agentAnswerMaxChars = 64 * 1024;
/** The schema of an artifact as JSON. The artifact itself becomes part of the `meta` of a message. */
export const artifactSchemaMaxBytes = 64 * 1024;
export const artifactMaxBytes = 240 * 1024;
export const artifactPathMaxChars = 1_024;
/** How often a role asks for a valid artifact. */
export const artifactAttemptsMax = 20;
export const defaultArtifactAttempts = 3;
/** After an answer: how long a missing or incomplete artifact is waited for, and how often it is checked. */
export const artifactLookMs = 2_000;
export const artifactPollMs = 100;
/** How long a long-lived agent may take to start; slow ones take ten seconds. */
export const agentStartMaxMs = 60_000;
/**
 * How often a lost conversation is resumed before a person is asked; how often a prompt is sent when its agent dies.
 */
export const sessionResumesMax = 3;
export const promptSendsMax = 3;
/**
 * How many sessions start a program at a time; others wait in order. Fifty at once starve the kernel of processor time.
 */
export const sessionStartsMax = 4;
/** How long the start of the daemon waits for sessions to resume; slower ones resume afterwards. */
export const sessionsStartMaxMs = 15_000;
/** The text of earlier messages that a new session gets; only its end is kept. */
export const threadTextMaxChars = 64 * 1024;
/** Open requests for leave of one session; the detail of a change that a request shows. */
export const leavesOpenMax = 20;
export const leaveDetailMaxChars = 16 * 1024;
/** How often the budget of a running prompt is checked. */
export const budgetLookMs = 1_000;
/** From the signal that asks an agent's program to end to the one that kills it. */
export const agentGraceMs = 2_000;
/** How long to wait, after the kill, for the programs that an agent started to end: a busy machine takes seconds. */
export const agentSweepMs = 10_000;
/** The size of a scripted agent's scenario. A flood is counted in KiB. */
export const scenarioFileMaxBytes = 64 * 1024;
export const scenarioEntriesMax = 1_000;
export const scenarioStepsMax = 100;
export const scenarioTextMaxChars = 64 * 1024;
export const scenarioFloodMax = 1024 * 1024;
/** The screen of a terminal agent, and the lines of its scrollback. */
export const terminalColumns = 200;
export const terminalRows = 50;
export const terminalHistoryLines = 5_000;
/** How long a terminal agent must print nothing to count as waiting for a prompt. tmux reports output once a second. */
export const defaultTerminalIdleMs = 3_000;
export const terminalIdleMinMs = 1_000;
/**
 * Transcripts: the size of an entry, how long entries are buffered, how much is pending in memory and stored on disk
 * for each session, and how much is read at a time.
 */
export const transcriptEntryMaxChars = 16 * 1024;
export const transcriptFlushMs = 250;
export const transcriptPendingMaxBytes = 4 * 1024 * 1024;
export const transcriptMaxBytes = 128 * 1024 * 1024;
export const transcriptPageBytes = 256 * 1024;
/** How long tmux may take to answer a command. */
export const terminalAnswerMs = 20_000;
/** How much unread input an agent may have; beyond it, its program is ended. */
export const agentUnreadMaxBytes = 4 * 1024 * 1024;
/** How much of the stderr of an agent's program is kept. */
export const agentErrorsMaxChars = 2_000;

assert(artifactMaxBytes < messageMetaMaxBytes, "an artifact fits into the meta of a message");
assert(6 * transcriptEntryMaxChars < transcriptPageBytes / 2, "a page holds an entry, every character as six bytes");
assert(2 * promptInstructionsMaxBytes < protocolLineMaxBytes, "a prompt fits into a line");
