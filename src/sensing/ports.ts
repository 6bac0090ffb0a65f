/** What computing a sense needs: its limits, and the process of its group. The kernel fits the latter to the supervisor. */
import type { ToProcess } from "../protocol/message.ts";
import type { UnitKey } from "../protocol/unit.ts";

/** What the runner needs to know of a sense. */
export interface ComputeLimits {
  readonly sense: string;
  readonly unit: UnitKey;
  readonly timeoutMs: number;
  readonly gracePeriodMs: number;
}

/** The process of a group, as far as its computes need it; two of them are the same when they are the same object. */
export interface ComputeProcess {
  readonly ready: boolean;
  send(message: ToProcess): void;
  kill(kind: "timeout", message: string): void;
}

export interface ComputeHost {
  /** The unit's process, started if there is none; null while it may not start: `whyDown` says why. */
  process(unit: UnitKey): ComputeProcess | null;
  whyDown(unit: UnitKey): string;
  /** A compute in the unit's process is over. */
  released(unit: UnitKey): void;
}

/** How a process ended: `message` completes "its process ...". */
export interface ComputeProcessEnd {
  readonly kind: string;
  readonly message: string;
}
