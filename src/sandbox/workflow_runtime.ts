/**
 * Works on the runs of one workflow, in the sandbox: asks the moderator (moderator.ts), runs the role (run_role.ts),
 * sends the message to the kernel, waits until it is durable, and repeats until the moderator returns END. Created by
 * worker_main.ts; the kernel side is workflow/local/manager.ts.
 * I1. A message is acknowledged as durable before the next role begins. Only the end of the run may be sent earlier:
 *     the kernel writes it after the message (workflow/local/process_messages.ts).
 * I2. A finished role never runs again: a run resumes from the messages that the kernel sends with it.
 * I3. Every `run` gets exactly one final report, `finished`, `attempt_failed` or `wait`, unless it is aborted or the
 *     process ends. The kernel ends the process if the module does not load; the runs continue once the code is fixed.
 * I4. A run that may move here from a process with older code is only checked, and begins after `proceed`.
 * I5. A role that waits is handed to the kernel, which gives the run to a process again once the wait is over.
 * I6. A role with the effect "once" begins only when the kernel has reported that its beginning is on disk.
 * I7. Retries do not wait here: the kernel waits, and then assigns the run again.
 * I8. After a run has ended only its `finally` runs; the moderator is not asked.
 */
import type { JsonObject } from "../protocol/json.ts";
import type { FromProcess, ProcessSpec, WorkflowSpec } from "../protocol/message.ts";
import type { RunMessage } from "../protocol/run.ts";
import { formatPlace } from "../protocol/signal_text.ts";
import type { Blobs } from "../sdk/sense.ts";
import type { RoleContext, Workflow } from "../sdk/workflow.ts";
import { BlobStore } from "../store/blobs/blob_store.ts";
import { mayBegin } from "./begin_once.ts";
import { describeError, placeOf } from "./error_text.ts";
import { findConfigFaults } from "./compute_source.ts";
import { type Loaded, loadWorkflow } from "./load_workflow.ts";
import { type Answer, askModerator, findContradiction, toFinished } from "./moderator.ts";
import type { Peers } from "./peers.ts";
import { findRetryWait } from "./retry_policy.ts";
import type { AnyPlan, RolePlan } from "./roles.ts";
import { runFinally } from "./run_finally.ts";
import { type CheckedResult, checkResult, runRole } from "./run_role.ts";
import { runWork } from "./programs.ts";
import type { KernelChannel, Runtime, RuntimeMessage } from "./runtime.ts";
import { createThread, tellThread, type Thread } from "./thread.ts";
import type { WaitPlan } from "./wait_plan.ts";
import { WorkflowPeers } from "./workflow_peers.ts";
import { createLog, deepFreeze, type OpenLogs, openLogs } from "./context_helpers.ts";

type Finished = Extract<FromProcess, { t: "finished" }>["outcome"];
/** How the work on a run ended in this process: an outcome to report, or "over" when there is nothing to report. */
type Ended = Finished | "over";

export class WorkflowRuntime implements Runtime {
  readonly #kernel: KernelChannel;
  readonly #spec: WorkflowSpec;
  readonly #folder: string;
  readonly #config: JsonObject;
  readonly #blobs: Blobs;
  readonly #logs: OpenLogs;
  readonly #threads = new Map<string, Thread>();
  readonly #peers: WorkflowPeers;
  /** The peers that roles get: empty until the module is loaded. */
  #opened: Peers = {};
  #loading: Promise<Loaded> | null = null;

  constructor(spec: ProcessSpec, kernel: KernelChannel) {
    if (spec.workflow === null) throw new Error("nerve bug: a workflow's process got no workflow");
    this.#kernel = kernel;
    const { entry } = this.#spec = spec.workflow;
    this.#folder = entry.slice(0, entry.lastIndexOf("/") + 1);
    this.#config = deepFreeze((spec.workflow.config ?? {}) as JsonObject);
    this.#blobs = new BlobStore(spec.blobs);
    this.#logs = openLogs(spec.logDatabase);
    this.#peers = new WorkflowPeers(spec, kernel);
  }

  handle(message: RuntimeMessage): void {
    if (this.#peers.handle(message)) return;
    switch (message.t) {
      case "load_workflow":
        return void this.#load(true);
      case "run":
        return void this.#run(message);
      case "close":
        return void this.#close(message);
      case "thread":
      case "ack":
      case "abort_run":
      case "begin":
      case "proceed": {
        const thread = this.#threads.get(message.runId);
        if (thread?.attempt === message.attempt) tellThread(thread, message);
        return;
      }
      default:
        throw new Error(`nerve bug: a workflow's process got ${message.t}`);
    }
  }

  close(): void {
    this.#peers.closeAll();
    this.#logs.close();
  }

  /** `isTrial`: only tries the code and its settings. In a run, a role that reads a wrong setting fails with it. */
  #load(isTrial = false): Promise<Loaded> {
    if (this.#loading === null) {
      const open = async () => void (this.#opened = await this.#peers.open());
      this.#loading = loadWorkflow(this.#spec, this.#folder, open);
      this.#loading.then((loaded) => {
        const problems = !loaded.ok ? [loaded.problem] : isTrial ? findConfigFaults(loaded.workflow, this.#config) : [];
        const more = loaded.ok && loaded.closing !== null ? { finally: true } : {};
        this.#kernel.send({ t: "loaded", name: this.#spec.name, problems, ...more });
      });
    }
    return this.#loading;
  }

