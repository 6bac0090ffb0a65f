/**
 * What the control API needs from the kernel. KernelApi in src/kernel/ matches it structurally; tests use a fake.
 * Every method may be called while the kernel starts or stops. Errors are NerveErrors, which problem_response.ts turns
 * into answers.
 */
import type { NerveError } from "../base/errors.ts";
import type { Clock } from "../base/time.ts";
import type {
  AdmittedCaller,
  Caller,
  CreateLinkReply,
  CreateTokenReply,
  CreateTokenRequest,
  Credential,
  OpenedSession,
  RevokeTokensReply,
  RevokeTokensRequest,
  SessionScope,
  TokenView,
} from "../protocol/access.ts";
import type { AckRequest, AlertChanged, AlertView, SilenceRequest, UnsilenceRequest } from "../protocol/alert.ts";
import type {
  AcceptedTrigger,
  ArchiveReply,
  ArchiveRequest,
  Health,
  ReloadReply,
  SenseView,
  StartRunRequest,
  WorkflowView,
} from "../protocol/api.ts";
import type { Approval, ApprovalPage, ApprovalQuery, DecisionReply, DecisionRequest } from "../protocol/approval.ts";
import type { PermissionsReply, SeriesRequest } from "../protocol/dashboard.ts";
import type { EngineList, EngineView } from "../protocol/engine.ts";
import type { HookAnswer, HookList, HookRequest, ListenDefinition, ListenerView } from "../protocol/hook.ts";
import type { LogRow } from "../protocol/log.ts";
import type { PageReader } from "../protocol/queries.ts";
import type { Run } from "../protocol/run.ts";
import type { SendEventReply, SendEventRequest } from "../protocol/run_event.ts";
import type { PauseSenseReply, PauseSenseRequest } from "../protocol/sense_pause.ts";
import type { EndSessionReply, SessionPage, SessionQuery, SessionRecord } from "../protocol/session.ts";
import type { HandedSignal } from "../protocol/signal.ts";
import type { TextPage } from "../protocol/text_page.ts";
import type { TranscriptPage } from "../protocol/transcript.ts";

/** What the server passes to every request. */
export interface ControlEnv {
  readonly Bindings: {
    /** Aborts when the client disconnects before it has the whole answer. The Request's own signal would cost more. */
    readonly gone: AbortSignal;
    /** Aborts when the API stops, which ends waiting answers and streams. */
    readonly stopping: AbortSignal;
    readonly clock: Clock;
    /** The caller, if the request came through the listener; missing on the socket. */
    readonly caller?: Caller;
  };
}

/** Rows as they are written to disk, in the order of their ids. */
export interface LogFollower extends AsyncIterable<LogRow> {
  /** How many rows this reader lost because it was too slow. They are still in the log. */
  readonly dropped: number;
  close(): void;
}

/** Hooks, and the address of the listener that takes their deliveries. */
export interface HooksPort {
  list(): HookList;
  /** The size limit of a body, in bytes; null when no sense computes for the hook. */
  bodyLimitOf(hook: string): number | null;
  /** Call this when a body was larger than the limit. */
  onTooLarge(hook: string): void;
  /** Null when no sense computes for the hook. An accepted delivery is on disk when this resolves. Never rejects. */
  receive(hook: string, request: HookRequest): Promise<HookAnswer | null>;
  /** The address in nerve.yaml; null: there shall be no listener. */
  wantedListener(): ListenDefinition | null;
  /** Calls `fire` whenever the address may have changed. At most one callback at a time. */
  onListenerChange(fire: () => void): void;
  /** Reports the state of the listener; null: there is none. */
  setListener(view: ListenerView | null): void;
}

/** Access to the listener. A change is on disk when its promise resolves. */
export interface AccessPort {
  list(): TokenView[];
  /** Whether there is a valid token. */
  readonly hasToken: boolean;
  /** Throws TOKEN_EXISTS, TOKENS_MANY. */
  create(request: CreateTokenRequest): Promise<CreateTokenReply>;
  /** Throws TOKEN_UNKNOWN. */
  revoke(request: RevokeTokensRequest): Promise<RevokeTokensReply>;
  makeLink(scope: SessionScope): Promise<CreateLinkReply>;
  /** Throws LINK_UNKNOWN, LINK_USED, ACCESS_LIMITED. */
  openSession(link: string): Promise<OpenedSession>;
  /** Throws ACCESS_UNKNOWN, ACCESS_EXPIRED, ACCESS_REVOKED, ACCESS_LIMITED. */
  admit(credential: Credential): Promise<AdmittedCaller>;
  /** Call this when a request was denied; `who`: the known token or session that it showed. */
  onDenied(error: NerveError, who: string | null): void;
  /** How often requests were denied, by the code of the error. */
  readonly denied: Readonly<Record<string, number>>;
  /** The name of the cookie of sessions. */
  readonly cookie: string;
}

