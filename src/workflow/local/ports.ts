/**
 * What the workflow manager needs: durable storage of runs, and processes that work on them. store/runs/run_store.ts
 * and kernel/workflow_host.ts implement these ports.
 */
import type { BootTime } from "../../base/boot_time.ts";
import type { Moment } from "../../base/moment.ts";
import type { Clock } from "../../base/time.ts";
import type { ApprovalDecision, NewApproval, StoredApproval } from "../../protocol/approval.ts";
import type { Approvers } from "../../protocol/approver.ts";
import type { KnownFinally, RunClosing, RunEnd } from "../../protocol/closing.ts";
import type { NewLogRow } from "../../protocol/log.ts";
import type {
  RoleBegun,
  RoleFailure,
  Run,
  RunChange,
  RunMessage,
  RunRef,
  RunStart,
  RunStatus,
} from "../../protocol/run.ts";
import type {
  ChildOfRun,
  HeldRun,
  KeptEvent,
  MissingChild,
  NewChild,
  NewRunEvent,
  PausedRun,
  RunPause,
  RunWait,
  Settlement,
  StoredRunEvent,
  WaitingRun,
} from "../../protocol/run_wait.ts";
import type { Fork, WorkflowEngine } from "../engine.ts";

/**
 * Every promise resolves after the fsync of the commit that holds the change and its log row. Calls take effect in
 * order. The store adds the changed fields to the row; for a new run, all fields.
 */
