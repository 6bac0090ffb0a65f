/**
 * Runs a role once, under its time limit. Used by workflow_runtime.ts.
 * I1. It waits until the role has come to rest, however long that takes: whoever does not stop is ended by the kernel
 *     (workflow/local/retries.ts), and until then its work must not overlap with its next attempt.
 * I2. When the time was up, what the role returns or throws then counts as that.
 */
import { systemClock } from "../base/clock.ts";
import { formatDuration } from "../base/duration.ts";
import { err, ok, type Result } from "../base/result.ts";
import type { RoleContext } from "../sdk/workflow.ts";
import type { RolePlan } from "./roles.ts";

/**
 * What it returned, or what it threw. `ended` aborts when the run is over for this process. `begins` is called before a
 * role with a time limit, with the error that it will have failed with when its time is up.
 */
export async function runRole(
  plan: RolePlan,
  ended: AbortSignal,
  context: Omit<RoleContext, "signal">,
  begins: (timeoutMs: number, timedOut: DOMException) => void,
): Promise<Result<unknown, unknown>> {
  const { run, timeoutMs } = plan;
  const limit = new AbortController();
  let cancel = () => {};
  if (timeoutMs !== null) {
    const timedOut = new DOMException(`timed out after ${formatDuration(timeoutMs)}`, "TimeoutError");
    begins(timeoutMs, timedOut);
    cancel = systemClock.after(timeoutMs, () => limit.abort(timedOut));
  }
  const late = () => limit.signal.aborted ? err(limit.signal.reason) : null;
  try {
    const value = await run({ ...context, signal: AbortSignal.any([ended, limit.signal]) });
    return late() ?? ok(value);
  } catch (thrown) {
    return late() ?? err(thrown);
  } finally {
    cancel();
  }
}
