/**
 * Works on the runs of one workflow: for each, asks the moderator (moderator.ts), runs the role (run_role.ts), hands
 * the message to the kernel and waits until it is on disk, until the moderator says END. Created by worker_main.ts, in
 * the sandbox; the kernel side is workflow/local/manager.ts.
 * I1. A message is acknowledged as durable before the next role begins. Only the end may be told before: the kernel
 *     writes it behind the message (workflow/local/process_messages.ts).
 * I2. A finished role never runs again: a run resumes from the messages the kernel sends with it.
 * I3. Every `run` gets exactly one last word, `finished` or `attempt_failed`, unless it is aborted or the process ends.
 *     It ends when the module does not load: that is no fault of a run, which goes on once the code is mended.
 * I4. Nothing waits here for the next attempt of a role that failed: the kernel does, and then gives the run again.
 */
import { messageContentMaxBytes, messageMetaMaxBytes } from "../base/limits.ts";
import { err, type Result } from "../base/result.ts";
import { byteLength, isPlainObject, type JsonObject, toJsonText } from "../protocol/json.ts";
import type { FromProcess, LoadProblem, ProcessSpec } from "../protocol/message.ts";
import type { RunMessage, RunStart } from "../protocol/run.ts";
import type { Blobs } from "../sdk/sense.ts";
import type { Workflow } from "../sdk/workflow.ts";
import { BlobStore } from "../store/blobs/blob_store.ts";
import { describeError, loadProblem, placeOf } from "./error_text.ts";
import { type Answer, findContradiction, nextRole } from "./moderator.ts";
import { readRoles, type RolePlan, waitAfter } from "./roles.ts";
import { runRole } from "./run_role.ts";
import type { KernelChannel, Runtime, RuntimeMessage } from "./runtime.ts";
import { deepFreeze, importFile, logFunction, type OpenLogs, openLogs } from "./user_context.ts";

type Finished = Extract<FromProcess, { t: "finished" }>["outcome"];
/** How the work on a run ended here: an outcome to tell, or nothing more to say. */
type Ended = Finished | "over";
type Loaded =
  | { readonly ok: true; readonly workflow: Workflow; readonly roles: ReadonlyMap<string, RolePlan> }
  | { readonly ok: false; readonly problem: LoadProblem };

/** What a role said, `meta` as JSON text. */
interface Said {
  readonly content: string;
  readonly meta: string;
}

/** One run in this process. */
interface Thread {
  readonly start: RunStart;
  readonly attempt: number;
  readonly messages: RunMessage[];
  /** How often the role of the present round has failed. */
  failures: number;
  readonly controller: AbortController;
  /** Ends the wait for the acknowledgement of the message under way; null: the run is over, none will come. */
  acknowledged: ((message: RunMessage | null) => void) | null;
}

export class WorkflowRuntime implements Runtime {
  readonly #kernel: KernelChannel;
  readonly #entry: string;
  readonly #folder: string;
  readonly #config: JsonObject;
  readonly #name: string;
  readonly #blobs: Blobs;
  readonly #logs: OpenLogs;
  readonly #threads = new Map<string, Thread>();
  #loading: Promise<Loaded> | null = null;

  constructor(spec: ProcessSpec, kernel: KernelChannel) {
    if (spec.workflow === null) throw new Error("nerve bug: a workflow's process got no workflow");
    this.#kernel = kernel;
    this.#name = spec.workflow.name;
    this.#entry = spec.workflow.entry;
    this.#folder = this.#entry.slice(0, this.#entry.lastIndexOf("/") + 1);
    this.#config = deepFreeze((spec.workflow.config ?? {}) as JsonObject);
    this.#blobs = new BlobStore(spec.blobs);
    this.#logs = openLogs(spec.logDatabase);
  }

