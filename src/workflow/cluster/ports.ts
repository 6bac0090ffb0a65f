/**
 * What the runs of a distributed engine need: a server that keeps the changes of each run, and calls one of the daemons
 * to work on it. restate/restate_engine.ts implements the server's side, engines.ts the daemon's.
 */
import type { Moment } from "../../base/moment.ts";
import type { NewLogRow } from "../../protocol/log.ts";
import type { Run } from "../../protocol/run.ts";
import type { RunStore } from "../local/ports.ts";

/** The writes of a run that the server keeps. Their arguments are plain JSON. */
export const journaledCalls = [
  "transition",
  "appendMessage",
  "appendRoleFailure",
  "beginRole",
  "decideRecovery",
  "beginWait",
  "settleWait",
  "pause",
  "unpause",
  "insertEvent",
  "refuseChild",
  "closeRun",
] as const;
export type JournaledCall = (typeof journaledCalls)[number];

/** One write of a run, as the server keeps it. `over` ends a run's last list of changes, and writes nothing. */
export interface Change {
  readonly call: JournaledCall | "over";
  readonly args: readonly unknown[];
}

/** What the server keeps of a run when it takes it: enough to begin the run on any daemon. */
export interface RunInput {
  readonly run: Run;
  readonly starts: Moment | null;
}

/** This daemon's work on one run, from its handover by the server until the run is over or moves elsewhere. */
export interface RunSession {
  /**
   * The next changes, once there are some; none: the run is over. Called when all changes that the server has were
   * given to `apply`.
   */
  next(): Promise<readonly Change[]>;
  /** The server keeps the changes as number `n` of the run: they take effect. True: the run is over. */
  apply(n: number, changes: readonly Change[]): Promise<boolean>;
  /** Ends the work on the run here: it is over, or continues on another daemon. */
  end(isOver: boolean): void;
}

/** A command for a run that another daemon works on, as JSON. */
export interface PassedCommand {
  readonly runId: string;
  readonly call: "killRun" | "pauseRun" | "resumeRun" | "sendEvent" | "decide";
  readonly args: readonly unknown[];
  /** Wall milliseconds: after that no one waits for the command, and it must not be performed. */
  readonly until: number;
}

/** `elsewhere`: this daemon does not work on the run. */
export type PassedReply =
  | { readonly kind: "done"; readonly value: unknown }
  | { readonly kind: "refused"; readonly code: string; readonly message: string; readonly hint: string | null }
  | { readonly kind: "elsewhere" };

/** The calls that the server, and other daemons through it, make here. */
export interface EngineCalls {
  /** The server hands a run over. */
  open(input: RunInput): Promise<RunSession>;
  /** Whether others may change the run without this daemon: it does not work on it, and does not know its end. */
  isToFollow(runId: string): boolean;
  /** Runs of the engine that others worked on, as last known to this daemon. */
  listElsewhere(): string[];
  /** The time up to which this daemon knows what others did (wall milliseconds); null: it has never asked. */
  readFollowed(): number | null;
  writeFollowed(ms: number): void;
  /** Another daemon has begun a run, or changed it: the server keeps the change as number `n`. */
  begin(input: RunInput): Promise<void>;
  follow(runId: string, n: number, changes: readonly Change[]): Promise<void>;
  command(command: PassedCommand): Promise<PassedReply>;
}

/** The server of an engine, as far as this daemon can tell. */
export interface EngineState {
  /** Null: it answers. */
  readonly problem: string | null;
  readonly hint: string | null;
  readonly version: string | null;
  /** Where the server calls this daemon. */
  readonly endpoint: string;
  /** Whether this daemon listens there, and is registered with the server. */
  readonly serving: boolean;
  /** How many parts of the engine's runs this daemon serves. */
  readonly parts: number;
}

/** A server that keeps runs and calls daemons. */
export interface EngineServer {
  readonly name: string;
  readonly kind: string;
  /** Begins to serve and to register this daemon; failures are retried. */
  start(calls: EngineCalls): void;
  /** Accepts no more calls. Open ones end. */
  stop(): Promise<void>;
  /**
   * Resolves when the server keeps the run: it can no longer be lost. False: the server already had a run of that id,
   * perhaps started with other input. Rejects with ENGINE_AWAY or ENGINE_WRONG.
   */
  submit(input: RunInput): Promise<boolean>;
  /** The input that the run of that id was started with; null: the server has none. Rejects as `submit` does. */
  find(runId: string): Promise<RunInput | null>;
  /** Passes the command to the daemon that works on the run; `elsewhere` when none does. Rejects as `submit` does. */
  pass(command: PassedCommand): Promise<PassedReply>;
  /** Registers this daemon now. */
  register(): Promise<EngineState>;
  state(): Promise<EngineState>;
}

/** The store of runs on this machine. */
export interface LocalRuns extends RunStore {
  /** Whether the run has ended and still has to be closed. */
  isToBeClosed(runId: string): boolean;
  /** Replaces a run that was never begun by another run of the same id. False, and no row: it has begun. */
  replaceQueued(run: Run, row: NewLogRow, starts: Moment | null): Promise<boolean>;
}

/** Small values by key. */
export interface ClusterMeta {
  get(key: string): string | null;
  set(key: string, value: string): void;
  keys(prefix: string): string[];
  remove(key: string): void;
}
