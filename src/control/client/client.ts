/**
 * The client of the control API, over the workspace's socket; used by the command line. The routes give the types of
 * requests; answers of a daemon of another version are checked with our schemas. Every failure is a NerveError.
 */
import { hc } from "hono/client";
import type * as z from "zod";
import { systemClock } from "../../base/clock.ts";
import { messageOf, NerveError } from "../../base/errors.ts";
import { daemonAnswerMaxMs, eventHeartbeatMs } from "../../base/limits.ts";
import type { Clock } from "../../base/time.ts";
import { product } from "../../base/version.ts";
import type {
  ArchiveReply,
  ArchiveRequest,
  Health,
  KillRunRequest,
  ReloadReply,
  ResetReply,
  SenseView,
  StartRunRequest,
  StartRunsReply,
  StartRunsRequest,
  TriggerReply,
  WorkflowView,
} from "../../protocol/api.ts";
import type { DecisionReply, DecisionRequest } from "../../protocol/approval.ts";
import { daemonMissing } from "../../protocol/common_errors.ts";
import type { HookList } from "../../protocol/hook.ts";
import type { LogFilter, LogRow } from "../../protocol/log.ts";
import type { MessageQuery, RunPage, RunQuery } from "../../protocol/queries.ts";
import type { Run, RunMessage } from "../../protocol/run.ts";
import type { SendEventReply, SendEventRequest } from "../../protocol/run_event.ts";
import type { HandedSignal } from "../../protocol/signal.ts";
import type { ControlApp } from "../app.ts";
import type { EventFilter } from "../event_stream.ts";
import { AccessClient } from "./access_client.ts";
import { AlertClient, toSegment } from "./alert_client.ts";
import { EngineClient } from "./engine_client.ts";
import type { StreamItem } from "./event_reader.ts";
import { PauseClient } from "./pause_client.ts";
import { SessionClient } from "./session_client.ts";
import { fetchOver, openSocketClient } from "./socket_client.ts";
import { createHangingError, DaemonHangs, settlesInTime, type SilentKernel, waitWhileAlive } from "./liveness.ts";
import { otherVersionHint, readProblem } from "./problem.ts";

type Schemas = typeof import("../../protocol/api.ts") & typeof import("../../protocol/alert.ts");
type SchemaName = { [Name in keyof Schemas]: Schemas[Name] extends z.ZodType ? Name : never }[keyof Schemas];

/** What this file uses of a `Response`, including hono's. */
interface Answer {
  readonly ok: boolean;
  readonly status: number;
  readonly headers: Headers;
  json(): Promise<unknown>;
}

export class ControlClient implements Disposable {
  readonly #path: string;
  readonly #findKernel: () => SilentKernel;
  readonly #clock: Clock;
  readonly #http: Deno.HttpClient;
  readonly #api: ReturnType<typeof hc<ControlApp>>["v1"];
  readonly alerts: AlertClient;
  readonly pauses: PauseClient;
  readonly sessions: SessionClient;
  readonly access: AccessClient;
  readonly engines: EngineClient;
  readonly hooks: () => Promise<HookList>;

