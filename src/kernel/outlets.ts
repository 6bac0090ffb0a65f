/** How every part of the kernel writes rows and publishes events, and the foundation for that. Used by wiring.ts. */
import type { Clock } from "../base/time.ts";
import type { NerveConfig } from "../config/types.ts";
import type { WorkspacePaths } from "../config/workspace.ts";
import type { CurrentConfig } from "../deploy/current_config.ts";
import type { PermissionLockInForce } from "../deploy/permission_lock.ts";
import type { Isolation } from "../process/isolation.ts";
import type { KernelEvent } from "../protocol/event.ts";
import type { LogRow, NewLogRow } from "../protocol/log.ts";
import { RepeatLimiter } from "../sensing/repeat_limiter.ts";
import type { Store } from "../store/store.ts";
import type { CurrentSecrets } from "./current_secrets.ts";
import type { WriteFailures } from "./write_failures.ts";

/** What kernel.ts creates first. */
export interface Foundation {
  readonly store: Store;
  /** The initial configuration, before the permission lock is applied. */
  readonly config: NerveConfig;
  readonly lock: PermissionLockInForce;
  readonly paths: WorkspacePaths;
  readonly clock: Clock;
  readonly startedAt: number;
  /** The same moment in monotonic time. */
  readonly startedMonotonic: number;
  readonly failures: WriteFailures;
  readonly isolation: Isolation;
  emit(event: KernelEvent): void;
}

/** How every part writes log rows and publishes events. */
export interface Outlets {
  readonly current: CurrentConfig;
  readonly clock: Clock;
  readonly repeats: RepeatLimiter;
  /** `values` are stored in the same commit. */
  append(row: NewLogRow, values?: readonly (readonly [key: string, value: string])[]): LogRow;
  /** For parts that write their own rows. */
  mask(row: NewLogRow): NewLogRow;
  emit(event: KernelEvent): void;
  /** Reports a problem of the kernel itself to the operator. */
  reportProblem(message: string): void;
}

/**
 * The single outlet for rows and events: both mask the secrets that were granted as variables. What goes to user code
 * (a signal that triggers, a run's payload) does not pass through here and stays unmasked.
 */
export function makeOutlets(from: Foundation, current: CurrentConfig, secrets: CurrentSecrets): Outlets {
  const { store, clock } = from;
  const append: Outlets["append"] = (row, values) => store.log.append(secrets.mask(row), values);
  const emit = (event: KernelEvent): void => from.emit(secrets.mask(event));
  const reportProblem = (message: string) => emit({ kind: "problem", source: "kernel", message, ts: clock.now() });
  const mask = (row: NewLogRow) => secrets.mask(row);
  return { current, clock, repeats: new RepeatLimiter(clock, append), append, mask, emit, reportProblem };
}
