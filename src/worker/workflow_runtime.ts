/**
 * Works on the runs of one workflow: for each, asks the moderator, runs the role, hands the message to the kernel and
 * waits until it is on disk, until the moderator says END. Created by bootstrap.ts, in the sandbox; the kernel side is
 * workflow/manager.ts.
 * I1. A message is acknowledged as durable before the next role begins.
 * I2. A finished role never runs again: a run resumes from the messages the kernel sends with it.
 * I3. Every `run` gets exactly one `finished`, unless it is aborted or the process ends.
 */
import { messageContentMaxBytes, messageMetaMaxBytes } from "../base/limits.ts";
import { byteLength, isPlainObject, type JsonObject, toJsonText } from "../protocol/json.ts";
import type { FromProcess, LoadProblem, ProcessSpec } from "../protocol/message.ts";
import type { RunMessage, RunStart } from "../protocol/run.ts";
import type { Blobs } from "../sdk/sense.ts";
import { END, type RoleFunction, type Workflow } from "../sdk/workflow.ts";
import { BlobStore } from "../store/blob_store.ts";
import type { KernelPort, Runtime, RuntimeMessage } from "./bootstrap.ts";
import { describe, loadProblem, placeOf } from "./explain.ts";
import { deepFreeze, importFile, logFunction } from "./surroundings.ts";

type Finished = Extract<FromProcess, { t: "finished" }>["outcome"];
type Loaded = { readonly ok: true; readonly workflow: Workflow } | {
  readonly ok: false;
  readonly problem: LoadProblem;
};

/** One run in this process. */
interface Thread {
  readonly start: RunStart;
  readonly attempt: number;
  readonly messages: RunMessage[];
  readonly controller: AbortController;
  /** Ends the wait for the acknowledgement of the message under way; null: the run is over, none will come. */
  acknowledged: ((message: RunMessage | null) => void) | null;
}

export class WorkflowRuntime implements Runtime {
  readonly #kernel: KernelPort;
  readonly #entry: string;
  readonly #folder: string;
  readonly #config: JsonObject;
  readonly #name: string;
  readonly #blobs: Blobs;
  readonly #threads = new Map<string, Thread>();
  #loading: Promise<Loaded> | null = null;

  constructor(spec: ProcessSpec, kernel: KernelPort) {
    if (spec.workflow === null) throw new Error("nerve bug: a workflow's process got no workflow");
    this.#kernel = kernel;
    this.#name = spec.workflow.name;
    this.#entry = spec.workflow.entry;
    this.#folder = this.#entry.slice(0, this.#entry.lastIndexOf("/") + 1);
    this.#config = deepFreeze((spec.workflow.config ?? {}) as JsonObject);
    this.#blobs = new BlobStore(spec.blobs);
  }

