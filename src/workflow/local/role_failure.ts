/** The failures of a run's roles: which of them belongs to the current round, and its text. Pure. */
import type { RoleBegun, RoleFailure, Run } from "../../protocol/run.ts";

/** The failure as text; for the last failure, the reason why the run ended. */
export function describeFailure({ role, round, failures, attempts, message, retryAt }: RoleFailure): string {
  const what = `role ${role} failed in round ${round}`;
  if (attempts === 1) return `${what}: ${message}`;
  const rest = retryAt === null && failures < attempts ? ", not retried" : "";
  return `${what}, attempt ${failures} of ${attempts}${rest}: ${message}`;
}

/** Whether the run is paused after this failure. An error that is not retried ends the run. */
export function pausesRun({ exhausted, failures, attempts, retryAt }: RoleFailure): boolean {
  return exhausted === "pause" && retryAt === null && failures >= attempts;
}

/** The newest failure of the current round's role; null when it has not failed. */
export function failureOf(
  { run, lastFailure }: { readonly run: Run; readonly lastFailure: RoleFailure | null },
): RoleFailure | null {
  return lastFailure?.round === currentRoundOf(run) ? lastFailure : null;
}

/** The role of the current round that runs once and has begun, or is about to; null when there is none. */
export function begunOf(
  { run, begun }: {
    readonly run: Run;
    readonly begun: { readonly role: RoleBegun; readonly stored: boolean } | null;
  },
): { readonly role: RoleBegun; readonly stored: boolean } | null {
  return begun?.role.round === currentRoundOf(run) ? begun : null;
}

/** The round of the next message of a run. */
export function currentRoundOf(run: Run): number {
  return run.rounds + 1;
}
