/**
 * What a compute needs: the limits of its sense and the process of its group. process/unit_supervisor.ts implements
 * `ComputeHost`.
 */
import type { ToProcess } from "../protocol/message.ts";
import type { UnitKey } from "../protocol/unit.ts";

/** A sense and its limits, for the runner. */
export interface ComputeLimits {
  readonly sense: string;
  readonly unit: UnitKey;
  readonly timeoutMs: number;
  readonly gracePeriodMs: number;
}

/** The process of a group, as far as computes need it. Processes are compared by object identity. */
export interface ComputeProcess {
  readonly ready: boolean;
  send(message: ToProcess): void;
  kill(kind: "timeout", message: string): void;
}

/** The order of computes: those that a person waits for come first, then the earliest due. */
export interface ComputeOrder {
  readonly asked: boolean;
  /** Wall milliseconds. */
  readonly dueAt: number;
}

export interface ComputeHost {
  /**
   * The unit's process, which may be one that has yet to start in its turn. Null while none may start; see
   * `downReasonOf`.
   */
  getOrStartProcess(unit: UnitKey, order: ComputeOrder): ComputeProcess | null;
  downReasonOf(unit: UnitKey): string;
  /** Call this when a compute in the unit's process has ended. */
  release(unit: UnitKey): void;
}

/** How a process ended. `message` completes "its process ...". */
export interface ComputeProcessEnd {
  readonly kind: string;
  readonly message: string;
}
