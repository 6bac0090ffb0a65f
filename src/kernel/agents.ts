/**
 * Agents in the kernel: gives the session host (agents/agent_host.ts) what it needs, passes on the prompts of roles,
 * and ends the sessions of runs that have ended. Created by wiring.ts; process_events.ts calls it.
 * I1. A role reaches only the agents that nerve.yaml gives to its workflow, and only for a run assigned to its process.
 */
import { join } from "node:path";
import { AgentHost, type PromptOrigin } from "../agents/agent_host.ts";
import { Transcripts } from "../agents/transcripts.ts";
import { sessionsStartMaxMs } from "../base/agent_limits.ts";
import { messageOf, NerveError } from "../base/errors.ts";
import { archiveFirstMs, defaultDrainTimeoutMs, promptDrainMaxMs, stopDrainMs } from "../base/limits.ts";
import type { CancelTimer, Clock } from "../base/time.ts";
import { makeRuntimeFolder } from "../config/runtime_folder.ts";
import type { WorkspacePaths } from "../config/workspace.ts";
import type { CurrentConfig } from "../deploy/current_config.ts";
import type { VariablesInForce } from "../deploy/variables.ts";
import type { UnitProcess } from "../process/unit_process.ts";
import type { KernelEvent } from "../protocol/event.ts";
import type { AgentDefinition, PromptAsk, PromptReport } from "../protocol/agent.ts";
import type { Approval } from "../protocol/approval.ts";
import type { SessionRecord } from "../protocol/session.ts";
import type { NewLogRow } from "../protocol/log.ts";
import type { Run } from "../protocol/run.ts";
import { dayMs } from "../store/archive/days.ts";
import type { Store } from "../store/store.ts";
import type { WorkflowManager } from "../workflow/local/manager.ts";
import { isTerminal } from "../workflow/transitions.ts";
import { AgentRequests } from "./agent_requests.ts";
import { Budgets } from "./budgets.ts";
import { ToolRequests } from "./tool_requests.ts";
import { SessionRecovery } from "./session_recovery.ts";
import { findChangeableFolders } from "../config/permissions/changeable.ts";
import { findAgentIsolation } from "./agent_isolation.ts";

export interface AgentsPorts {
  readonly current: CurrentConfig;
  readonly variables: VariablesInForce;
  readonly paths: WorkspacePaths;
  readonly clock: Clock;
  readonly store: Store;
  readonly workflows: Pick<WorkflowManager, "isAssigned" | "pauseRun" | "resumeRun" | "killRun" | "stop">;
  reportProblem(message: string): void;
  append(row: NewLogRow): unknown;
  emit(event: KernelEvent): void;
  /** The row without secrets. */
  mask(row: NewLogRow): NewLogRow;
}

export class Agents {
  readonly #ports: AgentsPorts;
  readonly #host: AgentHost;
  readonly requests: AgentRequests;
  readonly #recovery: SessionRecovery;
  readonly #transcripts: Transcripts;
  readonly #leaves: ToolRequests;
  readonly #budgets: Budgets;
  /** Resolves when runs can be paused. */
  readonly #open = Promise.withResolvers<void>();
  #recovering: Promise<unknown> = Promise.resolve();
  #cancelSweep: CancelTimer = () => {};
  /** Prompts in progress, by process and number. */
  readonly #asked = new Map<string, { readonly origin: PromptOrigin; readonly ask: PromptAsk }>();

