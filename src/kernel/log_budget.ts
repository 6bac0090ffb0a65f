/**
 * Bounds how much one unit writes into the log: the rows and lines that its user code logs, and the bytes of all its
 * rows. A group's quota covers its databases but not the log, so one sense could fill the disk with signals (measured:
 * 25 MiB/s). Created by wiring.ts.
 * I1. A row that user code logs is dropped while its unit is over the budget. The caller counts and reports that.
 * I2. A signal is never dropped: the unit's next computes wait until the budget allows them, and their triggers
 *     coalesce meanwhile.
 */
import { formatSize } from "../base/duration.ts";
import { logBytesBurstMax, logBytesPerSecondMax, logRowsBurstMax, logRowsPerSecondMax } from "../base/limits.ts";
import type { CancelTimer, Clock } from "../base/time.ts";
import { TokenBucket } from "../base/token_bucket.ts";
import type { Json } from "../protocol/json.ts";
import type { NewLogRow } from "../protocol/log.ts";
import type { UnitKey } from "../protocol/unit.ts";

/**
 * The same limits over a day: at the rates above, a unit would fill any disk before its rows are archived. Excess rows
 * that user code logs are dropped; signals are never dropped, but slowed down.
 */
export const loggedRowsPerDayMax = 1_000_000;
export const loggedBytesPerDayMax = 256 * 1024 ** 2;
export const rowBytesPerDayMax = 2 * 1024 ** 3;
const daySeconds = 24 * 60 * 60;

const limit = `more than ${formatSize(logBytesPerSecondMax)} a second into the log`;
export const logBudgetTexts = {
  tooMany: `writes more than ${logRowsPerSecondMax} rows or lines a second; the excess is dropped`,
  dropped: `writes ${limit}; rows that it logs are dropped`,
  waits: `writes ${limit}; its computes wait`,
  spent: `logged ${loggedRowsPerDayMax} rows or ${
    formatSize(loggedBytesPerDayMax)
  } within a day; the excess is dropped`,
} as const;

export interface LogBudgetPorts {
  unitOf(sense: string): UnitKey;
  /** A compute of the unit has to wait. */
  onSpent(unit: UnitKey): void;
}

export class LogBudget {
  readonly #clock: Clock;
  readonly #ports: LogBudgetPorts;
  readonly #budgets = new Map<UnitKey, Budget>();
  readonly #waiting = new Map<CancelTimer, () => void>();
  #stopped = false;

  constructor(clock: Clock, ports: LogBudgetPorts) {
    this.#clock = clock;
    this.#ports = ports;
  }

  /** Pays for a row that user code logs, or for a line without a row (null). Returns why it must be dropped, or null. */
  refuse(unit: UnitKey, payload: Json): string | null {
    const { rows, bytes, dayRows, dayBytes } = this.#budgetOf(unit);
    if (!rows.tryTake()) return logBudgetTexts.tooMany;
    if (payload === null) return null;
    if (bytes.charge(0) > 0) return logBudgetTexts.dropped;
    if (dayBytes.charge(0) > 0 || !dayRows.tryTake()) return logBudgetTexts.spent;
    for (const budget of [bytes, dayBytes]) budget.charge(sizeOf(payload));
    return null;
  }

  /** Pays for a row of a sense that is written in any case. */
  payFor({ refId, payload }: NewLogRow): void {
    if (refId === null) return;
    const { bytes, day } = this.#budgetOf(this.#ports.unitOf(refId));
    for (const budget of [bytes, day]) budget.charge(sizeOf(payload));
  }

  /** Runs a compute once its unit is within its budget, or the kernel stops. */
  async pace<T>(sense: string, compute: () => Promise<T>): Promise<T> {
    const unit = this.#ports.unitOf(sense), { bytes, day } = this.#budgetOf(unit);
    const ms = Math.max(bytes.charge(0), day.charge(0));
    if (ms > 0 && !this.#stopped) {
      this.#ports.onSpent(unit);
      await this.#delay(ms);
    }
    return await compute();
  }

  #delay(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#clock.after(ms, () => {
        this.#waiting.delete(cancel);
        resolve();
      });
      this.#waiting.set(cancel, resolve);
    });
  }

  /** Releases all waiting computes. */
  stop(): void {
    this.#stopped = true;
    for (const [cancel, resolve] of this.#waiting) {
      cancel();
      resolve();
    }
    this.#waiting.clear();
  }

  #budgetOf(unit: UnitKey): Budget {
    const known = this.#budgets.get(unit), clock = this.#clock;
    if (known !== undefined) return known;
    const made = {
      rows: new TokenBucket(clock, logRowsPerSecondMax, logRowsBurstMax),
      bytes: new TokenBucket(clock, logBytesPerSecondMax, logBytesBurstMax),
      day: dailyBucket(clock, rowBytesPerDayMax),
      dayRows: dailyBucket(clock, loggedRowsPerDayMax),
      dayBytes: dailyBucket(clock, loggedBytesPerDayMax),
    };
    this.#budgets.set(unit, made);
    return made;
  }
}

interface Budget {
  readonly rows: TokenBucket;
  readonly bytes: TokenBucket;
  /** All rows of the unit over a day; the next two count only what its user code logged. */
  readonly day: TokenBucket;
  readonly dayRows: TokenBucket;
  readonly dayBytes: TokenBucket;
}

function dailyBucket(clock: Clock, perDay: number): TokenBucket {
  return new TokenBucket(clock, perDay / daySeconds, perDay);
}

/** The approximate size of a row: its payload as JSON, and 100 bytes for the rest. */
function sizeOf(payload: Json): number {
  return 100 + JSON.stringify(payload).length;
}
