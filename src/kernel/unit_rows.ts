/**
 * The log rows and events about units, within the rate at which a unit may write. Used by process_events.ts.
 */
import { logRowsBurstMax, logRowsPerSecondMax } from "../base/limits.ts";
import type { Clock } from "../base/time.ts";
import { TokenBucket } from "../base/token_bucket.ts";
import type { KernelEvent, UnitChange } from "../protocol/event.ts";
import type { JsonObject } from "../protocol/json.ts";
import type { LogSource, LogType, NewLogRow } from "../protocol/log.ts";
import type { LogLevel } from "../protocol/message.ts";
import { parseUnitKey, type UnitKey } from "../protocol/unit.ts";
import type { RepeatLimiter } from "../sensing/repeat_limiter.ts";

export interface UnitRowPorts {
  readonly clock: Clock;
  readonly repeats: RepeatLimiter;
  append(row: NewLogRow): unknown;
  emit(event: KernelEvent): void;
}

export class UnitRows {
  readonly #ports: UnitRowPorts;
  readonly #budgets = new Map<UnitKey, TokenBucket>();
  /** How many log rows and lines of output were dropped because a unit exceeded its rate. */
  dropped = 0;

  constructor(ports: UnitRowPorts) {
    this.#ports = ports;
  }

  /** Whether the unit may write one more row or line. Dropped ones are counted, and a row reports them. */
  mayWrite(key: UnitKey): boolean {
    let budget = this.#budgets.get(key);
    if (budget === undefined) {
      this.#budgets.set(key, budget = new TokenBucket(this.#ports.clock, logRowsPerSecondMax, logRowsBurstMax));
    }
    if (budget.tryTake()) return true;
    this.dropped++;
    this.recordNotice(
      key,
      "warn",
      `writes more than ${logRowsPerSecondMax} rows or lines a second; the excess is dropped`,
      "dropped",
    );
    return false;
  }

  /** Records a notice about the unit as a whole. Repetitions are folded, to keep the log and the terminal readable. */
  recordNotice(key: UnitKey, level: LogLevel, message: string, kind: string = message): void {
    const { name } = parseUnitKey(key), { repeats, emit, clock } = this.#ports;
    const payload = { level, message };
    const isNew = repeats.record({ source: key, type: "group.said", refId: name, causeId: null, payload }, kind);
    if (isNew) emit({ kind: "log", source: key, level, message, ts: clock.now() });
  }

  recordChange(key: UnitKey, change: UnitChange, message: string, more: JsonObject = {}): void {
    const { name } = parseUnitKey(key);
    this.append(key, `group.${change}`, name, { message, ...more });
    this.#ports.emit({ kind: "unit", unit: key, change, message, ts: this.#ports.clock.now() });
  }

  append(source: LogSource, type: LogType, refId: string, payload: JsonObject): void {
    this.#ports.append({ source, type, refId, causeId: null, payload });
  }
}
