/** What supervisor.ts takes and shows, and what it asks of the kernel: who needs what, and who wants to hear of it. */
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
  /** True: its process is never ended for being idle. */
  readonly keepAlive: boolean;
}

export interface SupervisorPorts {
  onReady(key: UnitKey, process: UnitProcess): void;
  onMessage(key: UnitKey, process: UnitProcess, message: FromProcess): void;
  onOutput(key: UnitKey, line: string): void;
  /** Its process uses a whole core while nothing is asked of it; it ends unless it answers the next heartbeat. */
  onBurning(key: UnitKey): void;
  /** `wanted` is false for a death. */
  onEnd(key: UnitKey, process: UnitProcess, end: ProcessEnd, wanted: boolean): void;
  onQuarantined(key: UnitKey, reason: string): void;
  /** The unit may start a process again: its backoff is over, or it was reset. */
  onAvailable(key: UnitKey): void;
  /** Whether work is under way in this process. */
  busy(key: UnitKey, process: UnitProcess): boolean;
  /** When the unit will next be needed by a schedule, in wall milliseconds. */
  nextDueAt(key: UnitKey): number | null;
}

export interface UnitStatus {
  readonly key: UnitKey;
  readonly state: "stopped" | "starting" | "running" | "backoff" | "quarantined";
  readonly reason: string | null;
  readonly pid: number | null;
  readonly memoryBytes: number | null;
  readonly deaths: number;
}
