/**
 * The one client of the control API, over the workspace's socket; the command line is its user. Requests are typed by
 * the routes themselves; the answers of a daemon of another version are parsed by the schemas that our routes answer
 * with. Every failure is a NerveError.
 */
import { hc } from "hono/client";
import type * as z from "zod";
import { systemClock } from "../../base/clock.ts";
import { type ErrorCode, messageOf, NerveError } from "../../base/errors.ts";
import { daemonAnswerMaxMs, eventHeartbeatMs } from "../../base/limits.ts";
import { readProcessStat } from "../../base/process_id.ts";
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
  TriggerReply,
  WorkflowView,
} from "../../protocol/api.ts";
import { daemonMissing } from "../../protocol/common_errors.ts";
import type { LogFilter, LogRow } from "../../protocol/log.ts";
import type { MessageQuery, RunPage, RunQuery } from "../../protocol/queries.ts";
import type { Run, RunMessage } from "../../protocol/run.ts";
import type { ControlApp } from "../app.ts";
import type { EventFilter, StreamItem } from "../event_stream.ts";
import { DaemonHangs, settlesInTime, waitWhileAlive } from "./liveness.ts";

type Schemas = typeof import("../../protocol/api.ts");
type SchemaName = { [Name in keyof Schemas]: Schemas[Name] extends z.ZodType ? Name : never }[keyof Schemas];

/** What of a `Response` this file needs; hono's typed responses fit it. */
interface Answer {
  readonly ok: boolean;
  readonly status: number;
  readonly headers: Headers;
  json(): Promise<unknown>;
}

/** What is known of a kernel that gives no answer; `root` is null where only the socket is known. */
export interface SilentKernel {
  /** Of one that ought to be listening. */
  readonly pid: number | null;
  /** Its supervisor starts it, for the first time or again. */
  readonly starts: boolean;
  readonly root: string | null;
}

export class ControlClient implements Disposable {
  readonly #path: string;
  readonly #findKernel: () => SilentKernel;
  readonly #clock: Clock;
  readonly #http: Deno.HttpClient;
  readonly #api: ReturnType<typeof hc<ControlApp>>["v1"];