  async #run(message: Extract<RuntimeMessage, { t: "run" }>): Promise<void> {
    const thread = createThread(message), { start: { runId }, attempt, rounds } = thread;
    this.#threads.set(runId, thread);
    await thread.whole.promise;
    const mayBegin = message.probe !== true || await this.#probe(thread);
    const outcome = !mayBegin
      ? "over"
      : thread.messages.length < rounds
      ? this.#toFailed("the run was aborted before it went on", null)
      : await this.#runLoaded(thread, message.probe !== true);
    if (outcome === null) return;
    if (this.#threads.get(runId) === thread) this.#threads.delete(runId);
    if (outcome !== "over") this.#kernel.send({ t: "finished", runId, attempt, outcome });
  }

  /** Runs the workflow's `finally` for a run that has ended. */
  async #close(message: Extract<RuntimeMessage, { t: "close" }>): Promise<void> {
    const thread = createThread({ ...message, accepted: 0, failures: 0 }), { start: { runId }, attempt } = thread;
    this.#threads.set(runId, thread);
    await thread.whole.promise;
    const loaded = await this.#load();
    // The kernel knows from `loaded`, and ends this process.
    if (!loaded.ok) return;
    const given = { kernel: this.#kernel, context: this.#createContext(thread, "finally"), folder: this.#folder };
    const outcome = await runFinally(loaded.closing, thread, message.end, given);
    if (this.#threads.get(runId) === thread) this.#threads.delete(runId);
    this.#kernel.send({ t: "closed", runId, attempt, outcome });
  }

  /** `step`: the round, or "finally". */
  #createContext({ start, messages }: Thread, step: number | "finally"): Omit<RoleContext, "signal"> {
    return {
      start,
      messages: Object.freeze([...messages]),
      idempotencyKey: `${start.runId}:${step}`,
      logs: this.#logs.logs,
      peers: this.#opened,
      blobs: this.#blobs,
      config: this.#config,
      log: createLog(this.#kernel, start.runId),
    };
  }

  /** Reports whether the run may move here, and waits until it has. False: it does not move. */
  async #probe(thread: Thread): Promise<boolean> {
    const { start, attempt, messages, controller: { signal }, moved } = thread, loaded = await this.#load();
    if (!loaded.ok || signal.aborted) return false;
    const { workflow, roles } = loaded, changed = await findContradiction(workflow, thread);
    const next = changed === null ? askModerator(workflow, roles, start, messages) : null;
    const fault = changed ?? (next?.kind === "wrong" ? next : null);
    if (signal.aborted) return false;
    const why = fault === null ? null : `${fault.message}${formatPlace(placeOf(fault.thrown, this.#folder))}`;
    this.#kernel.send({ t: "probed", runId: start.runId, attempt, why });
    return await moved.promise;
  }