export interface RunStore {
  /**
   * Inserts the run with its first log row, followed by copies of the messages that `fork` names. False, and no row,
   * when the id already exists. `starts`: a queued run starts no earlier.
   */
  create(run: Run, row: NewLogRow, fork?: Fork | null, starts?: Moment | null): Promise<boolean>;
  /**
   * Changes a run that has one of the statuses `from` and, if given, the attempt `fence` and `rounds` messages, and
   * writes the log row. False: another change came first, and nothing was written.
   */
  transition(
    runId: string,
    guard: { from: readonly RunStatus[]; fence?: number; rounds?: number },
    change: RunChange,
    row: NewLogRow,
  ): Promise<boolean>;
  /**
   * Stores message number `message.round` of a started run and its log row. False unless the run is `started`, its
   * attempt is `attempt`, and it holds exactly `message.round - 1` messages.
   */
  appendMessage(run: RunRef, message: RunMessage): Promise<boolean>;
  /**
   * Writes the row of a failed attempt of the role of round `failure.round`. False, and no row, unless the run is
   * `started`, its attempt is `attempt`, and it holds exactly `failure.round - 1` messages.
   */
  appendRoleFailure(run: RunRef, failure: RoleFailure): Promise<boolean>;
  /**
   * Writes that a role which runs once begins. False, and no row, unless the run is `started`, its attempt is
   * `begun.attempt`, it holds exactly `begun.round - 1` messages, and no role of that round has begun.
   */
  beginRole(run: RunRef, begun: RoleBegun): Promise<boolean>;
  /** The role that runs once, has begun, and has no message yet; null when there is none. */
  readBegun(runId: string): RoleBegun | null;
  /**
   * A person has decided that a role with an unknown end runs again, or that its run has failed. False unless the run
   * waits for that decision in this attempt, and the request is open and has the digest.
   */
  decideRecovery(run: RunRef, change: RunChange, row: NewLogRow, decision: ApprovalDecision): Promise<boolean>;
  /**
   * Makes a started run wait, writes its `run.waiting` row, and stores its request and the child runs that it waits
   * for. False unless its attempt is `attempt` and it holds exactly `wait.round - 1` messages.
   */
  beginWait(
    run: RunRef,
    wait: RunWait,
    reason: string,
    request?: NewApproval | null,
    children?: readonly NewChild[],
  ): Promise<boolean>;
  /**
   * Stores message number `message.round` of a waiting run, which becomes `started`, with attempt + 1 and no reason.
   * False unless it waits for that message. Also false unless the request of the decision is open and has its digest,
   * the event is kept, and all children have ended.
   */
  settleWait(run: RunRef, message: RunMessage, by?: Settlement): Promise<boolean>;
  /** Pauses a run, and writes its `run.paused` row. False unless it has the status `pause.from`. */
  pause(run: RunRef, pause: RunPause, reason: string): Promise<boolean>;
  /**
   * Resumes a paused run from where it was, a started one with attempt + 1. False unless it is paused. `acceptCode`:
   * its rounds are accepted from then on.
   */
  unpause(run: RunRef & Pick<Run, "rounds">, pause: RunPause, acceptCode: boolean): Promise<boolean>;
  /** The earliest starts of queued runs, by run id; `readPlanned`: that of one queued or paused run. */
  listPlanned(): ReadonlyMap<string, Moment>;
  readPlanned(runId: string): Moment | null;
  readPause(runId: string): RunPause | null;
  /** Runs that are paused because their code contradicts their messages. */
  listHeld(): HeldRun[];
  /** Every paused run. */
  listPaused(): PausedRun[];
  /** What a run waits for; null when it does not wait. */
  readWait(runId: string): RunWait | null;
  /**
   * Keeps an event for an unfinished run, and writes its `run.event` row. False when the key is known, or the run has
   * ended or keeps too many events.
   */
  insertEvent(run: RunRef, event: NewRunEvent): Promise<boolean>;
  /** Whether any child that this run waits for in that round is unfinished, or still has to be started. */
  isAwaitingChildren(runId: string, round: number): boolean;
  /** The children that still have to be started, in order. */
  listMissingChildren(runId: string, round: number): MissingChild[];
  /** The children that are unfinished and not closed, whatever the run itself does. */
  listUnfinishedChildren(runId: string): string[];
  /** All children, or those of a round. */
  listChildren(runId: string, round?: number | null): ChildOfRun[];
  /** Writes why a child is not started. False when it is refused already, or no run waits for it. */
  refuseChild(run: RunRef, round: number, child: MissingChild, why: string): Promise<boolean>;
  /** Closes the children of a run, unless one is unfinished. The message that settles their wait closes them too. */
  closeChildren(runId: string): Promise<void>;
  hasOpenChildren(runId: string): boolean;
  /** Runs whose children are not closed, by id, after this one; at most `limit`. */
  listOpenParents(after: string, limit: number): string[];
  /** The row that made the run wait; null when there is none. */
  readWaitRow(runId: string): number | null;
  readLastMessage(runId: string): RunMessage | null;
  readEvent(runId: string, key: string): StoredRunEvent | null;
  /** The oldest event of that name that no wait has taken. */
  readKeptEvent(runId: string, name: string): KeptEvent | null;
  /** Runs that wait for an event that they keep; at most `limit`. */
  listDeliverable(limit: number): string[];
  readApproval(id: string): StoredApproval | null;
  /** The request of a run in a round; null when the round has none. */
  readApprovalAt(runId: string, round: number): StoredApproval | null;
  /** How many requests a gate of a run has made. */
  countApprovals(runId: string, gate: string): number;
  /** When the next waits end: by the wall clock, and in the time since this boot. */
  readNextDue(boot: BootTime | null): { readonly wall: number | null; readonly bootMs: number | null };
  /** Waits that are over by either clock, in the order in which they were due; at most `limit`. */
  listDueWaits(now: number, boot: BootTime | null, limit: number): WaitingRun[];
  /** How many runs of each workflow are `waiting`. */
  countWaiting(): ReadonlyMap<string, number>;
  /** Runs of a workflow that are `waiting`, oldest first; at most `limit`. */
  listWaiting(workflow: string, limit: number): Run[];
  /** The newest stored failure, whatever its round; null when the run has none. */
  readLastFailure(runId: string): RoleFailure | null;
  /** Whether a workflow has a `finally`; null: unknown. */
  readFinally(workflow: string): KnownFinally | null;
  /** Writes whether a workflow has a `finally`; null: unknown. Without one, none of its runs has to be closed. */
  writeFinally(workflow: string, known: KnownFinally | null): Promise<void>;
  /**
   * Runs of a workflow that have ended and have to be closed, in the order of their ends; at most `limit`. The commit
   * of each end adds its run, unless the workflow is known to have no `finally` or the run was dropped.
   */
  listClosings(workflow: string, limit: number): Run[];
  /** Marks the run as closed, with a `run.closed` row if there was a `finally`. False: it was not to be closed. */
  closeRun(run: RunRef, closing: RunClosing | null): Promise<boolean>;
  /** Where the run forks off; null when it began without messages. */
  readFork(runId: string): Fork | null;
  /** How many rounds of the run a person has accepted, even if its code contradicts them. */
  readAccepted(runId: string): number;
  /** The run, including changes that are not committed yet, or null. */
  get(runId: string): Run | null;
  /** Oldest first, read in small parts as they are consumed: a thread may not fit into memory. */
  readThread(runId: string): Iterable<RunMessage>;
  /** About how many bytes `readThread` will yield. */
  readThreadBytes(runId: string): number;
  /** Runs that are `queued` or `started`, in the order in which they were created. */
  listUnfinished(): Run[];
}

