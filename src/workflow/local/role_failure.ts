/** The failures of a run's roles: which one counts for the current round, and what it says. Pure. */
import type { RoleFailure, Run } from "../../protocol/run.ts";

/** What happened; of the last failure, why the run ended. */
export function reasonOf({ role, round, failures, attempts, message, retryAt }: RoleFailure): string {
  const what = `role ${role} failed in round ${round}`;
  if (attempts === 1) return `${what}: ${message}`;
  const rest = retryAt === null && failures < attempts ? ", which is not tried again" : "";
  return `${what}, attempt ${failures} of ${attempts}${rest}: ${message}`;
}

/** The newest failure of the role of the present round; null when it has not failed yet. */
export function failureOf(
  { run, failed }: { readonly run: Run; readonly failed: RoleFailure | null },
): RoleFailure | null {
  return failed?.round === currentRound(run) ? failed : null;
}

/** The round that the next message of a run will be. */
export function currentRound(run: Run): number {
  return run.rounds + 1;
}