/** Errors: ALERT_UNKNOWN, USAGE. A change is on disk when its promise resolves. */
export interface AlertsPort {
  /** For each alert, only some of the states that are not inactive. */
  views(): Promise<AlertView[]>;
  view(name: string): Promise<AlertView>;
  silence(name: string, request: SilenceRequest): Promise<AlertChanged>;
  unsilence(name: string, request: UnsilenceRequest): Promise<AlertChanged>;
  ack(name: string, request: AckRequest): Promise<AlertChanged>;
}

/** A change is on disk when its promise resolves; null: there is no such sense. */
export interface PausesPort {
  pause(sense: string, request: PauseSenseRequest): Promise<PauseSenseReply | null>;
  resume(sense: string): Promise<PauseSenseReply | null>;
}

/** Sessions of agents. All but `list` throw SESSION_UNKNOWN. An end is on disk when its promise resolves. */
export interface SessionsPort {
  list(query: SessionQuery): SessionPage;
  one(id: string): SessionRecord;
  transcript(id: string, query: { readonly after: number; readonly tail?: number }): Promise<TranscriptPage>;
  end(id: string, reason: string): Promise<EndSessionReply>;
}

/** What the dashboard reads besides the rest. Pages have one item, and are null while there is no database. */
export interface DashboardPort {
  columns(sense: string, gone: AbortSignal): Promise<TextPage | null>;
  /** Errors: QUERY_INVALID. */
  series(sense: string, query: SeriesRequest, gone: AbortSignal): Promise<TextPage | null>;
  sizes(gone: AbortSignal): Promise<TextPage>;
  /** The permissions of all units, or of one with all its grants. */
  permissions(unit: string | null): Promise<PermissionsReply>;
  /** The people of `approvers` in nerve.yaml. */
  approvers(): string[];
}

/** Error: ENGINE_UNKNOWN. Problems of a server are in its view. */
export interface EnginesPort {
  list(): Promise<EngineList>;
  register(name: string): Promise<EngineView>;
}

export interface KernelPort {
  readonly engines: EnginesPort;
  /** The run as it is on disk; null when there is none. */
  run(runId: string): Run | null;
  readonly pages: PageReader;
  /** Every row that is written to disk from now on. */
  followLog(): LogFollower;
  /** Await this before `health`: it reads slow figures without blocking other work. */
  prepareHealth(): Promise<void>;
  health(): Health;
  senses(): SenseView[];
  /** Null when there is no such sense. */
  sense(name: string): SenseView | null;
  triggerSense(name: string, signals?: readonly HandedSignal[]): AcceptedTrigger | null;
  /**
   * Lifts the quarantine or backoff of the sense's group. Returns whether there was one; null when there is no such
   * sense.
   */
  resetSense(name: string): boolean | null;
  workflows(): WorkflowView[];
  /** Like `resetSense`, for a workflow. */
  resetWorkflow(name: string): boolean | null;
  /** Reloads nerve.yaml and all code from disk, and resolves when that is done. The reply reports problems. */
  reload(): Promise<ReloadReply>;
  /** Moves whole days of the log into the archive, and resolves when that is done. Throws USAGE, STORE_FAILED. */
  archive(request: ArchiveRequest): Promise<ArchiveReply>;
  /** Throws WORKFLOW_UNKNOWN, PAYLOAD_INVALID, RUN_CONFLICT. The run is on disk when this resolves. */
  startRun(workflow: string, request: StartRunRequest): Promise<Run>;
  readonly alerts: AlertsPort;
  readonly hooks: HooksPort;
  readonly access: AccessPort;
  readonly dashboard: DashboardPort;
  readonly pauses: PausesPort;
  readonly sessions: SessionsPort;
  /** Ends a run as killed, for good, and returns it as it is on disk afterwards. Throws RUN_UNKNOWN, RUN_ENDED. */
  killRun(runId: string, reason: string | null): Promise<Run>;
  /**
   * Both throw RUN_UNKNOWN, RUN_ENDED, and return the run as it is on disk afterwards. `acceptCode`: the run continues
   * although its code contradicts its messages.
   */
  pauseRun(runId: string, reason: string | null): Promise<Run>;
  resumeRun(runId: string, acceptCode?: boolean): Promise<Run>;
  /** Throws RUN_UNKNOWN, RUN_ENDED, EVENT_CONFLICT, EVENTS_MANY, PAYLOAD_INVALID. Resolves once it is on disk. */
  sendEvent(runId: string, request: SendEventRequest): Promise<SendEventReply>;
  /** Open requests, oldest first; with `all`, all requests, newest first. */
  approvals(query: ApprovalQuery): ApprovalPage;
  approval(id: string): Approval | null;
  /** Throws APPROVAL_UNKNOWN, APPROVAL_DECIDED, APPROVAL_STALE, RUN_ENDED, PAYLOAD_INVALID. */
  decide(id: string, request: DecisionRequest): Promise<DecisionReply>;
  /** The run once it has ended; null for an unknown run, and when `gone` aborts first. */
  runEnded(runId: string, gone: AbortSignal): Promise<Run | null>;
}
