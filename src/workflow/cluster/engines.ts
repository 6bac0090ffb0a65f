/**
 * All workflow engines of the workspace behind one port: the local one, and the distributed ones of nerve.yaml. The
 * runs of a workflow begin at its engine. The local engine also works on the runs that distributed engines hand over,
 * so that a workflow behaves the same on each. Created by kernel/wiring.ts.
 * I1. A run of a distributed engine is on disk here before it is acknowledged. Its handover is retried until the server
 *     has it.
 * I2. This daemon works on such a run only while the server has handed it over (session.ts).
 * I3. A run of a workflow that this daemon does not have is refused: the server asks again, and the run waits. Machines
 *     get a new workflow one after the other.
 */
import { engineAnswerMs } from "../../base/engine_limits.ts";
import { type ErrorCode, NerveError } from "../../base/errors.ts";
import { stopDrainMs } from "../../base/limits.ts";
import type { Clock } from "../../base/time.ts";
import type { DecisionReply, DecisionRequest } from "../../protocol/approval.ts";
import type { Run } from "../../protocol/run.ts";
import type { SendEventReply, SendEventRequest } from "../../protocol/run_event.ts";
import type { RunRequest, WorkflowEngine, WorkflowLoad, WorkflowPlan } from "../engine.ts";
import type { Handover } from "../local/handover.ts";
import { toRunEnded } from "../local/kills.ts";
import { isTerminal } from "../transitions.ts";
import type { ClusterRuns } from "./cluster_runs.ts";
import { Outbox } from "./outbox.ts";
import { Mirror } from "./mirror.ts";
import type {
  EngineCalls,
  EngineServer,
  LocalRuns,
  PassedCommand,
  PassedReply,
  RunInput,
  RunSession,
} from "./ports.ts";
import { ClusterSession } from "./session.ts";
import { ClusterStarts } from "./starts.ts";

export interface EnginesParts {
  readonly store: LocalRuns;
  readonly runs: ClusterRuns;
  readonly clock: Clock;
  readonly newRunId: () => string;
  readonly onChange: (run: Run) => void;
  readonly reportProblem: (message: string) => void;
}

/** The local engine, which also takes over runs. */
export type LocalEngine = WorkflowEngine & { readonly handover: Handover };

/** How long after the end of a drain a write to the server may take. */
const lastWritesMs = 500;

export class Engines implements WorkflowEngine {
  readonly #local: LocalEngine;
  readonly #parts: EnginesParts;
  readonly #outbox: Outbox;
  readonly #mirror: Mirror;
  readonly #starts: ClusterStarts;
  readonly #plans = new Map<string, WorkflowPlan>();
  readonly #servers = new Map<string, EngineServer>();
  /** Callers that wait until this daemon works on a run. */
  readonly #awaiting = new Set<() => void>();
  #running = false;
  /** The local engine has stopped, and the store may be closed. */
  #stopped = false;

  constructor(local: LocalEngine, parts: EnginesParts) {
    this.#local = local;
    this.#parts = parts;
    this.#mirror = new Mirror({ ...parts, tell: (run) => local.handover.tell(run) });
    const serverOf = (name: string) => this.#servers.get(name) ?? null, mirror = this.#mirror;
    this.#outbox = new Outbox({ ...parts, mirror, serverOf });
    this.#starts = new ClusterStarts({ ...parts, mirror, outbox: this.#outbox, serverOf });
  }

