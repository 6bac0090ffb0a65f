/**
 * Handles the events of processes: passes their messages to the sense manager and the workflow manager, checks that a
 * process reports only on its own senses and runs, and writes the log rows and events of its life cycle. Created by
 * wiring.ts; called by process/unit_supervisor.ts.
 * I1. A message about another unit's sense or run, or of the wrong kind for its unit, is rejected, counted and logged.
 */
import type { SweepResult } from "../base/program_sweep.ts";
import type { Clock } from "../base/time.ts";
import { groupMembers } from "../config/types.ts";
import type { CurrentConfig } from "../deploy/current_config.ts";
import type { ProcessEnd } from "../process/exit_cause.ts";
import type { SupervisorPorts } from "../process/ports.ts";
import type { UnitSupervisor } from "../process/unit_supervisor.ts";
import type { UnitProcess } from "../process/unit_process.ts";
import type { KernelEvent } from "../protocol/event.ts";
import type { NewLogRow } from "../protocol/log.ts";
import type { FromProcess, LoadProblem } from "../protocol/message.ts";
import { formatPlace } from "../protocol/signal_text.ts";
import { parseUnitKey, type UnitKey } from "../protocol/unit.ts";
import type { Scheduler } from "../scheduler/scheduler.ts";
import type { ComputeRunner } from "../sensing/compute_runner.ts";
import type { SenseManager } from "../sensing/manager.ts";
import type { RepeatLimiter } from "../sensing/repeat_limiter.ts";
import type { WorkflowManager } from "../workflow/local/manager.ts";
import type { Agents } from "./agents.ts";
import type { DatabaseWatch } from "./database_watch.ts";
import type { SignalDelivery } from "./signal_delivery.ts";
import { logBudgetTexts } from "./log_budget.ts";
import { addGroupMemoryHint } from "./group_memory_hint.ts";
import type { OutboxRecovery } from "./outbox_recovery.ts";
import type { StuckPrograms } from "./stuck_programs.ts";
import type { UnitNotices } from "./unit_notices.ts";
import { burningText, describeExit, finishesWork, isAbout } from "./unit_messages.ts";
import { toExitKind } from "./workflow_host.ts";

export interface ProcessEventPorts {
  readonly current: CurrentConfig;
  readonly clock: Clock;
  readonly supervisor: Pick<
    UnitSupervisor,
    "downReasonOf" | "resetUnit" | "quarantineProcess" | "noteWork" | "findProcess"
  >;
  readonly runner: ComputeRunner;
  readonly senses: SenseManager;
  readonly workflows: WorkflowManager;
  readonly scheduler: Pick<Scheduler, "nextDueAt">;
  readonly delivery: Pick<SignalDelivery, "resume">;
  readonly databases: Pick<DatabaseWatch, "onReady" | "onLoaded" | "onEnd" | "onUnshared">;
  readonly outboxes: Pick<OutboxRecovery, "onLoaded" | "onEnd" | "onAvailable">;
  readonly agents: Pick<Agents, "onReport">;
  readonly notices: UnitNotices;
  readonly stuck: StuckPrograms;
  readonly repeats: RepeatLimiter;
  append(row: NewLogRow): unknown;
  emit(event: KernelEvent): void;
}

export class ProcessEvents implements SupervisorPorts {
  readonly #ports: ProcessEventPorts;
  readonly #clock: Clock;
  readonly #loaded = new WeakMap<UnitProcess, Map<string, number>>();
  /** How many messages were rejected. */
  rejected = 0;

  constructor(ports: ProcessEventPorts) {
    this.#ports = ports;
    this.#clock = ports.clock;
  }

  /** How many log rows and lines of output were dropped because a unit exceeded its rate. */
  get dropped(): number {
    return this.#ports.notices.dropped;
  }

  onReady(key: UnitKey, process: UnitProcess): void {
    this.#ports.stuck.onReady(key, process);
    this.#ports.notices.recordChange(key, "ready", `process ${process.pid} is ready`);
    this.#ports.databases.onReady(process.spec.senses.map(({ name }) => name));
    this.#ports.runner.onReady(process);
  }

