/** What supervisor.ts asks of the kernel: who needs what, and who wants to hear of it. */
import type { FromProcess } from "../protocol/message.ts";
import type { ProcessEnd } from "./exit_cause.ts";
import type { GroupProcess } from "./group_process.ts";
import type { UnitKey } from "./supervisor.ts";

export interface SupervisorPorts {
  onReady(key: UnitKey, process: GroupProcess): void;
  onMessage(key: UnitKey, process: GroupProcess, message: FromProcess): void;
  onOutput(key: UnitKey, line: string): void;
  /** Its process uses a whole core while nothing is asked of it; it ends unless it answers the next heartbeat. */
  onBurning(key: UnitKey): void;
  /** `wanted` is false for a death. */
  onEnd(key: UnitKey, process: GroupProcess, end: ProcessEnd, wanted: boolean): void;
  onQuarantined(key: UnitKey, reason: string): void;
  /** The unit may start a process again: its backoff is over, or it was reset. */
  onAvailable(key: UnitKey): void;
  /** Whether work is under way in this process. */
  busy(key: UnitKey, process: GroupProcess): boolean;
  /** When the unit will next be needed by a schedule, in wall milliseconds. */
  nextDueAt(key: UnitKey): number | null;
}
