/**
 * The port of every protocol, and what the host of sessions needs from the kernel. agent_host.ts calls the adapters;
 * kernel/agents.ts implements the host's port.
 */
import type { LandlockRules } from "../base/landlock.ts";
import type { Clock } from "../base/time.ts";
import type { AgentDefinition, AgentUsage, PromptEnvelope } from "../protocol/agent.ts";
import type { NewLogRow } from "../protocol/log.ts";
import type { RunMessage } from "../protocol/run.ts";
import type { SessionRecord, SessionState } from "../protocol/session.ts";
import type { NoteEntry } from "../protocol/transcript.ts";
import type { ToolRequest } from "./tool_permissions.ts";

/** How an agent's programs are started: each carries the mark of its session (base/program_mark.ts). */
export interface SessionSetting {
  readonly sessionId: string;
  readonly definition: AgentDefinition;
  /** An absolute path without links. */
  readonly cwd: string;
  /** The folder of the workspace. */
  readonly workspace: string;
  /** All variables of its programs, except the mark. */
  readonly env: Readonly<Record<string, string>>;
  readonly mark: string;
  /** Takes the agent's output for its transcript. */
  readonly note: NoteEntry;
  /** A folder for sockets, created by the call, which no confined agent can reach. */
  sockets(): string;
  /** Whether the agent may use a tool. `signal` aborts when it no longer waits. */
  mayUse(asked: ToolRequest, signal: AbortSignal): Promise<boolean>;
  /**
   * Resolves when this session may start a program, with a function to call once it has started. Rejects with the
   * reason of `signal` when that aborts.
   */
  mayStart(signal: AbortSignal): Promise<() => void>;
  /** The Landlock rules of its programs; null: they are not confined. */
  readonly wall: LandlockRules | null;
  readonly clock: Clock;
}

/** A conversation with an agent. One prompt at a time. */
export interface AgentSession {
  /** The agent's own id of the conversation; null until it is known. */
  readonly conversation: string | null;
  /** Whether the end and the text of an answer are guesses. Default: no. */
  readonly guesses?: boolean;
  /**
   * Resolves with the agent's answer. Rejects with an AgentFault, or with the reason of `signal` when that aborts. When
   * it settles, nothing that was started only for this prompt is running.
   */
  prompt(envelope: PromptEnvelope, signal: AbortSignal): Promise<string>;
  /** The usage of the last prompt so far, except its time; absent for protocols that do not report it. */
  readonly usage?: Pick<AgentUsage, "tokens" | "cost">;
  /** Makes sure that the conversation can continue, without a prompt. Rejects as `prompt` does. */
  resume(signal: AbortSignal): Promise<void>;
  /** Ends the conversation and everything that runs for it. */
  end(): Promise<void>;
}

export interface AgentAdapter {
  /** Begins a conversation; with `conversation`, continues one. Rejects with an AgentFault. */
  open(setting: SessionSetting, conversation: string | null): Promise<AgentSession>;
}

/** A problem of an agent, as the end of a sentence about it. */
export class AgentFault extends Error {
  /** Whether a retry may help. */
  readonly recoverable: boolean;
  /** Whether the program of a lasting conversation has died, with an unknown state of its work. */
  readonly lost: boolean;

  constructor(message: string, recoverable = false, lost = false) {
    super(message);
    this.recoverable = recoverable;
    this.lost = lost;
  }
}

/** Sessions on disk: each change is one write with its row. */
export interface SessionRecords {
  create(session: SessionRecord, row: NewLogRow): void;
  change(
    id: string,
    change: {
      readonly state: SessionState;
      readonly conversation: string | null;
      readonly changed: number;
      readonly failures: number;
    },
    row: NewLogRow,
  ): void;
  /** The sessions of a run that have not ended, oldest first. */
  listOpen(runId: string): readonly SessionRecord[];
  /** Whether an earlier session of that name has ended although its run has not: a new one replaces it. */
  isReplaced(runId: string, name: string): boolean;
}

export interface HostPorts {
  readonly clock: Clock;
  /** The folder of the workspace, against which `cwd` is resolved. */
  readonly workspace: string;
  /** A folder for sockets, created by the call, which no confined agent can reach. */
  sockets(): string;
  /** The folder of the agents' homes. */
  readonly homes: string;
  /** The variables that agents may be given. */
  variables(): Readonly<Record<string, string>>;
  /** The Landlock rules of an agent that works in `cwd`; null: it is not confined. Throws an AgentFault. */
  wall(
    definition: AgentDefinition,
    place: { readonly cwd: string; readonly home: string; readonly env: Readonly<Record<string, string>> },
  ): LandlockRules | null;
  newId(): string;
  /** Returns the function that writes the transcript of a session. */
  noteFor(sessionId: string): NoteEntry;
  /** The messages of a run so far. */
  thread(runId: string): Iterable<RunMessage>;
  /** Sessions of this run are lost: a person is asked, and its prompts wait until they are given up. */
  onLost(runId: string): void;
  readonly sessions: SessionRecords;
  /** Asks a person whether the agent may use a tool; false also when `signal` aborts. */
  askLeave(session: SessionRecord, asked: ToolRequest, signal: AbortSignal): Promise<boolean>;
  /** What the agent of a session has used in its run. */
  used(session: SessionRecord): AgentUsage;
  /** Asks a person whether an agent may exceed a soft limit; false also when `signal` aborts. */
  askBudget(session: SessionRecord, what: string, signal: AbortSignal): Promise<boolean>;
  /** False: the run could not be paused, and has not ended. Never rejects. */
  pause(runId: string, reason: string): Promise<boolean>;
  log(row: NewLogRow): unknown;
  /** Reports a problem to the operator. */
  reportProblem(message: string): void;
  /** Resolves when every row so far is on disk. */
  durable(): Promise<unknown>;
}