  onMessage(key: UnitKey, process: UnitProcess, message: FromProcess): void {
    const { senses, runner, workflows, notices } = this.#ports;
    switch (message.t) {
      case "outcome":
        if (!runner.onOutcome(process, message)) {
          return this.#reject(key, message, `an outcome of compute ${message.id}`);
        }
        return this.#ports.supervisor.noteWork(key);
      case "loaded":
        this.#noteLoaded(process, message.name);
        if (!isAbout(process, message.name)) return this.#reject(key, message, `to have loaded ${message.name}`);
        runner.onLoaded(process, message.name, message.problems.length === 0);
        this.#ports.outboxes.onLoaded(message.name);
        if (message.problems.length === 0) this.#ports.databases.onLoaded(message.name);
        // A load that a stop interrupts has not failed: results no longer count.
        if (runner.stopping) return;
        if (process.spec.kind === "workflow") this.#onWorkflowLoaded(key, process, message);
        else if (
          message.problems.length === 0 ||
          notices.mayWrite(key, message.problems.map((each) => ({ ...each })))
        ) {
          senses.onLoaded(message.name, message.problems);
        }
        return;
      case "undelivered":
        return this.#onUndelivered(key, process, message);
      case "log":
        return this.#onLog(key, process, message);
      case "message":
      case "finished":
      case "may_begin":
      case "role_begun":
      case "attempt_failed":
      case "probed":
      case "wait":
      case "closing":
      case "closed":
        if (process.spec.kind !== "workflow") {
          return this.#reject(key, message, `a ${message.t} of run ${message.runId}`);
        }
        if (finishesWork(message.t)) this.#noteWorkOn(key, process, message.runId);
        return workflows.onMessage({ id: process.id, workflow: process.spec.name }, message);
      case "prompt":
      case "prompt_end":
        if (this.#ports.agents.onReport(process, message)) return;
        return this.#reject(key, message, `a ${message.t} of run ${message.runId}`);
      case "stray":
        return this.#onStray(key, message);
      case "unshared":
        return this.#ports.databases.onUnshared(message.sense);
      case "exit_refused":
        return this.#ports.notices.record(key, "warn", describeExit(message.code));
      default:
        // ready, pong and fault are handled in process/unit_process.ts.
        return;
    }
  }

  onPrograms(key: UnitKey, swept: SweepResult): void {
    this.#ports.stuck.onSwept(key, swept);
  }

  #noteWorkOn(key: UnitKey, process: UnitProcess, runId: string): void {
    if (this.#ports.workflows.isAssigned(process.id, runId)) this.#ports.supervisor.noteWork(key);
  }

  onBurning(key: UnitKey): void {
    this.#ports.notices.record(key, "warn", burningText);
  }

  onOutput(key: UnitKey, line: string): void {
    if (!this.#ports.notices.mayWrite(key)) return;
    this.#ports.emit({ kind: "log", source: key, level: "info", message: line, ts: this.#clock.now() });
  }

  explainEnd(process: UnitProcess, end: ProcessEnd): ProcessEnd {
    return addGroupMemoryHint(process.spec, end, this.#ports.runner.countLoaded(process));
  }

  onEnd(key: UnitKey, process: UnitProcess, end: ProcessEnd, wanted: boolean): void {
    const { runner, workflows } = this.#ports;
    this.#ports.notices.recordEnd(key, process.pid, end, wanted);
    runner.onProcessEnd(process, end);
    this.#ports.outboxes.onEnd(key, !wanted);
    this.#ports.databases.onEnd(process.spec.senses.map(({ name }) => name));
    if (process.spec.kind === "workflow") {
      workflows.onProcessExit(process.id, { kind: toExitKind(end, wanted), message: end.message });
    }
  }

  onNotStarted(key: UnitKey, reason: string): void {
    this.#ports.notices.record(key, "warn", `its process ${reason}; it is tried again`, "not started");
  }

  onQuarantined(key: UnitKey, reason: string): void {
    const { kind, name } = parseUnitKey(key), [first] = groupMembers(this.#ports.current.config, name);
    // Groups have no command of their own: any of the group's senses stands for it.
    const reset = kind === "workflow" ? `workflow reset ${name}` : `sense reset ${first?.name ?? name}`;
    this.#ports.notices.recordChange(
      key,
      "quarantined",
      `${reason}; it stays down until its files change: nerve ${reset} lets it run again`,
    );
  }

  /** Resets a unit on request. Returns whether there was a quarantine or a backoff to lift. */
  resetUnit(key: UnitKey): boolean {
    const { supervisor } = this.#ports;
    const why = supervisor.downReasonOf(key);
    const lifted = supervisor.resetUnit(key);
    if (lifted) this.#ports.notices.recordChange(key, "reset", `was reset; before: ${why}`);
    return lifted;
  }

  onAvailable(key: UnitKey): void {
    const { kind, name } = parseUnitKey(key);
    if (kind === "workflow") this.#ports.workflows.onWorkflowAvailable(name);
    else {
      const senses = this.#sensesOf(name);
      this.#ports.outboxes.onAvailable(key, senses);
      this.#ports.delivery.resume(senses);
    }
  }

  isBusy(_key: UnitKey, process: UnitProcess): boolean {
    return process.spec.kind === "group"
      ? this.#ports.runner.isBusy(process)
      : this.#ports.workflows.isBusy(process.id);
  }

  nextDueAt(key: UnitKey): number | null {
    const { kind, name } = parseUnitKey(key);
    if (kind !== "group") return null;
    return this.#ports.scheduler.nextDueAt(this.#sensesOf(name));
  }

  /** When the process reported that it loaded this sense or workflow, in monotonic time; Infinity if it has not. */
  loadedAt(process: UnitProcess, name: string): number {
    return this.#loaded.get(process)?.get(name) ?? Infinity;
  }

  /** The unit is over its log budget, and a compute has to wait. */
  onLogBudgetSpent(key: UnitKey): void {
    this.#ports.notices.record(key, "warn", logBudgetTexts.waits);
  }

  /** The unit's files changed: new work goes to a new process (deploy/reload.ts). */
  onReplaced(key: UnitKey): void {
    const { kind, name } = parseUnitKey(key), message = "its files changed: new work gets a new process";
    this.#ports.notices.append(key, "group.replaced", name, { message });
    this.#ports.emit({ kind: "log", source: key, level: "info", message, ts: this.#clock.now() });
    // Resumes what the old code could not load for.
    if (kind === "group") this.#ports.delivery.resume(this.#sensesOf(name));
  }

  #onUndelivered(key: UnitKey, process: UnitProcess, message: Extract<FromProcess, { t: "undelivered" }>): void {
    const { sense, compute } = message,
      taken = isAbout(process, sense) ? this.#ports.senses.onUndelivered(message) : null;
    if (taken === null) return this.#reject(key, message, `an outcome of compute ${compute}`);
    void taken.then((fault) => process.send({ t: "taken", sense, fault }));
  }

  #sensesOf(group: string): string[] {
    return groupMembers(this.#ports.current.config, group).map((sense) => sense.name);
  }

  #noteLoaded(process: UnitProcess, name: string): void {
    const loaded = this.#loaded.get(process) ?? new Map<string, number>();
    if (isAbout(process, name)) loaded.set(name, this.#clock.monotonic());
    this.#loaded.set(process, loaded);
  }

  /** If the code does not load, the runs wait for code that does: they are not to blame, and may be far advanced. */
  #onWorkflowLoaded(
    key: UnitKey,
    process: UnitProcess,
    { problems: [first], ...loaded }: Extract<FromProcess, { t: "loaded" }>,
  ): void {
    if (first === undefined) {
      // Code that was replaced proves nothing about the current code.
      if (this.#ports.supervisor.findProcess(key) !== process) return;
      return this.#ports.workflows.onLoaded(loaded.name, loaded.finally === true);
    }
    const { message, place } = first, where = formatPlace(place);
    this.#ports.supervisor.quarantineProcess(key, process, `cannot be loaded: ${message}${where}`);
  }

  #onLog(key: UnitKey, process: UnitProcess, message: Extract<FromProcess, { t: "log" }>): void {
    const { of, level, message: text, data } = message, { kind, name } = process.spec, isGroup = kind === "group";
    const owns = isGroup ? isAbout(process, of) : this.#ports.workflows.isAssigned(process.id, of);
    if (!owns) return this.#reject(key, message, `a log row of ${isGroup ? of : `run ${of}`}`);
    if (!this.#ports.notices.mayWrite(key, [text, data])) return;
    const source = isGroup ? `sense:${of}` as const : `workflow:${name}` as const;
    this.#ports.notices.append(source, isGroup ? "sense.log" : "run.log", of, { level, message: text, data });
    this.#ports.emit({ kind: "log", source, level, message: text, ts: this.#clock.now() });
  }

  /** The sense that caused it is unknown, so it is a problem of the unit. Repetitions are folded. */
  #onStray(key: UnitKey, { message: text, place }: LoadProblem): void {
    const { name } = parseUnitKey(key);
    const message = `${text}${formatPlace(place)}`;
    const row = { source: key, type: "group.error", refId: name, causeId: null, payload: { message } } as const;
    if (!this.#ports.repeats.record(row, message)) return;
    this.#ports.emit({ kind: "problem", source: key, message, ts: this.#clock.now() });
  }

  /** Rejections are folded by kind of message: a flood of one kind must not hide another. */
  #reject(key: UnitKey, { t }: FromProcess, what: string): void {
    this.rejected++;
    this.#ports.notices.record(
      key,
      "warn",
      `its process claimed ${what}, which is not its own; rejected`,
      `rejected ${t}`,
    );
  }
}
