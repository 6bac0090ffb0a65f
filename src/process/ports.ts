/**
 * The plans that unit_supervisor.ts takes, the status that it shows, and the events and questions that the kernel
 * handles.
 */
import type { SweepResult } from "../base/program_sweep.ts";
import type { FromProcess, ProcessSpec } from "../protocol/message.ts";
import type { UnitKey } from "../protocol/unit.ts";
import type { ProcessEnd } from "./exit_cause.ts";
import type { LaunchRequest } from "./launcher.ts";
import type { UnitProcess } from "./unit_process.ts";

/** One unit as configured. */
export interface UnitPlan {
  readonly key: UnitKey;
  readonly spec: ProcessSpec;
  readonly request: LaunchRequest;
  /** True: its process does not end when idle. */
  readonly keepAlive: boolean;
  /** True: its process is not replaced, because its code on disk cannot be used. */
  readonly pinned: boolean;
  /** Why it must not run under any circumstances; null when it may. */
  readonly blocked: string | null;
}

export interface SupervisorPorts {
  onReady(key: UnitKey, process: UnitProcess): void;
  onMessage(key: UnitKey, process: UnitProcess, message: FromProcess): void;
  onOutput(key: UnitKey, line: string): void;
  /** Reports the programs that its user code left running when a compute, an attempt or the process ended. */
  onPrograms(key: UnitKey, swept: SweepResult): void;
  /** Its process uses much processor time without work. It is ended if it continues, or misses the next heartbeat. */
  onBurning(key: UnitKey): void;
  /** Returns the end, with what is known of the process's work added to its message. */
  explainEnd(process: UnitProcess, end: ProcessEnd): ProcessEnd;
  /** `wanted`: the end was requested; false for a death. */
  onEnd(key: UnitKey, process: UnitProcess, end: ProcessEnd, wanted: boolean): void;
  /** No process could be started, for a reason that is not the unit's fault. It is retried after a backoff. */
  onNotStarted(key: UnitKey, reason: string): void;
  onQuarantined(key: UnitKey, reason: string): void;
  /** The unit may start a process again: its backoff is over, or it was reset. */
  onAvailable(key: UnitKey): void;
  /** Whether this process has unfinished work. */
  isBusy(key: UnitKey, process: UnitProcess): boolean;
  /** When a schedule next needs the unit, in wall milliseconds; null when none does. */
  nextDueAt(key: UnitKey): number | null;
}

export interface UnitStatus {
  readonly key: UnitKey;
  /** `waiting`: it is needed, but it is not its turn to start. */
  readonly state: "stopped" | "waiting" | "starting" | "running" | "backoff" | "quarantined" | "held";
  readonly reason: string | null;
  readonly pid: number | null;
  readonly deaths: number;
}