/** How many messages a run has, and how many of them a person has accepted although the code contradicts them. */
export interface ThreadSize {
  readonly rounds: number;
  readonly accepted: number;
}

/** One process of a workflow. Calls before it is ready are queued; after its end they do nothing. */
export interface WorkflowProcess {
  /** Unique: never used for another process. */
  readonly id: number;
  readonly workflow: string;
  /** Begins the run when `sendThread` has sent `rounds` messages. `failures`: of the current round's role so far. */
  run(start: RunStart, attempt: number, thread: ThreadSize, failures: number): void;
  /**
   * Asks whether the run may move here, once `sendThread` has sent `rounds` messages. The process answers with
   * `probed`, and does nothing more for the run before `proceed`. `attempt`: the one that the run would have here.
   */
  probe(start: RunStart, attempt: number, thread: ThreadSize): void;
  /** The probed run has moved here: it begins. */
  proceed(runId: string, attempt: number): void;
  /**
   * Sends the `rounds` messages that `run` or `probe` has announced, as fast as the process reads them. Resolves when
   * they are sent or the process has ended; rejects with what `messages` throws.
   */
  sendThread(runId: string, attempt: number, messages: Iterable<RunMessage>): Promise<void>;
  /** Runs `finally` for a run that has ended, once `sendThread` has sent `rounds` messages; the answer is `closed`. */
  close(start: RunStart, attempt: number, rounds: number, end: RunEnd): void;
  ack(runId: string, attempt: number, message: RunMessage): void;
  /** The beginning of this round's role is on disk: the role begins. */
  begin(runId: string, attempt: number, round: number): void;
  abortRun(runId: string, attempt: number, reason: string): void;
  /** Kills the process. Its exit is reported like any other, through `WorkflowManager.onProcessExit`. */
  recycle(reason: string): void;
}

/** When a process is needed: what a person started comes first, then whatever was started first. */
export interface ProcessOrder {
  readonly asked: boolean;
  /** Wall milliseconds. */
  readonly dueAt: number;
}

export interface WorkflowHost {
  /**
   * The workflow's current process; if there is none, one that starts when its turn comes. Null while it may not start
   * (backoff, quarantine); `WorkflowManager.onWorkflowAvailable` is called when it may again. The manager requests the
   * next process from within `onProcessExit`: by then the host must know whether one may start.
   */
  getOrStartProcess(workflow: string, order: ProcessOrder): WorkflowProcess | null;
  /** True during a quarantine, until it is lifted; meanwhile new runs queue or drop. A backoff is not a quarantine. */
  isQuarantined(workflow: string): boolean;
  /** The version of the workflow's code that new processes load: equal for equal code. */
  codeOf(workflow: string): string;
}

/**
 * Why a process has exited. Only a `crash` counts against the runs in it; `outside` is a signal that nerve did not send
 * (crash_policy.ts).
 */
export interface ProcessExit {
  readonly kind: "crash" | "outside" | "recycled" | "idle" | "drained" | "stopped";
  readonly message: string;
}

/** What kernel/wiring.ts gives the manager. */
export interface ManagerOptions {
  readonly store: RunStore;
  readonly host: WorkflowHost;
  readonly clock: Clock;
  /** Writes a row that changes no run. */
  readonly log: (row: NewLogRow) => unknown;
  /** Who may decide requests, by the current configuration. */
  readonly approvers: () => Approvers;
  /** Called after each durable change of a run's status or attempt. */
  readonly onChange: (run: Run) => void;
  /** Called after a failed attempt of a role is durable, with a description. */
  readonly onRoleFailed: (run: Run, text: string) => void;
  /** Called when the `run.closed` row of a run is on disk, if the result is the run's report. */
  readonly onReport?: (runId: string) => void;
  /** Called when a process has no runs left: a replaced one may then be ended. */
  readonly onProcessIdle: (processId: number) => void;
  /** Reports a problem to the operator, such as a failing store. */
  readonly reportProblem: (message: string) => void;
  readonly newRunId: () => string;
  /** Where child runs are started and killed. Absent: here. */
  readonly engines?: () => Pick<WorkflowEngine, "startRun" | "killRun">;
}