  handle(message: RuntimeMessage): void {
    switch (message.t) {
      case "load_workflow":
        return void this.#load();
      case "run":
        return void this.#run(message);
      case "ack": {
        const thread = this.#thread(message.runId, message.attempt);
        thread?.acknowledged?.(message.message);
        return;
      }
      case "abort_run": {
        const thread = this.#thread(message.runId, message.attempt);
        thread?.controller.abort(new DOMException(message.reason, "AbortError"));
        // A role at work still has its say, so that the kernel learns that it came to rest.
        thread?.acknowledged?.(null);
        return;
      }
      default:
        throw new Error(`nerve bug: a workflow's process got ${message.t}`);
    }
  }

  close(): void {
    this.#logs.close();
  }

  #thread(runId: string, attempt: number): Thread | null {
    const thread = this.#threads.get(runId);
    return thread?.attempt === attempt ? thread : null;
  }

  #load(): Promise<Loaded> {
    if (this.#loading === null) {
      this.#loading = this.#loadFresh();
      this.#loading.then((loaded) => {
        const problems = loaded.ok ? [] : [loaded.problem];
        this.#kernel.send({ t: "loaded", name: this.#name, problems });
      });
    }
    return this.#loading;
  }

  async #loadFresh(): Promise<Loaded> {
    try {
      const module = await importFile(this.#entry);
      const roles = rolesOf(module.default);
      if (roles.ok) return { ok: true, workflow: module.default as Workflow, roles: roles.value };
      return { ok: false, problem: { message: roles.error, place: { file: this.#entry, line: 1, column: 1 } } };
    } catch (thrown) {
      return { ok: false, problem: loadProblem(thrown, this.#folder) };
    }
  }

  async #run({ start, attempt, messages, failures }: Extract<RuntimeMessage, { t: "run" }>): Promise<void> {
    const thread: Thread = {
      start: deepFreeze(start),
      attempt,
      messages: messages.map(deepFreeze),
      failures,
      controller: new AbortController(),
      acknowledged: null,
    };
    this.#threads.set(start.runId, thread);
    const loaded = await this.#load();
    // The kernel has been told, and ends this process.
    if (!loaded.ok) return;
    // I3: whatever user code manages to throw on the way, the run has its end.
    const outcome: Ended = await this.#toItsEnd(thread, loaded.workflow, loaded.roles).catch((thrown: unknown) =>
      this.#failed(`the workflow's code threw: ${describeError(thrown)}`, thrown)
    );
    if (this.#threads.get(start.runId) === thread) this.#threads.delete(start.runId);
    if (outcome !== "over") this.#kernel.send({ t: "finished", runId: start.runId, attempt, outcome });
  }

  async #toItsEnd(thread: Thread, workflow: Workflow, roles: ReadonlyMap<string, RolePlan>): Promise<Ended> {
    const { start, messages } = thread;
    const changed = await findContradiction(workflow, start, messages);
    if (changed !== null) return this.#failed(changed.message, changed.thrown);
    for (;;) {
      const answer = nextRole(workflow, roles, start, messages);
      if (answer.kind === "wrong") return this.#failed(answer.message, answer.thrown);
      if (answer.kind === "end") return { kind: "completed" };
      const { name, plan } = answer;
      if (messages.length >= start.maxRounds) return { kind: "max_rounds", next: name };
      const done = await this.#runRole(thread, name, plan);
      if (done === "over" || "kind" in done) return done;
      const ended = await this.#store(thread, { role: name, ...done }, (all) => nextRole(workflow, roles, start, all));
      if (ended !== null) return ended;
      thread.failures = 0;
    }
  }

  /** Runs one role: its message, or how the work on the run has ended. */
  async #runRole(thread: Thread, role: string, plan: RolePlan): Promise<Said | Ended> {
    const { start, messages, attempt, controller } = thread;
    const round = messages.length + 1;
    const about = { runId: start.runId, attempt, round, role, attempts: plan.attempts } as const;
    const result = await runRole(plan, controller.signal, {
      start,
      messages: Object.freeze([...messages]),
      idempotencyKey: `${start.runId}:${round}`,
      logs: this.#logs.logs,
      blobs: this.#blobs,
      config: this.#config,
      log: logFunction(this.#kernel, start.runId),
    }, (timeoutMs, timedOut) => {
      const waitMs = this.#wait(plan, thread, timedOut);
      this.#kernel.sendNow({ t: "role_begun", ...about, timeoutMs, waitMs });
    });
    if (!result.ok) {
      const { error: thrown } = result;
      const message = describeError(thrown), place = placeOf(thrown, this.#folder);
      // The kernel has ended the run, or stops: then this is no failure of the role, and it is not tried again.
      if (controller.signal.aborted) {
        return { kind: "failed", message: `role ${role} failed in round ${round}: ${message}`, place };
      }
      this.#kernel.send({ t: "attempt_failed", ...about, waitMs: this.#wait(plan, thread, thrown), message, place });
      return "over";
    }
    const checked = checkResult(result.value);
    return typeof checked === "string" ? this.#failed(`role ${role} returned no message: ${checked}`, null) : checked;
  }

  /** Hands a message to the kernel and waits until it is durable; a value ends the work on the run. */
  async #store(
    thread: Thread,
    { role, content, meta }: Said & { readonly role: string },
    next: (messages: readonly RunMessage[]) => Answer,
  ): Promise<Ended | null> {
    const { start, messages, attempt } = thread, round = messages.length + 1;
    let waits = true;
    const durable = new Promise<RunMessage | null>((resolve) => {
      thread.acknowledged = (message) => {
        waits = false;
        resolve(message);
      };
    });
    const head = JSON.stringify({ t: "message", runId: start.runId, attempt, round, role, content });
    this.#kernel.sendText(`${head.slice(0, -1)},"meta":${meta}}`);
    // The last message and the end can share a commit. Not asked before the message has left: a moderator that never
    // answers must not take it along. The kernel's own time of the message may be a little later than this one.
    await Promise.race([this.#kernel.flushed(), durable]);
    if (waits) {
      const told = deepFreeze({ round, role, content, meta: JSON.parse(meta) as JsonObject, ts: Date.now() });
      if (next([...messages, told]).kind === "end") return { kind: "completed" };
    }
    const stored = await durable;
    thread.acknowledged = null;
    if (stored === null) return "over";
    messages.push(deepFreeze(stored));
    return null;
  }

  /** The wait after one more failure; null: none is allowed. A question of the author's that throws allows none. */
  #wait(plan: RolePlan, { failures, start }: Thread, thrown: unknown): number | null {
    try {
      return waitAfter(plan, failures + 1, thrown);
    } catch (fault) {
      logFunction(this.#kernel, start.runId)("error", `nonRetryable threw: ${describeError(fault)}`);
      return null;
    }
  }

  #failed(message: string, thrown: unknown): Finished {
    return { kind: "failed", message, place: placeOf(thrown, this.#folder) };
  }
}

/** The roles of what a workflow's module exports, or what is wrong with it. */
function rolesOf(exported: unknown): Result<ReadonlyMap<string, RolePlan>, string> {
  if (!isPlainObject(exported)) {
    return err("has no default export: write export default defineWorkflow({ roles, moderator })");
  }
  return typeof exported.moderator === "function" ? readRoles(exported.roles) : err("its moderator is not a function");
}

/** The message's parts, or what is wrong with them. Reads each part once: it may be a getter. */
function checkResult(result: unknown): Said | string {
  if (!isPlainObject(result)) return "not an object of the form {content, meta}";
  let parts: { content?: unknown; meta?: unknown };
  try {
    const { content, meta = {} } = result;
    parts = { content, meta };
  } catch (thrown) {
    return `reading it threw: ${describeError(thrown)}`;
  }
  const { content, meta } = parts;
  if (typeof content !== "string") return "content is not a string";
  if (byteLength(content) > messageContentMaxBytes) return `content is larger than ${messageContentMaxBytes} bytes`;
  if (!isPlainObject(meta)) return "meta is not an object";
  const text = toJsonText(meta, messageMetaMaxBytes);
  return text.ok ? { content, meta: text.value } : `meta ${text.error}`;
}
