/**
 * What the processes say and what becomes of them: passes messages to the sense desk and the workflow manager, checks
 * that a process speaks only for its own, and writes the rows and events of its life. Made by kernel.ts for supervisor.ts.
 * I1. A message for another group's sense, or of the wrong kind for its unit, is refused, counted and logged.
 */
import { logRowsBurstMax, logRowsPerSecondMax } from "../base/limits.ts";
import type { Clock } from "../base/time.ts";
import { TokenBucket } from "../base/token_bucket.ts";
import { groupMembers } from "../config/types.ts";
import type { CurrentConfig } from "../deploy/current_config.ts";
import type { ProcessEnd } from "../process/exit_cause.ts";
import type { SupervisorPorts } from "../process/ports.ts";
import type { Supervisor } from "../process/supervisor.ts";
import type { UnitProcess } from "../process/unit_process.ts";
import type { KernelEvent, UnitChange } from "../protocol/event.ts";
import type { JsonObject } from "../protocol/json.ts";
import type { LogSource, LogType, NewLogRow } from "../protocol/log.ts";
import type { FromProcess, LoadProblem, LogLevel } from "../protocol/message.ts";
import { formatPlace } from "../protocol/signal.ts";
import { parseUnitKey, type UnitKey } from "../protocol/unit.ts";
import type { Scheduler } from "../scheduler/scheduler.ts";
import type { ComputeRunner } from "../sensing/compute_runner.ts";
import type { SenseManager } from "../sensing/manager.ts";
import type { RepeatLimiter } from "../sensing/repeat_limiter.ts";
import type { WorkflowManager } from "../workflow/local/manager.ts";

export interface ProcessEventPorts {
  readonly current: CurrentConfig;
  readonly clock: Clock;
  readonly supervisor: Pick<Supervisor, "whyDown" | "reset" | "refuse">;
  readonly runner: ComputeRunner;
  readonly senses: SenseManager;
  readonly workflows: WorkflowManager;
  readonly scheduler: Pick<Scheduler, "nextDueAt">;
  readonly repeats: RepeatLimiter;
  append(row: NewLogRow): unknown;
  emit(event: KernelEvent): void;
}

export class ProcessEvents implements SupervisorPorts {
  readonly #ports: ProcessEventPorts;
  readonly #clock: Clock;
  readonly #loaded = new WeakMap<UnitProcess, Map<string, number>>();
  /** Messages that were refused, in all. */
  refused = 0;
  /** Rows of the log and lines of output that were dropped because a group said too much, in all. */
  dropped = 0;
  readonly #budgets = new Map<UnitKey, TokenBucket>();

  constructor(ports: ProcessEventPorts) {
    this.#ports = ports;
    this.#clock = ports.clock;
  }

  onReady(key: UnitKey, process: UnitProcess): void {
    this.#tell(key, "ready", `process ${process.pid} is ready`);
    this.#ports.runner.onReady(process);
  }

  onMessage(key: UnitKey, process: UnitProcess, message: FromProcess): void {
    const { senses, runner, workflows } = this.#ports;
    switch (message.t) {
      case "outcome":
        if (!runner.onOutcome(process, message)) this.#refuse(key, message, `an outcome of compute ${message.id}`);
        return;
      case "loaded":
        this.#noteLoaded(process, message.name);
        if (!speaksFor(process, message.name)) return this.#refuse(key, message, `to have loaded ${message.name}`);
        // What a stop interrupts is not broken: nothing is judged any more.
        if (runner.stopping) return;
        if (process.spec.kind === "workflow") this.#workflowLoaded(key, process, message);
        else if (this.#mayWrite(key)) senses.loaded(message.name, message.problems);
        return;
      case "log":
        return this.#log(key, process, message);
      case "message":
      case "finished":
      case "role_begun":
      case "attempt_failed":
        if (process.spec.kind !== "workflow") {
          return this.#refuse(key, message, `a ${message.t} of run ${message.runId}`);
        }
        return workflows.hear(speaker(process), message);
      case "stray":
        return this.#stray(key, message);
      case "exit_refused":
        return this.#say(key, "warn", `user code asked to end the process (exit code ${message.code}); refused`);
      default:
        // ready, pong and fault are the process's own business (unit_process.ts).
        return;
    }
  }

  onBurning(key: UnitKey): void {
    this.#say(
      key,
      "warn",
      "uses a whole core outside of any compute; it is ended unless it answers its next heartbeat",
    );
  }

