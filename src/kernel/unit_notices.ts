/**
 * Writes the rows about units in bounded quantity: folds repeated notices, and limits the rows and lines that a unit's
 * own code may write. Created by wiring.ts for process_events.ts and stuck_programs.ts.
 */
import type { Clock } from "../base/time.ts";
import type { ProcessEnd } from "../process/exit_cause.ts";
import type { KernelEvent, UnitChange } from "../protocol/event.ts";
import type { Json, JsonObject } from "../protocol/json.ts";
import type { LogType, NewLogRow } from "../protocol/log.ts";
import type { LogSource } from "../protocol/log_source.ts";
import type { LogLevel } from "../protocol/message.ts";
import { parseUnitKey, type UnitKey } from "../protocol/unit.ts";
import type { RepeatLimiter } from "../sensing/repeat_limiter.ts";
import type { LogBudget } from "./log_budget.ts";

export interface UnitNoticesPorts {
  readonly clock: Clock;
  readonly repeats: Pick<RepeatLimiter, "record">;
  readonly logBudget: Pick<LogBudget, "refuse">;
  append(row: NewLogRow): unknown;
  emit(event: KernelEvent): void;
}

export class UnitNotices {
  readonly #ports: UnitNoticesPorts;
  /** How many log rows and lines of output were dropped because a unit exceeded its budget. */
  dropped = 0;

  constructor(ports: UnitNoticesPorts) {
    this.#ports = ports;
  }

  /** Records a notice about the unit as a whole. Repetitions are folded, to keep the log and the terminal readable. */
  record(key: UnitKey, level: LogLevel, message: string, kind: string = message): void {
    const { name } = parseUnitKey(key), { clock, repeats, emit } = this.#ports;
    const row = { source: key, type: "group.said", refId: name, causeId: null, payload: { level, message } } as const;
    if (repeats.record(row, kind)) emit({ kind: "log", source: key, level, message, ts: clock.now() });
  }

  recordChange(key: UnitKey, change: UnitChange, message: string, more: JsonObject = {}): void {
    this.append(key, `group.${change}`, parseUnitKey(key).name, { message, ...more });
    this.#ports.emit({ kind: "unit", unit: key, change, message, ts: this.#ports.clock.now() });
  }

  /** A process that never started has no end to record. */
  recordEnd(key: UnitKey, pid: number | null, { kind, message }: ProcessEnd, wanted: boolean): void {
    if (pid === null) return;
    if (wanted) this.recordChange(key, "ended", `process ${pid} ended: ${message}`);
    else this.recordChange(key, "died", `process ${pid} ${message}`, { end: kind });
  }

  append(source: LogSource, type: LogType, refId: string, payload: JsonObject): void {
    this.#ports.append({ source, type, refId, causeId: null, payload });
  }

  /** Whether the unit may write one more row, or a line if `payload` is null. Dropped ones are counted and reported. */
  mayWrite(key: UnitKey, payload: Json = null): boolean {
    const refusal = this.#ports.logBudget.refuse(key, payload);
    if (refusal === null) return true;
    this.dropped++;
    this.record(key, "warn", refusal);
    return false;
  }
}
