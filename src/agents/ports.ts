/**
 * The port that every protocol stands behind, and what the host of sessions needs of the kernel. agent_host.ts calls
 * the adapters; kernel/agents.ts implements the host's port.
 */
import type { LandlockRules } from "../base/landlock.ts";
import type { Clock } from "../base/time.ts";
import type { AgentDefinition, AgentUsage, PromptEnvelope } from "../protocol/agent.ts";
import type { NewLogRow } from "../protocol/log.ts";
import type { RunMessage } from "../protocol/run.ts";
import type { SessionRecord, SessionState } from "../protocol/session.ts";
import type { NoteEntry } from "../protocol/transcript.ts";
import type { ToolRequest } from "./tool_permissions.ts";

/** How programs of agents are started: each carries the mark of its session (base/program_mark.ts). */
export interface SessionSetting {
  readonly sessionId: string;
  readonly definition: AgentDefinition;
  /** An absolute path without links. */
  readonly cwd: string;
  /** The folder of the workspace. */
  readonly workspace: string;
  /** All variables of its programs, but for the mark. */
  readonly env: Readonly<Record<string, string>>;
  readonly mark: string;
  /** Takes what the agent tells, for its transcript. */
  readonly note: NoteEntry;
  /** A folder for sockets, which is there then, and which no confined agent reaches. */
  sockets(): string;
  /** Whether the agent has leave for a tool. `signal`: it does not wait any more. */
  mayUse(asked: ToolRequest, signal: AbortSignal): Promise<boolean>;
  /**
   * Resolves when it is the turn of this session to start a program, with what tells that it has started. Rejects with the
   * reason of `signal` when that aborts.
   */
  mayStart(signal: AbortSignal): Promise<() => void>;
  /** What Landlock holds them to; null: nothing holds them. */
  readonly wall: LandlockRules | null;
  readonly clock: Clock;
}

/** A conversation with an agent. One prompt at a time. */
export interface AgentSession {
  /** The agent's own id of the conversation; null as long as it is not known. */
  readonly conversation: string | null;
  /** That it has answered, and what, is a guess. Default: no. */
  readonly guesses?: boolean;
  /**
   * What the agent has answered. Rejects with an AgentFault, or with the reason of `signal` when that aborts. When it
   * settles, nothing that was started for this prompt alone is running.
   */
  prompt(envelope: PromptEnvelope, signal: AbortSignal): Promise<string>;
  /** What the last prompt has used so far, but for its time; left out by protocols that tell nothing. */
  readonly usage?: Pick<AgentUsage, "tokens" | "cost">;
  /** Makes sure that the conversation can go on, without a prompt. Rejects as `prompt`. */
  resume(signal: AbortSignal): Promise<void>;
  /** Ends the conversation and everything that runs for it. */
  end(): Promise<void>;
}

export interface AgentAdapter {
  /** Begins a conversation; with `conversation`, goes on with one. Rejects with an AgentFault. */
  open(setting: SessionSetting, conversation: string | null): Promise<AgentSession>;
}

/** What is wrong with an agent, as the end of a sentence about it. */
export class AgentFault extends Error {
  /** Whether trying again may help. */
  readonly recoverable: boolean;
  /** Whether the program of a conversation that stays has died, and nobody knows how far it came. */
  readonly lost: boolean;

  constructor(message: string, recoverable = false, lost = false) {
    super(message);
    this.recoverable = recoverable;
    this.lost = lost;
  }
}

/** Sessions on disk: each change is one write with the row that tells it. */
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
  /** Those of a run that have not ended, oldest first. */
  listOpen(runId: string): readonly SessionRecord[];
  /** Whether a session of that name has ended, although its run has not: this one takes its place. */
  isReplaced(runId: string, name: string): boolean;
}

export interface HostPorts {
  readonly clock: Clock;
  /** The folder of the workspace, against which `cwd` is resolved. */
  readonly workspace: string;
  /** A folder for sockets, which is there then, and which no confined agent reaches. */
  sockets(): string;
  /** The folder of the agents' homes. */
  readonly homes: string;
  /** The variables that agents may be given. */
  variables(): Readonly<Record<string, string>>;
  /** What holds an agent that works in `cwd`; null: nothing does. Throws an AgentFault. */
  wall(
    definition: AgentDefinition,
    place: { readonly cwd: string; readonly home: string; readonly env: Readonly<Record<string, string>> },
  ): LandlockRules | null;
  newId(): string;
  /** What takes the transcript of a session. */
  noteFor(sessionId: string): NoteEntry;
  /** The messages of a run so far. */
  thread(runId: string): Iterable<RunMessage>;
  /** Sessions of this run are lost: a person is asked, and its prompts wait until they are given up. */
  onLost(runId: string): void;
  readonly sessions: SessionRecords;
  /** Asks a person whether the agent has leave; false also when `signal` aborts. */
  askLeave(session: SessionRecord, asked: ToolRequest, signal: AbortSignal): Promise<boolean>;
  /** What the agent of a session has used in its run. */
  used(session: SessionRecord): AgentUsage;
  /** Whether a person lets an agent go on beyond a soft limit; false also when `signal` aborts. */
  askBudget(session: SessionRecord, what: string, signal: AbortSignal): Promise<boolean>;
  /** False: it could not be paused, and has not ended. Never rejects. */
  pause(runId: string, reason: string): Promise<boolean>;
  log(row: NewLogRow): unknown;
  /** Tells the operator of something that should not be. */
  reportProblem(message: string): void;
  /** Resolves when every row so far is on disk. */
  durable(): Promise<unknown>;
}
