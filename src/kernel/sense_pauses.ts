/**
 * Senses that a user has paused: none of their reflexes starts a compute. Created by signal_delivery.ts; the scheduler
 * asks.
 * I1. A pause is on disk before its request is answered, and outlives the daemon. A pause with an end ends on time, or
 *     when the next daemon starts.
 * I2. No input of a sense is lost: signals and changed paths wait for it (sensing/signal_inbox.ts, watches/watches.ts).
 *     Missed ticks are not repeated one by one: together they make one compute.
 */
import type { CancelTimer, Clock } from "../base/time.ts";
import type { LogRow, LogType, NewLogRow } from "../protocol/log.ts";
import type { PauseSenseReply, PauseSenseRequest, SensePause } from "../protocol/sense_pause.ts";
import { describePause } from "../protocol/pause_text.ts";
import type { MetaStore } from "../store/log/meta_store.ts";

const prefix = "paused:", none = "null";

export interface SensePausePorts {
  readonly clock: Clock;
  readonly meta: Pick<MetaStore, "get" | "keys" | "setAll">;
  /** `values` are stored in the same commit. */
  append(row: NewLogRow, values: readonly (readonly [key: string, value: string])[]): LogRow;
  /** Resolves when what was appended is on disk. */
  durable(): Promise<unknown>;
  isSense(name: string): boolean;
  /** The sense is paused, and what waits in the scheduler must not compute. */
  onPaused(sense: string): void;
  /** The sense may compute again: anything that waits for it wakes it. */
  onResumed(sense: string): void;
}

export class SensePauses {
  readonly #ports: SensePausePorts;
  readonly #pauses = new Map<string, SensePause>();
  readonly #timers = new Map<string, CancelTimer>();

  constructor(ports: SensePausePorts) {
    this.#ports = ports;
    const { meta } = ports;
    for (const key of meta.keys(prefix)) {
      const pause = JSON.parse(meta.get(key) ?? none) as SensePause | null;
      if (pause !== null) this.#pauses.set(key.slice(prefix.length), pause);
    }
  }

  /** Ends pauses whose time is over, now and later. */
  start(): void {
    for (const [sense, { until }] of this.#pauses) this.#arm(sense, until);
  }

  stop(): void {
    for (const cancel of this.#timers.values()) cancel();
    this.#timers.clear();
    // The number of skipped triggers is not worth a write each time.
    this.#ports.meta.setAll([...this.#pauses].map(([sense, pause]) => [`${prefix}${sense}`, JSON.stringify(pause)]));
  }

  of(sense: string): SensePause | null {
    return this.#pauses.get(sense) ?? null;
  }

  isPaused(sense: string): boolean {
    return this.#pauses.has(sense);
  }

  /** Counts something that would have woken the sense. */
  onSkipped(sense: string): void {
    const pause = this.#pauses.get(sense);
    if (pause !== undefined) this.#pauses.set(sense, { ...pause, skipped: pause.skipped + 1 });
  }

  /** Warnings for people: a paused sense is easily forgotten. */
  warnings(): string[] {
    return [...this.#pauses].filter(([sense]) => this.#ports.isSense(sense)).map(([sense, pause]) =>
      `sense ${sense} is ${describePause(pause, this.#ports.clock.now())}: nerve sense resume ${sense}`
    );
  }

  /** A sense that is already paused gets the new end and reason. Null: there is no such sense. */
  async pause(sense: string, { forMs, reason }: PauseSenseRequest): Promise<PauseSenseReply | null> {
    if (!this.#ports.isSense(sense)) return null;
    const now = this.#ports.clock.now(), before = this.#pauses.get(sense);
    const pause: SensePause = {
      since: before?.since ?? now,
      until: forMs === undefined ? null : now + forMs,
      reason: reason ?? null,
      skipped: before?.skipped ?? 0,
    };
    this.#pauses.set(sense, pause);
    this.#append(sense, "sense.paused", { until: pause.until, reason: pause.reason }, pause);
    this.#ports.onPaused(sense);
    this.#arm(sense, pause.until);
    await this.#ports.durable();
    return { changed: before === undefined, paused: pause };
  }

  /** Null: there is no such sense. */
  async resume(sense: string): Promise<PauseSenseReply | null> {
    if (!this.#ports.isSense(sense)) return null;
    const changed = this.#end(sense, "it was resumed");
    if (changed) await this.#ports.durable();
    return { changed, paused: null };
  }

  #end(sense: string, why: string): boolean {
    const pause = this.#pauses.get(sense);
    if (pause === undefined) return false;
    this.#pauses.delete(sense);
    this.#timers.get(sense)?.();
    this.#timers.delete(sense);
    this.#append(sense, "sense.resumed", { why, skipped: pause.skipped }, null);
    this.#ports.onResumed(sense);
    return true;
  }

  #arm(sense: string, until: number | null): void {
    this.#timers.get(sense)?.();
    this.#timers.delete(sense);
    if (until === null) return;
    this.#timers.set(sense, this.#ports.clock.at(until, () => void this.#end(sense, "its time was over")));
  }

  #append(sense: string, type: LogType, payload: NewLogRow["payload"], pause: SensePause | null): void {
    const row = { source: `sense:${sense}`, type, refId: sense, causeId: null, payload } as const;
    this.#ports.append(row, [[`${prefix}${sense}`, JSON.stringify(pause)]]);
  }
}

/** A paused sense computes only if someone requested it. */
export function describeState(state: string | null, paused: SensePause | null): string {
  return paused !== null && state === "idle" ? "paused" : state ?? "stopped";
}
