/** Decides whether and when a unit restarts after its process died. Pure; used by unit_supervisor.ts. */
import { calculateBackoff } from "../base/backoff.ts";
import { backoffFirstMs, backoffMaxMs, deathsMax, deathWindowMs } from "../base/limits.ts";
import type { ProcessEnd } from "./exit_cause.ts";

export type Restart =
  | { readonly kind: "backoff"; readonly waitMs: number }
  /** `full`: its databases exceed the quota; the quarantine ends when they no longer do. */
  | { readonly kind: "quarantine"; readonly reason: string; readonly full: boolean };

/**
 * `deathsAt`: when its processes died, including this death, oldest first, in monotonic time. `failedStarts`: how many
 * of them in a row did not start. That is no death of the unit's code, so it never quarantines.
 */
export function decideRestart(end: ProcessEnd, deathsAt: readonly number[], failedStarts: number): Restart {
  if (end.kind === "no_start") {
    return { kind: "backoff", waitMs: calculateBackoff(failedStarts, backoffFirstMs, backoffMaxMs) };
  }
  if (end.kind === "disk_limit") return { kind: "quarantine", reason: end.message, full: true };
  const count = deathsAt.length;
  if (count < deathsMax) {
    return { kind: "backoff", waitMs: calculateBackoff(count, backoffFirstMs, backoffMaxMs) };
  }
  const reason = `died ${count} times in ${deathWindowMs / 1_000} s, the last time it ${end.message}`;
  return { kind: "quarantine", reason, full: false };
}

/** The deaths that still count at `now`. */
export function keepRecentDeaths(deathsAt: readonly number[], now: number): number[] {
  return deathsAt.filter((at) => now - at < deathWindowMs);
}
