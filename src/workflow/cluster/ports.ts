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

/** One write of a run, as the server keeps it. `over` ends the last list of changes of a run, and writes nothing. */
export interface Change {
  readonly call: JournaledCall | "over";
  readonly args: readonly unknown[];
}

/** What the server keeps of a run when it takes it: enough to begin it at any daemon. */
export interface RunInput {
  readonly run: Run;
  readonly starts: Moment | null;
}

/** The work of this daemon on one run, from the moment when the server hands it over until it is over or goes elsewhere. */
export interface RunSession {
  /**
   * The next changes, once there are some; none: the run is over. Called when the server has no changes that were not
   * given to `apply`.
   */
  next(): Promise<readonly Change[]>;
  /** The server keeps the changes, as number `n` of the run: they take effect. True: the run is over. */
  apply(n: number, changes: readonly Change[]): Promise<boolean>;
  /** The work on the run ends here: it is over, or goes on at another daemon. */
  end(isOver: boolean): void;
}

/** What somebody wants done about a run that another daemon works on, as JSON. */
export interface PassedCommand {
  readonly runId: string;
  readonly call: "killRun" | "pauseRun" | "resumeRun" | "sendEvent" | "decide";
  readonly args: readonly unknown[];
  /** Wall milliseconds: nobody waits for it any more then, and it must not be done. */
  readonly until: number;
}

/** `elsewhere`: this daemon does not work on the run. */
export type PassedReply =
  | { readonly kind: "done"; readonly value: unknown }
  | { readonly kind: "refused"; readonly code: string; readonly message: string; readonly hint: string | null }
  | { readonly kind: "elsewhere" };

/** What the server, and other daemons through it, call here. */
export interface EngineCalls {
  /** The server hands a run over. */
  open(input: RunInput): Promise<RunSession>;
  /** Whether others may change the run without this daemon: it does not work on it, and does not know its end. */
  isToFollow(runId: string): boolean;
  /** Runs of the engine on which others worked when this daemon last heard of them. */
  listElsewhere(): string[];
  /** Up to when this daemon knows what others did (wall milliseconds); null: it has never asked. */
  readFollowed(): number | null;
  writeFollowed(ms: number): void;
  /** Another daemon has begun a run, or has changed it: the server keeps the change as number `n`. */
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
  /** Whether it is listening there, and registered with the server. */
  readonly serving: boolean;
  /** How many parts of the engine's runs it serves. */
  readonly parts: number;
}

/** A server that keeps runs and calls daemons. */
export interface EngineServer {
  readonly name: string;
  readonly kind: string;
  /** Begins to serve and to register this daemon; what does not work is tried again. */
  start(calls: EngineCalls): void;
  /** No more calls come in. Those that are open end. */
  stop(): Promise<void>;
  /**
   * Resolves when the server keeps the run: it is not lost any more. False: it had one of that id, which may have been started
   * with other input. Rejects with ENGINE_AWAY or ENGINE_WRONG.
   */
  submit(input: RunInput): Promise<boolean>;
  /** With what the run of that id was started; null: the server has none. Rejects as `submit`. */
  find(runId: string): Promise<RunInput | null>;
  /** Passes it on to whoever works on the run; `elsewhere` when nobody says that they do. Rejects as `submit`. */
  pass(command: PassedCommand): Promise<PassedReply>;
  /** Registers this daemon now. */
  register(): Promise<EngineState>;
  state(): Promise<EngineState>;
}

/** The store of runs on this machine. */
export interface LocalRuns extends RunStore {
  /** Whether the run has ended and is still to be closed. */
  isToBeClosed(runId: string): boolean;
  /** Another run of the same id takes the place of one that was never begun. False, and no row: it has begun. */
  replaceQueued(run: Run, row: NewLogRow, starts: Moment | null): Promise<boolean>;
}

/** Small values by key. */
export interface ClusterMeta {
  get(key: string): string | null;
  set(key: string, value: string): void;
  keys(prefix: string): string[];
  remove(key: string): void;
}
