/** Decides whether and when a unit restarts after its process died. Pure; used by unit_supervisor.ts. */
import { calculateBackoff } from "../base/backoff.ts";
import {
  backoffFirstMs,
  backoffMaxMs,
  deathsMax,
  deathWindowMs,
  idleDeathsMax,
  slowDeathsMax,
  slowDeathWindowMs,
} from "../base/limits.ts";
import type { ProcessEnd } from "./exit_cause.ts";

export interface Death {
  /** Monotonic milliseconds. */
  readonly at: number;
  /** Whether any work was finished since the previous death. */
  readonly worked: boolean;
}

export type Restart =
  | { readonly kind: "backoff"; readonly waitMs: number }
  /** `full`: its databases exceed the quota; the quarantine ends when they no longer do. */
  | { readonly kind: "quarantine"; readonly reason: string; readonly full: boolean };

/**
 * `deaths`: those that still count at `now`, including this one, oldest first. `failedStarts`: how many starts in a row
 * have failed. A failed start is not a death of the unit's code, so it never quarantines.
 */
export function decideRestart(end: ProcessEnd, deaths: readonly Death[], now: number, failedStarts: number): Restart {
  if (end.kind === "no_start") {
    return { kind: "backoff", waitMs: calculateBackoff(failedStarts, backoffFirstMs, backoffMaxMs) };
  }
  if (end.kind === "disk_limit") return { kind: "quarantine", reason: end.message, full: true };
  const rate = describeRate(deaths, now);
  if (rate !== null) return { kind: "quarantine", reason: `${rate}, the last time it ${end.message}`, full: false };
  // A time without deaths makes the wait short again.
  const failures = Math.max(1, countRecent(deaths, now));
  return { kind: "backoff", waitMs: calculateBackoff(failures, backoffFirstMs, backoffMaxMs) };
}

/** The deaths that still count at `now`. */
export function keepRecentDeaths(deaths: readonly Death[], now: number): Death[] {
  return deaths.filter(({ at }) => now - at < slowDeathWindowMs);
}

/** Why the deaths quarantine the unit; null if they do not. */
function describeRate(deaths: readonly Death[], now: number): string | null {
  const recent = countRecent(deaths, now);
  if (recent >= deathsMax) return `died ${recent} times in ${deathWindowMs / 1_000} s`;
  const minutes = slowDeathWindowMs / 60_000;
  const inVain = deaths.length - 1 - deaths.findLastIndex(({ worked }) => worked);
  if (inVain >= idleDeathsMax) return `died ${inVain} times in ${minutes} minutes without finishing anything`;
  return deaths.length >= slowDeathsMax ? `died ${deaths.length} times in ${minutes} minutes` : null;
}

function countRecent(deaths: readonly Death[], now: number): number {
  return deaths.filter(({ at }) => now - at < deathWindowMs).length;
}
