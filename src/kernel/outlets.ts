/** How every part of a kernel writes rows and publishes events. Used by wiring.ts. */
import type { Clock } from "../base/time.ts";
import type { CurrentConfig } from "../deploy/current_config.ts";
import type { KernelEvent } from "../protocol/event.ts";
import type { LogRow, NewLogRow } from "../protocol/log.ts";
import { RepeatLimiter } from "../sensing/repeat_limiter.ts";
import type { Store } from "../store/store.ts";
import type { CurrentSecrets } from "./current_secrets.ts";

/** How every part writes log rows and publishes events. */
export interface Outlets {
  readonly current: CurrentConfig;
  readonly clock: Clock;
  readonly repeats: RepeatLimiter;
  /** `values` are stored in the same commit. */
  append(row: NewLogRow, values?: readonly (readonly [key: string, value: string])[]): LogRow;
  emit(event: KernelEvent): void;
  /** Reports a problem of the kernel itself to the operator. */
  reportProblem(message: string): void;
}

interface OutletsFoundation {
  readonly store: Store;
  readonly clock: Clock;
  emit(event: KernelEvent): void;
}

/**
 * The single outlet for rows and for events: both mask the secrets that were granted as variables. What goes to user
 * code (a signal that triggers, a run's payload) does not pass through here and stays unmasked.
 */
export function makeOutlets(from: OutletsFoundation, current: CurrentConfig, secrets: CurrentSecrets): Outlets {
  const { store, clock } = from;
  const append: Outlets["append"] = (row, values) => store.log.append(secrets.mask(row), values);
  const emit = (event: KernelEvent): void => from.emit(secrets.mask(event));
  const reportProblem = (message: string) => emit({ kind: "problem", source: "kernel", message, ts: clock.now() });
  return { current, clock, repeats: new RepeatLimiter(clock, append), append, emit, reportProblem };
}