  /** Null when the module does not load. */
  async #runLoaded(thread: Thread, check: boolean): Promise<Ended | null> {
    const loaded = await this.#load();
    // The kernel knows from `loaded`, and ends this process.
    if (!loaded.ok) return null;
    // I3: whatever user code throws, the run gets its final report.
    return await this.#runToEnd(thread, loaded.workflow, loaded.roles, check).catch((thrown: unknown) =>
      this.#toFailed(`the workflow's code threw: ${describeError(thrown)}`, thrown)
    );
  }

  /** `check`: whether the finished rounds still have to be checked. */
  async #runToEnd(
    thread: Thread,
    workflow: Workflow,
    roles: ReadonlyMap<string, AnyPlan>,
    check: boolean,
  ): Promise<Ended> {
    const { start, messages } = thread;
    const changed = check ? await findContradiction(workflow, thread) : null;
    if (changed !== null) return { ...this.#toFailed(changed.message, changed.thrown), kind: "contradicted" };
    for (;;) {
      const answer = askModerator(workflow, roles, start, messages);
      if (answer.kind === "wrong") return this.#toFailed(answer.message, answer.thrown);
      if (answer.kind === "end") return toFinished(answer);
      const { name, plan } = answer;
      if (messages.length >= start.maxRounds) return { kind: "max_rounds", next: name };
      if ("ask" in plan) return this.#wait(thread, name, plan);
      const done = await this.#runRole(thread, name, plan);
      if (done === "over" || "kind" in done) return done;
      const next = (all: readonly RunMessage[]) => askModerator(workflow, roles, start, all);
      const ended = await this.#storeMessage(thread, { role: name, ...done }, next);
      if (ended !== null) return ended;
      thread.failures = 0;
    }
  }

  /** The kernel plays the role: the work on the run ends here, unless its author's code is wrong. */
  #wait({ start, messages, attempt }: Thread, role: string, plan: WaitPlan): Ended {
    const round = messages.length + 1;
    const asked = plan.ask({ start, messages: Object.freeze([...messages]), config: this.#config });
    if (!asked.ok) {
      return this.#toFailed(`role ${role} failed in round ${round}: ${asked.error.message}`, asked.error.thrown);
    }
    this.#kernel.send({ t: "wait", runId: start.runId, attempt, round, role, wait: asked.value });
    return "over";
  }

  /** Runs one role, until all of its work has ended. Returns its result, or how the work on the run has ended. */
  async #runRole(thread: Thread, role: string, plan: RolePlan): Promise<CheckedResult | Ended> {
    const { start, messages, attempt, controller } = thread;
    const round = messages.length + 1;
    const { attempts, exhausted } = plan, about = { runId: start.runId, attempt, round, role, attempts, exhausted };
    const act = () =>
      runRole(plan, controller.signal, this.#createContext(thread, round), (timeoutMs, timedOut) => {
        const waitMs = this.#findRetryWait(plan, thread, timedOut);
        this.#kernel.sendNow({ t: "role_begun", ...about, timeoutMs, waitMs });
      });
    if (plan.effect === "once" && !await mayBegin(this.#kernel, thread, role)) {
      return this.#toFailed(`the run was aborted before role ${role} began`, null);
    }
    const result = await runWork(role, act);
    if (!result.ok) {
      const { error: thrown } = result;
      const message = describeError(thrown), place = placeOf(thrown, this.#folder);
      // The kernel has ended the run, or is stopping: this is not a failure of the role, and it is not retried.
      if (controller.signal.aborted) {
        return { kind: "failed", message: `role ${role} failed in round ${round}: ${message}`, place };
      }
      this.#kernel.send({
        t: "attempt_failed",
        ...about,
        waitMs: this.#findRetryWait(plan, thread, thrown),
        message,
        place,
      });
      return "over";
    }
    const checked = checkResult(result.value);
    if (typeof checked !== "string") return checked;
    const message = `did not return a message: ${checked}`;
    if (plan.effect !== "once") return this.#toFailed(`role ${role} ${message}`, null);
    // The role's work is done: a person may supply the message.
    this.#kernel.send({ t: "attempt_failed", ...about, waitMs: null, message, place: null });
    return "over";
  }

  /**
   * Sends a message to the kernel and waits until it is durable. A result that is not null ends the work on the run.
   */
  async #storeMessage(
    thread: Thread,
    { role, content, meta }: CheckedResult & { readonly role: string },
    next: (messages: readonly RunMessage[]) => Answer,
  ): Promise<Ended | null> {
    const { start, messages, attempt } = thread, round = messages.length + 1;
    let isPending = true;
    const durable = new Promise<RunMessage | null>((resolve) => {
      thread.onAck = (message) => {
        isPending = false;
        resolve(message);
      };
    });
    const head = JSON.stringify({ t: "message", runId: start.runId, attempt, round, role, content });
    this.#kernel.sendText(`${head.slice(0, -1)},"meta":${meta}}`);
    // The last message and the end can share a commit. The moderator is asked only after the message has left: one that
    // never returns must not hold the message back. The kernel's timestamp may be a little later than this one.
    await Promise.race([this.#kernel.flushed(), durable]);
    if (isPending) {
      const ts = Date.now(), parsed = JSON.parse(meta) as JsonObject;
      const answer = next([...messages, deepFreeze({ round, role, content, meta: parsed, ts })]);
      if (answer.kind === "end") return toFinished(answer);
    }
    const stored = await durable;
    thread.onAck = null;
    if (stored === null) return "over";
    messages.push(deepFreeze(stored));
    return null;
  }

  /** The wait after one more failure; null when no retry is allowed, or when the author's `nonRetryable` throws. */
  #findRetryWait(plan: RolePlan, { failures, start }: Thread, thrown: unknown): number | null {
    try {
      return findRetryWait(plan, failures + 1, thrown);
    } catch (fault) {
      createLog(this.#kernel, start.runId)("error", `nonRetryable threw: ${describeError(fault)}`);
      return null;
    }
  }

  #toFailed(message: string, thrown: unknown): Extract<Finished, { kind: "failed" }> {
    return { kind: "failed", message, place: placeOf(thrown, this.#folder) };
  }
}