  constructor(ports: AgentsPorts) {
    const { clock, paths, store } = this.#ports = ports;
    this.requests = new AgentRequests({ ...ports, approvers: () => ports.current.config.approvers });
    this.#leaves = new ToolRequests(store, this.requests);
    this.#budgets = new Budgets(store, this.requests);
    this.#recovery = new SessionRecovery({
      ...ports,
      requests: this.requests,
      retry: (runId) => this.#host.retry(runId, (session) => this.#definitionOf(session)),
      renew: (runId) => this.#host.renew(runId, "a person wants a new session"),
    });
    this.#transcripts = new Transcripts({ ...ports, folder: paths.transcripts });
    this.requests.onDecided = (approval) => this.#onDecided(approval);
    this.#host = new AgentHost({
      clock,
      workspace: paths.root,
      homes: join(paths.data, "agents"),
      sockets: () => makeRuntimeFolder(paths),
      variables: () => ports.variables.environment.all,
      wall: (definition, place) => {
        const changeable = findChangeableFolders(ports.current.config, paths, Deno.env.get("HOME") ?? null);
        const wall = findAgentIsolation(paths, definition, place, changeable);
        // The scripted agent is nerve itself: its program only follows its scenario.
        if (wall === null && definition.protocol !== "fake") this.#warnUnconfined(definition.name);
        return wall;
      },
      newId: store.newRunId,
      noteFor: (sessionId) => this.#transcripts.noteFor(sessionId),
      sessions: {
        create: (session, row) => store.sessions.create(session, ports.mask(row)),
        change: (id, change, row) => store.sessions.change(id, change, ports.mask(row)),
        listOpen: (runId) => store.sessions.listOpen(runId),
        isReplaced: (runId, name) => store.sessions.isReplaced(runId, name),
      },
      askLeave: (session, asked, signal) => this.#leaves.ask(session, asked, signal),
      used: (session) => this.#budgets.used(session),
      askBudget: (session, what, signal) => this.#budgets.ask(session, what, signal),
      pause: (runId, reason) => this.#pause(runId, reason),
      log: ports.append,
      durable: () => store.log.durable(),
      thread: (runId) => store.runs.readThread(runId),
      onLost: (runId) => void this.#open.promise.then(() => this.#recovery.check(runId)),
      reportProblem: ports.reportProblem,
    });
  }

  /** Sessions are known before any role runs. */
  #recover(): void {
    const { store, append } = this.#ports, left = store.sessions.listUnended();
    const sessions = left.filter(({ state }) => state !== "FAILED_NEEDS_HUMAN");
    if (sessions.length === 0) return;
    this.#recovering = this.#host.recover(sessions, (session) => this.#definitionOf(session)).then((found) =>
      append({ source: "kernel", type: "kernel.sessions_recovered", refId: null, causeId: null, payload: found })
    );
  }

  /**
   * Continues the sessions of an earlier daemon; `startRuns` lets runs continue and be paused. Resolves when all is
   * recovered and people have been asked about lost sessions, or when that takes too long.
   */
  async start(startRuns: () => void): Promise<void> {
    this.#recover();
    startRuns();
    this.#open.resolve();
    this.#sweepDaily(archiveFirstMs);
    const late = Promise.withResolvers<void>();
    const cancel = this.#ports.clock.after(sessionsStartMaxMs, () => late.resolve());
    const settled = Promise.all([this.#recovering, this.#recovery.recover(), this.#leaves.recover()]).then(() =>
      this.#recovery.settled()
    );
    await Promise.race([settled, late.promise]);
    cancel();
  }

  /** The id of the open request that keeps a paused run from resuming; null if there is none. */
  findOpenRequest(runId: string): string | null {
    return this.#recovery.findOpen(runId)?.id ?? null;
  }

  #definitionOf({ workflow, agent }: Pick<SessionRecord, "workflow" | "agent">): AgentDefinition | null {
    return this.#ports.current.config.workflows.get(workflow)?.agents.get(agent) ?? null;
  }

  async #onDecided(approval: Approval): Promise<void> {
    const { kind, runId, decision } = approval;
    if (kind === "leave") this.#leaves.onDecided(approval);
    if (kind === "budget") this.#budgets.onDecided(approval);
    if (kind !== "session") return;
    const turn = this.#recovery.check(runId);
    // A retry may take long.
    if (decision !== "retry") await turn;
  }

  /** False: the run is not assigned to the process. */
  onReport(process: UnitProcess, report: PromptReport): boolean {
    const { runId, n } = report, key = `${process.id} ${n}`, workflow = process.spec.name;
    if (report.t === "prompt_end") {
      const asked = this.#asked.get(key);
      if (asked?.origin.runId === runId) this.#host.cancel(asked.origin, asked.ask);
      return true;
    }
    if (!this.#ports.workflows.isAssigned(process.id, runId)) return false;
    const { round, role, ask } = report, definition = this.#definitionOf({ workflow, agent: ask.agent });
    if (definition === null) {
      const message = `nerve.yaml does not give it to workflow ${workflow}`;
      process.send({ t: "prompted", n, answer: { ok: false, message } });
      return true;
    }
    const origin = { runId, workflow, round, role };
    this.#asked.set(key, { origin, ask });
    void this.#host.prompt(origin, ask, definition).then((answer) => {
      this.#asked.delete(key);
      process.send({ t: "prompted", n, answer });
    });
    return true;
  }

  onRun({ runId, status }: Run): void {
    if (isTerminal(status)) void this.#host.endRun(runId, `its run is ${status}`);
  }

  /** False: the run could not be paused, and has not ended. */
  async #pause(runId: string, reason: string): Promise<boolean> {
    try {
      await this.#ports.workflows.pauseRun(runId, reason);
      return true;
    } catch (thrown) {
      // It has ended on its own.
      if (thrown instanceof NerveError && thrown.code === "RUN_ENDED") return true;
      this.#ports.reportProblem(`run ${runId} could not be paused: ${messageOf(thrown)}`);
      return false;
    }
  }

  #warnUnconfined(agent: string): void {
    const message = `agent ${agent} works with confine: none: it may do all that you may`;
    this.#ports.emit({ kind: "log", source: "kernel", level: "warn", message, ts: this.#ports.clock.now() });
  }

  /**
   * Accepts no more prompts, and gives running roles time to finish. If any role waits for an agent, that time is the
   * longest `drain_timeout` of their workflows, or less if all prompts end sooner. The next daemon continues what is
   * left.
   */
  async stopRoles(now: boolean): Promise<void> {
    const { workflows, clock, current: { config } } = this.#ports, began = clock.monotonic();
    const asked = [...this.#asked.values()].map(({ origin }) => config.workflows.get(origin.workflow)?.drainTimeoutMs);
    const drained = this.#host.drain();
    if (now || asked.length === 0) return await workflows.stop(now ? 0 : undefined);
    let cancel: CancelTimer = () => {};
    void drained.then(() => {
      const restMs = Math.max(0, stopDrainMs - (clock.monotonic() - began));
      cancel = clock.after(restMs, () => void workflows.stop(0));
    });
    await workflows.stop(Math.max(...asked.map((ms = stopDrainMs) => boundDrain(ms))));
    cancel();
  }

  /** Ends a session at a person's request. The end is on disk with the next commit. */
  endSession(session: SessionRecord, reason: string): Promise<void> {
    return this.#host.endSession(session, reason);
  }

  /** Resolves when all that agents have reported so far is in the files. */
  flushTranscripts(): Promise<void> {
    return this.#transcripts.flush();
  }

  /** Transcripts are kept as long as the log. */
  #sweepDaily(afterMs: number): void {
    const { clock, current, reportProblem } = this.#ports;
    this.#cancelSweep = clock.after(afterMs, () => {
      this.#transcripts.sweep(current.config.retentionMs).catch((thrown) => {
        reportProblem(`old transcripts of agents cannot be removed: ${messageOf(thrown)}`);
      });
      this.#sweepDaily(dayMs);
    });
  }

  async stop(): Promise<void> {
    this.#cancelSweep();
    await this.#host.stop();
    await this.#transcripts.flush();
  }
}

/** A workflow that sets more than the default makes `nerve stop` wait that long. */
function boundDrain(ms: number): number {
  return ms > defaultDrainTimeoutMs ? ms : Math.min(ms, promptDrainMaxMs);
}
