/** What computing a sense needs: its limits and its group's process. process/unit_supervisor.ts implements `ComputeHost`. */
import type { ToProcess } from "../protocol/message.ts";
import type { UnitKey } from "../protocol/unit.ts";

/** What the runner needs to know of a sense. */
export interface ComputeLimits {
  readonly sense: string;
  readonly unit: UnitKey;
  readonly timeoutMs: number;
  readonly gracePeriodMs: number;
}

/** The process of a group, as far as computes need it. Two are the same only if they are the same object. */
export interface ComputeProcess {
  readonly ready: boolean;
  send(message: ToProcess): void;
  kill(kind: "timeout", message: string): void;
}

/** When a compute is needed: what a person waits for comes first, then what is due first. */
export interface ComputeOrder {
  readonly asked: boolean;
  /** Wall milliseconds. */
  readonly dueAt: number;
}

export interface ComputeHost {
  /**
   * The unit's process; if there is none, one that starts when it is its turn. Null while it may not start; see
   * `downReasonOf`.
   */
  getOrStartProcess(unit: UnitKey, order: ComputeOrder): ComputeProcess | null;
  downReasonOf(unit: UnitKey): string;
  /** Call this when a compute in the unit's process has ended. */
  release(unit: UnitKey): void;
}

/** How a process ended: `message` completes "its process ...". */
export interface ComputeProcessEnd {
  readonly kind: string;
  readonly message: string;
}
