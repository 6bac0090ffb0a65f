/**
 * Writes what a unit as a whole has to say, in bounded quantity: notices, of which repetitions are folded, and the limit
 * of the rows and lines that its own code may write. Created by wiring.ts for process_events.ts and stuck_programs.ts.
 */
import { logRowsBurstMax, logRowsPerSecondMax } from "../base/limits.ts";
import type { Clock } from "../base/time.ts";
import { TokenBucket } from "../base/token_bucket.ts";
import type { KernelEvent } from "../protocol/event.ts";
import type { LogLevel } from "../protocol/message.ts";
import { parseUnitKey, type UnitKey } from "../protocol/unit.ts";
import type { RepeatLimiter } from "../sensing/repeat_limiter.ts";

export interface UnitNoticesPorts {
  readonly clock: Clock;
  readonly repeats: Pick<RepeatLimiter, "record">;
  emit(event: KernelEvent): void;
}

export class UnitNotices {
  readonly #ports: UnitNoticesPorts;
  readonly #budgets = new Map<UnitKey, TokenBucket>();
  /** How many log rows and lines of output were dropped because a unit exceeded its rate. */
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

  /** Whether the unit may write one more row or line. Dropped ones are counted, and a row reports them. */
  mayWrite(key: UnitKey): boolean {
    let budget = this.#budgets.get(key);
    if (budget === undefined) {
      this.#budgets.set(key, budget = new TokenBucket(this.#ports.clock, logRowsPerSecondMax, logRowsBurstMax));
    }
    if (budget.tryTake()) return true;
    this.dropped++;
    const message = `writes more than ${logRowsPerSecondMax} rows or lines a second; the excess is dropped`;
    this.record(key, "warn", message, "dropped");
    return false;
  }
}