  /** Sets the servers of nerve.yaml, by name. Removed ones stop, new ones start. */
  setServers(servers: ReadonlyMap<string, EngineServer>): void {
    for (const [name, server] of this.#servers) {
      if (servers.get(name) === server) continue;
      this.#servers.delete(name);
      void server.stop();
    }
    for (const [name, server] of servers) {
      if (this.#servers.has(name)) continue;
      this.#servers.set(name, server);
      if (this.#running) server.start(this.#callsOf(name));
    }
    this.#outbox.look();
  }

  get servers(): readonly EngineServer[] {
    return [...this.#servers.values()];
  }

  configure(plans: readonly WorkflowPlan[]): void {
    this.#plans.clear();
    for (const plan of plans) this.#plans.set(plan.name, plan);
    this.#local.configure(plans);
  }

  start(): void {
    this.#local.start();
    this.#running = true;
    this.#stopped = false;
    for (const [name, server] of this.#servers) server.start(this.#callsOf(name));
    this.#outbox.open();
  }

  async stop(drainMs?: number): Promise<void> {
    const { clock, runs } = this.#parts;
    this.#running = false;
    this.#outbox.close();
    const stopped = this.#local.stop(drainMs);
    const end = () => runs.sessions.forEach((session) => session.end(false));
    // A server that does not answer must not keep the daemon from stopping.
    const cancel = clock.after((drainMs ?? stopDrainMs) + lastWritesMs, end);
    await stopped;
    cancel();
    this.#stopped = true;
    end();
    await Promise.all(this.servers.map((server) => server.stop()));
  }

  async startRun(request: RunRequest): Promise<Run> {
    const engine = this.#plans.get(request.workflow)?.engine ?? null;
    const known = request.runId !== null && this.#parts.store.get(request.runId) !== null;
    const plan = this.#plans.get(request.workflow);
    if (engine === null || known || plan === undefined) return await this.#local.startRun(request);
    const begun = await this.#starts.begin(request, plan, engine);
    return typeof begun === "string" ? await this.#local.startRun({ ...request, runId: begun }) : begun;
  }

  /** Takes a run that the server hands over. */
  async #open(engine: string, input: RunInput): Promise<RunSession> {
    const { store, runs } = this.#parts, { runId } = input.run;
    runs.sessionOf(runId)?.end(false);
    if (!this.#running) throw new NerveError("ENGINE_AWAY", "this daemon stops");
    if (!this.#plans.has(input.run.workflow) && !isTerminal(store.get(runId)?.status ?? "queued")) {
      throw toNoWorkflow(engine, input.run.workflow);
    }
    const known = runs.get(runId);
    // A run that has ended here, unknown to the server, is applied again from the start, without effect.
    if (known === null || !known.handed) runs.put(runId, { engine, applied: known?.applied ?? 0, handed: true });
    const session = new ClusterSession(runId, {
      ...this.#parts,
      onTaken: () => this.#take(runId),
      onEnd: (ended) => this.#onEnd(ended),
    });
    runs.open(session);
    if (store.get(runId) === null || known?.handed === false) await this.#mirror.write(input);
    return session;
  }

  async #take(runId: string): Promise<void> {
    await this.#local.handover.adopt(runId);
    for (const look of [...this.#awaiting]) look();
  }

  #onEnd(session: ClusterSession): void {
    const { runs } = this.#parts, { runId, taken } = session;
    runs.close(session);
    // A call of the server may outlive everything here.
    if (this.#stopped) return;
    if (taken && runs.get(runId) !== null) this.#local.handover.release(runId, "another daemon goes on with it");
  }

  /** The calls that the server and other daemons make. */
  #callsOf(engine: string): EngineCalls {
    const { runs, store } = this.#parts;
    return {
      open: (input) => this.#open(engine, input),
      isToFollow: (runId) => runs.sessionOf(runId) === null && (runs.get(runId) !== null || store.get(runId) === null),
      listElsewhere: () => runs.listElsewhere(engine),
      readFollowed: () => runs.readFollowed(engine),
      writeFollowed: (ms) => runs.writeFollowed(engine, ms),
      begin: (input) => this.#mirror.begin(engine, input),
      follow: (runId, n, changes) => this.#mirror.follow(runId, n, changes),
      command: (command) => this.#perform(command),
    };
  }

  /** Performs a command that another daemon passes on. */
  async #perform({ runId, call, args, until }: PassedCommand): Promise<PassedReply> {
    const { runs, clock } = this.#parts;
    if (runs.sessionOf(runId)?.taken !== true || clock.now() > until) return { kind: "elsewhere" };
    try {
      return { kind: "done", value: await Reflect.apply(this.#local[call], this.#local, args) };
    } catch (thrown) {
      if (!(thrown instanceof NerveError)) throw thrown;
      const { code, message, hint } = thrown;
      return { kind: "refused", code, message, hint };
    }
  }

  /** Performs the call here if the run is here or local; otherwise passes it to the daemon that works on the run. */
  async #change<T>(runId: string, call: PassedCommand["call"], args: readonly unknown[]): Promise<T> {
    const { runs, store, clock } = this.#parts, until = clock.now() + engineAnswerMs;
    for (let waitMs = 100; runs.isElsewhere(runId); waitMs *= 2) {
      // A run that was just started comes back soon.
      await this.#whenTaken(runId, waitMs);
      const run = store.get(runId), server = this.#servers.get(runs.get(runId)?.engine ?? "");
      if (!runs.isElsewhere(runId)) break;
      if (run !== null && isTerminal(run.status)) throw toRunEnded(run);
      const reply = await server?.pass({ runId, call, args, until }) ?? { kind: "elsewhere" };
      if (reply.kind === "done") return reply.value as T;
      if (reply.kind === "refused") throw toError(reply);
      if (clock.now() > until) throw toAway(runId, server?.name ?? "none");
    }
    return await Reflect.apply(this.#local[call], this.#local, args) as T;
  }

  async #whenTaken(runId: string, ms: number): Promise<void> {
    const { runs, clock } = this.#parts;
    let look = () => {}, cancel = () => {};
    await new Promise<void>((resolve) => {
      cancel = clock.after(ms, resolve);
      this.#awaiting.add(look = () => runs.isElsewhere(runId) || resolve());
    });
    cancel();
    this.#awaiting.delete(look);
  }

  killRun(runId: string, reason: string | null): Promise<Run> {
    return this.#change(runId, "killRun", [runId, reason]);
  }

  pauseRun(runId: string, reason: string | null): Promise<Run> {
    return this.#change(runId, "pauseRun", [runId, reason]);
  }

  resumeRun(runId: string, acceptCode = false): Promise<Run> {
    return this.#change(runId, "resumeRun", [runId, acceptCode]);
  }

  sendEvent(runId: string, request: SendEventRequest): Promise<SendEventReply> {
    return this.#change(runId, "sendEvent", [runId, request]);
  }

  decide(id: string, request: DecisionRequest): Promise<DecisionReply> {
    const asked = this.#parts.store.readApproval(id)?.approval;
    return asked?.state === "pending"
      ? this.#change(asked.runId, "decide", [id, request])
      : this.#local.decide(id, request);
  }

  waitForEnd(runId: string): Promise<Run> {
    return this.#local.waitForEnd(runId);
  }

  onCodeReplaced(workflow: string): void {
    this.#local.onCodeReplaced(workflow);
  }

  describeHeldRuns(): string[] {
    return this.#local.describeHeldRuns();
  }

  /** Runs being handed over count as queued until a daemon begins them. */
  readLoads(): WorkflowLoad[] {
    return this.#local.readLoads();
  }

  get dropped(): number {
    return this.#local.dropped;
  }
}

function toAway(runId: string, engine: string): NerveError {
  return new NerveError(
    "ENGINE_AWAY",
    `run ${runId} is kept by engine ${engine}, and no daemon that answers works on it`,
    {
      hint: `nerve engine status ${engine} says whether the engine can be reached; clocks that differ by more than ` +
        `${engineAnswerMs / 1_000} s also keep daemons from each other`,
    },
  );
}

function toNoWorkflow(engine: string, workflow: string): NerveError {
  const message =
    `engine ${engine} hands over runs of workflow ${workflow}, which this daemon does not have: they wait`;
  return new NerveError("WORKFLOW_UNKNOWN", message, {
    hint: `give nerve.yaml of each daemon the same workflows; nerve reload takes up ${workflow}`,
  });
}

/** The code comes from a daemon that may be newer. */
function toError({ code, message, hint }: Extract<PassedReply, { kind: "refused" }>): NerveError {
  return new NerveError(code as ErrorCode, message, hint === null ? {} : { hint });
}
