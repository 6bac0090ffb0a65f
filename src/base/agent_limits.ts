/** The limits of agents, with their units at the end of their names; limits.ts has all others. */
import { assert } from "./errors.ts";
import { messageMetaMaxBytes, protocolLineMaxBytes } from "./limits.ts";

/** Prompts of one agent at a time, when nerve.yaml does not say, and at most. */
export const defaultAgentSessions = 2;
export const agentSessionsMax = 50;
/** Words of a command line, and characters of each. */
export const agentWordsMax = 100;
export const agentWordMaxChars = 4_096;
/** What a prompt says, persona included, and the name of its session. */
export const promptInstructionsMaxBytes = 512 * 1024;
export const sessionNameMaxChars = 64;
/** What becomes of the answer: its last part. */
export const agentAnswerMaxChars = 64 * 1024;
/** The schema of an artifact as JSON. The artifact itself becomes part of the `meta` of a message. */
export const artifactSchemaMaxBytes = 64 * 1024;
export const artifactMaxBytes = 240 * 1024;
export const artifactPathMaxChars = 1_024;
/** How often a role asks for an artifact that fits. */
export const artifactAttemptsMax = 20;
export const defaultArtifactAttempts = 3;
/** After an answer: how long an artifact that is not there, or not whole, is looked for again, and how often. */
export const artifactLookMs = 2_000;
export const artifactPollMs = 100;
/** How long an agent that stays may take to start; slow ones take ten seconds. */
export const agentStartMaxMs = 60_000;
/** How often a lost conversation is tried before a person is asked, and how often a prompt whose agent dies is sent. */
export const sessionResumesMax = 3;
export const promptSendsMax = 3;
/** How many sessions start a program at a time; others wait in order. Fifty at once leave the kernel no core. */
export const sessionStartsMax = 4;
/** How long the start of the daemon waits for sessions to go on; what takes longer goes on afterwards. */
export const sessionsStartMaxMs = 15_000;
/** What a new session is told of the messages before, the end of it. */
export const threadTextMaxChars = 64 * 1024;
/** What persons are asked for one session at a time; and what a request shows of a change. */
export const leavesOpenMax = 20;
export const leaveDetailMaxChars = 16 * 1024;
/** How often a prompt under way is held to its budget. */
export const budgetLookMs = 1_000;
/** Between the signal that asks an agent's program to end, and the one that ends it. */
export const agentGraceMs = 2_000;
/** How long to wait for the end of what an agent has started, from the signal that ends it: a busy machine takes seconds. */
export const agentSweepMs = 10_000;
/** What a scenario of a scripted agent may be. A flood is counted in KiB. */
export const scenarioFileMaxBytes = 64 * 1024;
export const scenarioEntriesMax = 1_000;
export const scenarioStepsMax = 100;
export const scenarioTextMaxChars = 64 * 1024;
export const scenarioFloodMax = 1024 * 1024;
/** The screen of an agent in a terminal, and the lines above it that are kept. */
export const terminalColumns = 200;
export const terminalRows = 50;
export const terminalHistoryLines = 5_000;
/** How long it prints nothing when it waits for the next prompt. tmux tells what it prints once a second. */
export const defaultTerminalIdleMs = 3_000;
export const terminalIdleMinMs = 1_000;
/**
 * Transcripts: an entry, the time for which entries wait for others, what waits in memory and lies on disk for each
 * session, and what is read at a time.
 */
export const transcriptEntryMaxChars = 16 * 1024;
export const transcriptFlushMs = 250;
export const transcriptPendingMaxBytes = 4 * 1024 * 1024;
export const transcriptMaxBytes = 128 * 1024 * 1024;
export const transcriptPageBytes = 256 * 1024;
/** How long tmux may take to answer a command. */
export const terminalAnswerMs = 20_000;
/** What an agent was sent and has not read; beyond it, its program is ended. */
export const agentUnreadMaxBytes = 4 * 1024 * 1024;
/** What is kept of the errors that an agent's program prints. */
export const agentErrorsMaxChars = 2_000;

assert(artifactMaxBytes < messageMetaMaxBytes, "an artifact fits into the meta of a message");
assert(6 * transcriptEntryMaxChars < transcriptPageBytes / 2, "a page holds an entry, every character as six bytes");
assert(2 * promptInstructionsMaxBytes < protocolLineMaxBytes, "a prompt fits into a line");