  /** `findKernel` is only asked when there is no answer. */
  constructor(
    socketPath: string,
    findKernel: () => SilentKernel = () => ({ root: null, pid: null, starts: false }),
    clock: Clock = systemClock,
  ) {
    this.#path = socketPath;
    this.#findKernel = findKernel;
    this.#clock = clock;
    const client = Deno.createHttpClient({ proxy: { transport: "unix", path: socketPath } });
    this.#http = client;
    this.#api = hc<ControlApp>("http://localhost", {
      fetch: (input: string | URL | Request, init?: RequestInit) => fetch(input, { ...init, client }),
    }).v1;
  }

  health(): Promise<Health> {
    return this.#ask(this.#api.health.$get(), "healthSchema");
  }

  async senses(): Promise<SenseView[]> {
    return (await this.#ask(this.#api.senses.$get(), "sensesSchema")).items;
  }

  sense(name: string): Promise<SenseView> {
    return this.#ask(this.#api.senses[":name"].$get({ param: { name: segment(name) } }), "senseViewSchema");
  }

  /** With `wait` it resolves when the compute has ended. */
  triggerSense(name: string, wait: boolean): Promise<TriggerReply> {
    const call = this.#api.senses[":name"].trigger.$post({
      param: { name: segment(name) },
      query: { wait: wait ? "1" : "0" },
    });
    return this.#ask(call, "triggerReplySchema");
  }

  resetSense(name: string): Promise<ResetReply> {
    return this.#ask(this.#api.senses[":name"].reset.$post({ param: { name: segment(name) } }), "resetSchema");
  }

  async workflows(): Promise<WorkflowView[]> {
    return (await this.#ask(this.#api.workflows.$get(), "workflowsSchema")).items;
  }

  startRun(workflow: string, request: StartRunRequest): Promise<Run> {
    return this.#ask(
      this.#api.workflows[":name"].runs.$post({ param: { name: segment(workflow) }, json: request }),
      "runSchema",
    );
  }

  resetWorkflow(name: string): Promise<ResetReply> {
    return this.#ask(this.#api.workflows[":name"].reset.$post({ param: { name: segment(name) } }), "resetSchema");
  }

  /** The run as it is on disk once it is killed. Throws RUN_ENDED. */
  killRun(id: string, request: KillRunRequest): Promise<Run> {
    return this.#ask(this.#api.runs[":id"].kill.$post({ param: { id: segment(id) }, json: request }), "runSchema");
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

  /** With `wait` it resolves when the run has ended. */
  run(id: string, wait: boolean): Promise<Run> {
    return this.#ask(
      this.#api.runs[":id"].$get({ param: { id: segment(id) }, query: { wait: wait ? "1" : "0" } }),
      "runSchema",
    );
  }

  async messages(id: string, { beforeRound, limit }: MessageQuery): Promise<RunMessage[]> {
    const query = {
      limit: String(limit),
      ...(beforeRound === undefined ? {} : { before: String(beforeRound) }),
    };
    return (await this.#ask(
      this.#api.runs[":id"].messages.$get({ param: { id: segment(id) }, query }),
      "messagesSchema",
    )).items;
  }

  async logs(filter: LogFilter): Promise<LogRow[]> {
    const given = Object.entries(filter).filter(([, value]) => value !== undefined);
    const query = Object.fromEntries(given.map(([key, value]) => [key, String(value)]));
    return (await this.#ask(this.#api.logs.$get({ query }), "logsSchema")).items;
  }

  /**
   * What happens after row `afterId` (null: from now on), until the daemon stops or `signal` aborts; then it ends.
   */
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
      answer = await this.#alive(this.#api.events.$get({ query }, { init: { signal } }));
    } catch (thrown) {
      if (signal.aborted) return;
      throw await this.#unanswered(thrown);
    }
    if (!answer.ok || answer.body === null) throw await problemError(answer.status, await answer.json());
    const { readEvents } = await import("./event_reader.ts");
    try {
      for await (const item of readEvents(answer.body, (part) => this.#beating(part))) yield item;
    } catch (thrown) {
      if (thrown instanceof DaemonHangs) throw this.#hanging();
      // The connection has ended, from this side or from the other.
      if (thrown instanceof NerveError) throw thrown;
    }
  }

  /** Resolves when the daemon has brought itself to what is on disk. */
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
    let answer: Answer;
    let body: unknown;
    try {
      answer = await this.#alive(call);
      body = await this.#alive(answer.json());
    } catch (thrown) {
      throw await this.#unanswered(thrown);
    }
    if (!answer.ok) throw await problemError(answer.status, body);
    // Of this very version: it made the answer by the same types. To load the schemas takes longer than all the rest.
    if (answer.headers.get("server") === product) return body as z.infer<Schemas[Name]>;
    const { [schema]: known } = await loadSchemas(), parsed = known.safeParse(body);
    if (parsed.success) return parsed.data as z.infer<Schemas[Name]>;
    throw new NerveError("DAEMON_ANSWER", "The daemon's answer is not what this version of nerve understands", {
      hint: "The daemon may be of another version: restart it",
      cause: parsed.error,
    });
  }

  #alive<T>(answer: Promise<T>): Promise<T> {
    return waitWhileAlive(this.#clock, answer, async () => {
      // Not read: that it comes is all.
      await (await this.#api.health.$get()).body?.cancel();
    });
  }

  /** `part` of an event stream: what has nothing else to say says that it is there. */
  async #beating<T>(part: Promise<T>): Promise<T> {
    const come = part.then(() => {}, () => {});
    if (await settlesInTime(this.#clock, come, eventHeartbeatMs + daemonAnswerMaxMs)) return await part;
    part.catch(() => {});
    throw new DaemonHangs();
  }

  #hanging(): NerveError {
    const { pid } = this.#findKernel(), stopped = pid !== null && readProcessStat(pid)?.state === "T";
    const who = pid === null ? "The daemon" : `The daemon (pid ${pid})`;
    return new NerveError("DAEMON_ANSWER", `${who} ${stopped ? "was stopped by a signal" : "does not answer"}`, {
      hint: stopped
        ? `kill -CONT ${pid} lets it go on; it may then do what was asked`
        : "nerve status tells how it is, nerve restart replaces it",
    });
  }

  /** fetch does not say why it failed: whether anybody listens tells a missing daemon from one that gave up. */
  async #unanswered(cause: unknown): Promise<NerveError> {
    if (cause instanceof DaemonHangs) return this.#hanging();
    try {
      (await Deno.connect({ transport: "unix", path: this.#path })).close();
    } catch (thrown) {
      if (thrown instanceof Deno.errors.PermissionDenied) {
        // Nor can it be looked up: the files that tell are its user's too.
        const message = `The daemon's socket ${this.#path} belongs to another user`;
        return new NerveError("DAEMON_MISSING", message, { hint: "nerve start", cause });
      }
      const { pid, starts, root } = this.#findKernel();
      if (starts) {
        const message = "The daemon's kernel is being started, and does not listen yet";
        const hint = "Try again in a moment; nerve status shows it";
        return new NerveError("DAEMON_MISSING", message, { hint, cause });
      }
      if (pid !== null && thrown instanceof Deno.errors.NotFound) {
        // `nerve start` would only say that one runs.
        const message = `The daemon (pid ${pid}) runs, but its socket is gone`;
        return new NerveError("DAEMON_ANSWER", message, { hint: "nerve restart", cause });
      }
      return daemonMissing(root, cause);
    }
    return new NerveError("DAEMON_ANSWER", `The daemon gave no answer: ${messageOf(cause)}`, {
      hint: "nerve status tells how it is, nerve logs what it said",
      cause,
    });
  }
}

/** A name or an id as one part of a path: hono puts it there as it is, and `../stop?` would be another route. */
function segment(text: string): string {
  return encodeURIComponent(text);
}

async function loadSchemas(): Promise<Schemas> {
  return await import("../../protocol/api.ts");
}

async function problemError(status: number, body: unknown): Promise<NerveError> {
  const { problemSchema, problemStatus } = await loadSchemas(), parsed = problemSchema.safeParse(body);
  if (!parsed.success) {
    return new NerveError("DAEMON_ANSWER", `The daemon answered with status ${status}`, {
      hint: "The daemon may be of another version: restart it",
    });
  }
  const { code, detail, hint } = parsed.data;
  const known = Object.hasOwn(problemStatus, code) ? code as ErrorCode : "DAEMON_ANSWER";
  return new NerveError(known, detail, hint === null ? {} : { hint });
}