  onOutput(key: UnitKey, line: string): void {
    if (!this.#mayWrite(key)) return;
    this.#ports.emit({ kind: "log", source: key, level: "info", message: line, ts: this.#clock.now() });
  }

  onEnd(key: UnitKey, process: UnitProcess, end: ProcessEnd, wanted: boolean): void {
    const { runner, workflows } = this.#ports;
    if (wanted) this.#tell(key, "ended", `process ${process.pid} ended: ${end.message}`);
    else this.#tell(key, "died", `process ${process.pid} ${end.message}`, { end: end.kind });
    runner.onEnd(process, end);
    if (process.spec.kind === "workflow") {
      const kind = end.kind === "recycled" ? "recycled" : wanted ? "idle" : "crash";
      workflows.processGone(process.id, { kind, message: end.message });
    }
  }

  onQuarantined(key: UnitKey, reason: string): void {
    const { kind, name } = parseUnitKey(key);
    const [first] = groupMembers(this.#ports.current.config, name);
    // A group has no command of its own: any of its senses stands for it.
    const reset = kind === "workflow" ? `workflow reset ${name}` : `sense reset ${first?.name ?? name}`;
    this.#tell(key, "quarantined", `${reason}; it stays down until its files change: nerve ${reset} lets it run again`);
  }

  /** On somebody's word: whether there was a quarantine or a wait to lift. */
  reset(key: UnitKey): boolean {
    const { supervisor } = this.#ports;
    const why = supervisor.whyDown(key);
    const lifted = supervisor.reset(key);
    if (lifted) this.#tell(key, "reset", `was reset; before: ${why}`);
    return lifted;
  }

  onAvailable(key: UnitKey): void {
    const { kind, name } = parseUnitKey(key);
    if (kind === "workflow") this.#ports.workflows.workflowAvailable(name);
  }

  busy(_key: UnitKey, process: UnitProcess): boolean {
    const { runner, workflows } = this.#ports;
    return process.spec.kind === "group" ? runner.busy(process) : workflows.busy(process.id);
  }

  nextDueAt(key: UnitKey): number | null {
    const { kind, name } = parseUnitKey(key);
    if (kind !== "group") return null;
    return this.#ports.scheduler.nextDueAt(groupMembers(this.#ports.current.config, name).map((sense) => sense.name));
  }

  /** When the process said that it had loaded this sense or workflow, in monotonic time; Infinity when it has not yet. */
  loadedAt(process: UnitProcess, name: string): number {
    return this.#loaded.get(process)?.get(name) ?? Infinity;
  }

  /** Its files changed: new work goes to a new process (reload.ts). */
  onReplaced(key: UnitKey): void {
    const { name } = parseUnitKey(key), message = "its files changed: new work gets a new process";
    this.#row(key, "group.replaced", name, { message });
    this.#ports.emit({ kind: "log", source: key, level: "info", message, ts: this.#clock.now() });
  }

  #noteLoaded(process: UnitProcess, name: string): void {
    const loaded = this.#loaded.get(process) ?? new Map<string, number>();
    if (speaksFor(process, name)) loaded.set(name, this.#clock.monotonic());
    this.#loaded.set(process, loaded);
  }

  /** Its runs wait for code that loads: they are not to blame, and may be long under way. */
  #workflowLoaded(
    key: UnitKey,
    process: UnitProcess,
    { problems: [first] }: Extract<FromProcess, { t: "loaded" }>,
  ): void {
    if (first === undefined) return;
    const { message, place } = first, where = formatPlace(place);
    this.#ports.supervisor.refuse(key, process, `cannot be loaded: ${message}${where}`);
  }

  #log(key: UnitKey, process: UnitProcess, message: Extract<FromProcess, { t: "log" }>): void {
    const { of, level, message: text, data } = message;
    const { kind, name } = process.spec;
    if (kind === "group") {
      if (!speaksFor(process, of)) return this.#refuse(key, message, `a log row of ${of}`);
      if (!this.#mayWrite(key)) return;
      this.#row(`sense:${of}`, "sense.log", of, { level, message: text, data });
      return this.#ports.emit({ kind: "log", source: `sense:${of}`, level, message: text, ts: this.#clock.now() });
    }
    if (!this.#ports.workflows.holds(process.id, of)) {
      return this.#refuse(key, message, `a log row of run ${of}`);
    }
    if (!this.#mayWrite(key)) return;
    this.#row(`workflow:${name}`, "run.log", of, { level, message: text, data });
    this.#ports.emit({ kind: "log", source: `workflow:${name}`, level, message: text, ts: this.#clock.now() });
  }

  /** Whether the unit may have one more row or line; what is dropped is counted here and in a row of its own. */
  #mayWrite(key: UnitKey): boolean {
    let budget = this.#budgets.get(key);
    if (budget === undefined) {
      this.#budgets.set(key, budget = new TokenBucket(this.#clock, logRowsPerSecondMax, logRowsBurstMax));
    }
    if (budget.tryTake()) return true;
    this.dropped++;
    this.#say(key, "warn", `says more than ${logRowsPerSecondMax} things a second; what is more is dropped`, "dropped");
    return false;
  }

  /** Something about the unit as a whole; however often it is said, the log and the terminal stay readable. */
  #say(key: UnitKey, level: LogLevel, message: string, kind: string = message): void {
    const { name } = parseUnitKey(key);
    const payload = { level, message };
    const news = this.#ports.repeats.record(
      { source: key, type: "group.said", refId: name, causeId: null, payload },
      kind,
    );
    if (news) this.#ports.emit({ kind: "log", source: key, level, message, ts: this.#clock.now() });
  }

  /** Whose sense it was is not known: it is a problem of the unit, told anew only when it is another one. */
  #stray(key: UnitKey, { message: text, place }: LoadProblem): void {
    const { name } = parseUnitKey(key);
    const message = `${text}${formatPlace(place)}`;
    const row = { source: key, type: "group.error", refId: name, causeId: null, payload: { message } } as const;
    if (!this.#ports.repeats.record(row, message)) return;
    this.#ports.emit({ kind: "problem", source: key, message, ts: this.#clock.now() });
  }

  /** Folded by what it claimed, not by whose: a flood of one claim must not hide another. */
  #refuse(key: UnitKey, { t }: FromProcess, what: string): void {
    this.refused++;
    this.#say(key, "warn", `its process claimed ${what}, which is not its own; refused`, `refused ${t}`);
  }

  #tell(key: UnitKey, change: UnitChange, message: string, more: JsonObject = {}): void {
    const { name } = parseUnitKey(key);
    this.#row(key, `group.${change}`, name, { message, ...more });
    this.#ports.emit({ kind: "unit", unit: key, change, message, ts: this.#clock.now() });
  }

  #row(source: LogSource, type: LogType, refId: string, payload: JsonObject): void {
    this.#ports.append({ source, type, refId, causeId: null, payload });
  }
}

/** Of a sense or a workflow. */
function speaksFor({ spec: { senses, workflow } }: UnitProcess, name: string): boolean {
  return workflow === null ? senses.some((each) => each.name === name) : workflow.name === name;
}

function speaker(process: UnitProcess): { id: number; workflow: string } {
  return { id: process.id, workflow: process.spec.name };
}