  handle(message: RuntimeMessage): void {
    switch (message.t) {
      case "load_workflow":
        return void this.#load();
      case "run":
        return void this.#run(message.start, message.attempt, [...message.messages]);
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

  close(): void {}

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
      const fault = shapeFault(module.default);
      if (fault === null) return { ok: true, workflow: module.default as Workflow };
      return { ok: false, problem: { message: fault, place: { file: this.#entry, line: 1, column: 1 } } };
    } catch (thrown) {
      return { ok: false, problem: loadProblem(thrown, this.#folder) };
    }
  }

  async #run(start: RunStart, attempt: number, messages: RunMessage[]): Promise<void> {
    const thread: Thread = {
      start: deepFreeze(start),
      attempt,
      messages: messages.map(deepFreeze),
      controller: new AbortController(),
      acknowledged: null,
    };
    this.#threads.set(start.runId, thread);
    const loaded = await this.#load();
    const outcome: Finished | "over" = loaded.ok
      ? await this.#toItsEnd(thread, loaded.workflow)
      : { kind: "failed", message: `cannot be loaded: ${loaded.problem.message}`, place: loaded.problem.place };
    if (this.#threads.get(start.runId) === thread) this.#threads.delete(start.runId);
    if (outcome !== "over") this.#kernel.send({ t: "finished", runId: start.runId, attempt, outcome });
  }

  async #toItsEnd(thread: Thread, workflow: Workflow): Promise<Finished | "over"> {
    const { start, messages } = thread;
    for (;;) {
      const seen = Object.freeze([...messages]);
      let next: unknown;
      try {
        next = workflow.moderator({ start, messages: seen });
      } catch (thrown) {
        return this.#failed(`the moderator threw after ${messages.length} messages: ${describe(thrown)}`, thrown);
      }
      if (next === END) return { kind: "completed" };
      const role = typeof next === "string" && Object.hasOwn(workflow.roles, next) ? workflow.roles[next] : undefined;
      if (role === undefined) return this.#failed(unknownRole(next, workflow), null);
      if (messages.length >= start.maxRounds) return { kind: "max_rounds", next: String(next) };
      const failure = await this.#round(thread, String(next), role);
      if (failure !== null) return failure;
    }
  }

  /** Runs one role and waits until its message is durable; a value ends the run, "over" without another word. */
  async #round(thread: Thread, role: string, run: RoleFunction): Promise<Finished | "over" | null> {
    const { start, messages, attempt, controller } = thread;
    const round = messages.length + 1;
    let result: unknown;
    try {
      result = await run({
        start,
        messages: Object.freeze([...messages]),
        signal: controller.signal,
        idempotencyKey: `${start.runId}:${round}`,
        blobs: this.#blobs,
        config: this.#config,
        log: logFunction(this.#kernel, start.runId),
      });
    } catch (thrown) {
      return this.#failed(`role ${role} failed in round ${round}: ${describe(thrown)}`, thrown);
    }
    const checked = checkResult(result);
    if (typeof checked === "string") return this.#failed(`role ${role} returned no message: ${checked}`, null);
    const durable = new Promise<RunMessage | null>((resolve) => thread.acknowledged = resolve);
    const head = JSON.stringify({ t: "message", runId: start.runId, attempt, round, role, content: checked.content });
    this.#kernel.sendText(`${head.slice(0, -1)},"meta":${checked.meta}}`);
    const stored = await durable;
    thread.acknowledged = null;
    if (stored === null) return "over";
    messages.push(deepFreeze(stored));
    return null;
  }

  #failed(message: string, thrown: unknown): Finished {
    return { kind: "failed", message, place: placeOf(thrown, this.#folder) };
  }
}

function shapeFault(exported: unknown): string | null {
  if (!isPlainObject(exported)) {
    return "has no default export: write export default defineWorkflow({ roles, moderator })";
  }
  const { roles, moderator } = exported;
  if (typeof moderator !== "function") return "its moderator is not a function";
  if (!isPlainObject(roles) || Object.keys(roles).length === 0) return "it has no roles";
  const wrong = Object.keys(roles).find((name) => typeof roles[name] !== "function");
  return wrong === undefined ? null : `its role ${wrong} is not a function`;
}

function unknownRole(next: unknown, workflow: Workflow): string {
  const answer = typeof next === "string" ? `"${next.slice(0, 100)}"` : typeof next;
  return `the moderator answered ${answer}, which is neither END nor a role (${
    Object.keys(workflow.roles).join(", ")
  })`;
}

/** The message's parts, `meta` as JSON text, or what is wrong with them. */
function checkResult(result: unknown): { content: string; meta: string } | string {
  if (!isPlainObject(result)) return "not an object of the form {content, meta}";
  const { content, meta = {} } = result;
  if (typeof content !== "string") return "content is not a string";
  if (byteLength(content) > messageContentMaxBytes) return `content is larger than ${messageContentMaxBytes} bytes`;
  if (!isPlainObject(meta)) return "meta is not an object";
  const text = toJsonText(meta, messageMetaMaxBytes);
  return text.ok ? { content, meta: text.value } : `meta ${text.error}`;
}