  /** `findKernel` is called only when there is no answer. */
  constructor(
    socketPath: string,
    findKernel: () => SilentKernel = () => ({ root: null, pid: null, starts: false }),
    clock: Clock = systemClock,
  ) {
    [this.#path, this.#findKernel, this.#clock] = [socketPath, findKernel, clock];
    this.#http = openSocketClient(socketPath);
    this.#api = hc<ControlApp>("http://localhost", { fetch: fetchOver(this.#http) }).v1;
    const ask = (call: Promise<Answer>, schema: SchemaName) => this.#ask(call, schema) as never;
    this.alerts = new AlertClient(this.#api.alerts, ask);
    this.sessions = new SessionClient(this.#api.sessions[":id"], ask);
    this.access = new AccessClient(this.#api.access, ask);
    this.pauses = new PauseClient(this.#api.senses[":name"], (call) => this.#ask(call, "pauseSenseReplySchema"));
    this.engines = new EngineClient(this.#api.engines, ask);
    this.hooks = () => this.#ask(this.#api.hooks.$get(), "hooksSchema");
  }

  health(): Promise<Health> {
    return this.#ask(this.#api.health.$get(), "healthSchema");
  }

  async senses(): Promise<SenseView[]> {
    return (await this.#ask(this.#api.senses.$get(), "sensesSchema")).items;
  }

  sense(name: string): Promise<SenseView> {
    return this.#ask(this.#api.senses[":name"].$get({ param: { name: toSegment(name) } }), "senseViewSchema");
  }

  /** With `wait`, resolves when the compute has ended. `signals`: the signals that the compute receives. */
  triggerSense(name: string, wait: boolean, signals: readonly HandedSignal[] = []): Promise<TriggerReply> {
    const param = { name: toSegment(name) }, query = { wait: wait ? "1" : "0" } as const;
    const json = signals.length === 0 ? {} : { signals: [...signals] };
    return this.#ask(this.#api.senses[":name"].trigger.$post({ param, query, json }), "triggerReplySchema");
  }

  resetSense(name: string): Promise<ResetReply> {
    return this.#ask(this.#api.senses[":name"].reset.$post({ param: { name: toSegment(name) } }), "resetSchema");
  }

  async workflows(): Promise<WorkflowView[]> {
    return (await this.#ask(this.#api.workflows.$get(), "workflowsSchema")).items;
  }

  /** With `wait`, resolves when the run has ended. */
  startRun(workflow: string, request: StartRunRequest, wait = false): Promise<Run> {
    const param = { name: toSegment(workflow) }, query = { wait: wait ? "1" : "0" } as const;
    return this.#ask(this.#api.workflows[":name"].runs.$post({ param, query, json: request }), "runSchema");
  }

  startRuns(request: StartRunsRequest, wait = false): Promise<StartRunsReply> {
    const query = { wait: wait ? "1" : "0" } as const;
    return this.#ask(this.#api["runs:batch"].$post({ query, json: request }), "startRunsReplySchema");
  }

  resetWorkflow(name: string): Promise<ResetReply> {
    return this.#ask(this.#api.workflows[":name"].reset.$post({ param: { name: toSegment(name) } }), "resetSchema");
  }

  /** Returns the run as it is on disk after the kill. Throws RUN_ENDED. */
  killRun(id: string, request: KillRunRequest): Promise<Run> {
    return this.#ask(this.#api.runs[":id"].kill.$post({ param: { id: toSegment(id) }, json: request }), "runSchema");
  }

  runs({ workflow, statuses, before, limit, offset }: RunQuery): Promise<RunPage> {
    const query = {
      limit: String(limit),
      offset: String(offset),
      ...(workflow === undefined ? {} : { workflow }),
      ...(statuses === undefined ? {} : { status: statuses.join(",") }),
      ...(before === undefined ? {} : { before }),
    };
    return this.#ask(this.#api.runs.$get({ query }), "runPageSchema");
  }

  /** Returns the run as it is on disk after the pause. Throws RUN_ENDED. */
  pauseRun(id: string, request: KillRunRequest): Promise<Run> {
    return this.#ask(this.#api.runs[":id"].pause.$post({ param: { id: toSegment(id) }, json: request }), "runSchema");
  }

  resumeRun(id: string, acceptCode = false): Promise<Run> {
    const param = { id: toSegment(id) }, query = { acceptCode: acceptCode ? "1" : "0" } as const;
    return this.#ask(this.#api.runs[":id"].resume.$post({ param, query }), "runSchema");
  }

  /** Throws RUN_ENDED, EVENT_CONFLICT, EVENTS_MANY. */
  sendEvent(id: string, request: SendEventRequest): Promise<SendEventReply> {
    const call = this.#api.runs[":id"].events.$post({ param: { id: toSegment(id) }, json: request });
    return this.#ask(call, "sendEventReplySchema");
  }

  /** Throws APPROVAL_DECIDED, APPROVAL_STALE. */
  decide(id: string, request: DecisionRequest): Promise<DecisionReply> {
    const param = { id: toSegment(id) };
    return this.#ask(this.#api.approvals[":id"].decision.$post({ param, json: request }), "decisionReplySchema");
  }

  /** With `wait`, resolves when the run has ended. */
  run(id: string, wait: boolean): Promise<Run> {
    return this.#ask(
      this.#api.runs[":id"].$get({ param: { id: toSegment(id) }, query: { wait: wait ? "1" : "0" } }),
      "runSchema",
    );
  }

  async messages(id: string, { beforeRound, limit }: MessageQuery): Promise<RunMessage[]> {
    const query = { limit: String(limit), ...beforeRound !== undefined && { before: String(beforeRound) } };
    return (await this.#ask(
      this.#api.runs[":id"].messages.$get({ param: { id: toSegment(id) }, query }),
      "messagesSchema",
    )).items;
  }

  async logs(filter: LogFilter): Promise<LogRow[]> {
    const defined = Object.entries(filter).filter(([, value]) => value !== undefined);
    const query = Object.fromEntries(defined.map(([key, value]) => [key, String(value)]));
    return (await this.#ask(this.#api.logs.$get({ query }), "logsSchema")).items;
  }

  /** The rows after row `afterId` (null: from now on). Ends when the daemon stops or `signal` aborts. */
  async *events(filter: EventFilter, afterId: number | null, signal: AbortSignal): AsyncGenerator<StreamItem> {
    const { source, type, refId } = filter;
    const query = {
      ...(source === undefined ? {} : { source }),
      ...(type === undefined ? {} : { type }),
      ...(refId === undefined ? {} : { refId }),
      ...(afterId === null ? {} : { afterId: String(afterId) }),
    };
    let answer: Answer & { readonly body: ReadableStream<Uint8Array<ArrayBuffer>> | null };
    try {
      answer = await this.#awaitAnswer(this.#api.events.$get({ query }, { init: { signal } }));
    } catch (thrown) {
      if (signal.aborted) return;
      throw await this.#toError(thrown);
    }
    if (!answer.ok || answer.body === null) throw await readProblem(answer.status, await answer.json());
    const { readEvents } = await import("./event_reader.ts");
    try {
      for await (const item of readEvents(answer.body, (part) => this.#awaitPart(part))) yield item;
    } catch (thrown) {
      if (thrown instanceof DaemonHangs) throw createHangingError(this.#findKernel());
      // Any other error means that one side has closed the connection.
      if (thrown instanceof NerveError) throw thrown;
    }
  }

  /** Resolves when the daemon has reloaded nerve.yaml and all code. */
  reload(): Promise<ReloadReply> {
    return this.#ask(this.#api.reload.$post(), "reloadReplySchema");
  }

  /** Resolves when the archive run has ended. */
  archive(request: ArchiveRequest): Promise<ArchiveReply> {
    return this.#ask(this.#api.store.archive.$post({ json: request }), "archiveReplySchema");
  }

  async stop(): Promise<void> {
    await this.#ask(this.#api.stop.$post(), "stoppingSchema");
  }

  [Symbol.dispose](): void {
    this.#http.close();
  }

  async #ask<Name extends SchemaName>(call: Promise<Answer>, schema: Name): Promise<z.infer<Schemas[Name]>> {
    let answer: Answer, body: unknown;
    try {
      answer = await this.#awaitAnswer(call);
      body = await this.#awaitAnswer(answer.json());
    } catch (thrown) {
      throw await this.#toError(thrown);
    }
    if (!answer.ok) throw await readProblem(answer.status, body);
    // A daemon of the same version has the same types. Loading the schemas would take longer than all the rest.
    if (answer.headers.get("server") === product) return body as z.infer<Schemas[Name]>;
    const schemas: Schemas = { ...await import("../../protocol/api.ts"), ...await import("../../protocol/alert.ts") };
    const parsed = schemas[schema].safeParse(body);
    if (parsed.success) return parsed.data as z.infer<Schemas[Name]>;
    throw new NerveError("DAEMON_ANSWER", "this version of nerve does not understand the daemon's answer", {
      hint: otherVersionHint,
      cause: parsed.error,
    });
  }

  #awaitAnswer<T>(answer: Promise<T>): Promise<T> {
    return waitWhileAlive(this.#clock, answer, async () => {
      // The body is not read; any answer shows that the daemon is alive.
      await (await this.#api.health.$get()).body?.cancel();
    });
  }

  /** Waits for the next part of an event stream. The daemon sends a heartbeat when it has no event. */
  async #awaitPart<T>(part: Promise<T>): Promise<T> {
    const settled = part.then(() => {}, () => {});
    if (await settlesInTime(this.#clock, settled, eventHeartbeatMs + daemonAnswerMaxMs)) return await part;
    part.catch(() => {});
    throw new DaemonHangs();
  }

  /** fetch gives no reason. Whether a process listens distinguishes a missing daemon from one that broke off. */
  async #toError(cause: unknown): Promise<NerveError> {
    if (cause instanceof DaemonHangs) return createHangingError(this.#findKernel());
    try {
      (await Deno.connect({ transport: "unix", path: this.#path })).close();
    } catch (thrown) {
      if (thrown instanceof Deno.errors.PermissionDenied) {
        // We cannot find the daemon's process either: the files that name it belong to that user too.
        const message = `the daemon's socket ${this.#path} belongs to another user`;
        return new NerveError("DAEMON_MISSING", message, { hint: "nerve start", cause });
      }
      const { pid, starts, root } = this.#findKernel();
      if (starts) {
        const message = "the daemon's kernel is starting and does not listen yet";
        const hint = "try again in a moment; nerve status shows its state";
        return new NerveError("DAEMON_MISSING", message, { hint, cause });
      }
      if (pid !== null && thrown instanceof Deno.errors.NotFound) {
        // `nerve start` would only report that a daemon is running.
        const message = `the daemon (pid ${pid}) runs, but its socket is gone`;
        return new NerveError("DAEMON_ANSWER", message, { hint: "nerve restart", cause });
      }
      return daemonMissing(root, cause);
    }
    return new NerveError("DAEMON_ANSWER", `the daemon did not answer: ${messageOf(cause)}`, {
      hint: "nerve status shows its state, nerve logs shows its log",
      cause,
    });
  }
}
