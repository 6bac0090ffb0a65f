/**
 * One alert of the configuration in memory: its definition, its states, and its reported faults. Used by
 * alert_runner.ts.
 */
import { alertFaultsTold, alertKeysMax } from "../base/alert_limits.ts";
import { type Moment, momentBefore, msSince, readMoment } from "../base/moment.ts";
import type { Clock } from "../base/time.ts";
import type { AlertCounters, AlertDefinition, AlertSilence } from "../protocol/alert.ts";
import type { AlertRecord } from "./record.ts";
import { CompiledAlert } from "./rule.ts";

/** Starts of the workflow since `from` (monotonic), and how many more were skipped (`left`). */
export interface LimitWindow {
  readonly from: number;
  readonly started: number;
  readonly left: number;
}

export class AlertEntry {
  compiled: CompiledAlert;
  readonly records = new Map<string, AlertRecord>();
  readonly counters: AlertCounters = { evaluated: 0, failed: 0, limited: 0, silenced: 0, keysRefused: 0 };
  silences: readonly AlertSilence[] = [];
  window: LimitWindow | null = null;
  problem: string | null = null;
  readonly #reportedFaults = new Set<string>();

  readonly clock: Clock;

  constructor(definition: AlertDefinition, clock: Clock) {
    this.compiled = new CompiledAlert(definition);
    this.clock = clock;
  }

  /**
   * Identifies, together with the name, what stored states belong to: with another sense or key they have another
   * meaning.
   */
  get mark(): string {
    const { sense, key } = this.compiled.definition;
    return JSON.stringify([sense, key]);
  }

  get name(): string {
    return this.compiled.definition.name;
  }

  redefine(definition: AlertDefinition): void {
    this.compiled = new CompiledAlert(definition);
    this.problem = null;
    this.#reportedFaults.clear();
  }

  /** Returns true the first time that this fault occurs, so that it is reported once. */
  isNewFault(kind: string, message: string): boolean {
    this.problem = message;
    if (this.#reportedFaults.has(kind) || this.#reportedFaults.size >= alertFaultsTold) return false;
    this.#reportedFaults.add(kind);
    return true;
  }

  /** A state that may be forgotten to make room for a new key; null: there is room; undefined: there is none. */
  findRoom(): AlertRecord | null | undefined {
    if (this.records.size < alertKeysMax) return null;
    // The absence of a forgotten key would never be reported.
    if (this.compiled.rule.absentMs !== null) return undefined;
    for (const record of this.records.values()) {
      if (record.machine.status === "inactive" && record.due.length === 0) return record;
    }
    return undefined;
  }

  /** The wall time at which the last silence for the key ends; null when there is none. */
  silencedUntil(key: string, now: number): number | null {
    const ends = this.silences.filter((each) => each.until > now && (each.key === null || each.key === key));
    return ends.length === 0 ? null : Math.max(...ends.map(({ until }) => until));
  }

  count(status: AlertRecord["machine"]["status"]): number {
    let count = 0;
    for (const { machine } of this.records.values()) if (machine.status === status) count++;
    return count;
  }
}

export function windowToStored(window: LimitWindow, clock: Clock): string {
  const from = momentBefore(readMoment(clock), Math.round(clock.monotonic() - window.from));
  return JSON.stringify({ ...window, from });
}

export function windowFromStored(text: string | null, clock: Clock): LimitWindow | null {
  if (text === null) return null;
  const { from, ...rest } = JSON.parse(text) as Omit<LimitWindow, "from"> & { readonly from: Moment };
  return { ...rest, from: clock.monotonic() - msSince(clock, from) };
}
