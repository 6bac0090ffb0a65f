/**
 * Runs one attempt of a role, under its time limit, and checks what it returned. Used by workflow_runtime.ts.
 * I1. `runRole` waits until the role has settled, however long that takes: its work must not overlap with its next
 *     attempt. The kernel ends a role that does not stop (workflow/local/retries.ts).
 * I2. After the time limit, whatever the role returns or throws counts as a timeout.
 */
import { systemClock } from "../base/clock.ts";
import { formatDuration } from "../base/duration.ts";
import { messageContentMaxBytes, messageMetaMaxBytes } from "../base/limits.ts";
import { err, ok, type Result } from "../base/result.ts";
import { byteLength, isPlainObject, toJsonText } from "../protocol/json.ts";
import type { RoleContext } from "../sdk/workflow.ts";
import { describeError } from "./error_text.ts";
import { bindSignal } from "./programs.ts";
import type { RolePlan } from "./roles.ts";

/**
 * What the role returned or threw. `ended` aborts when the run has ended in this process. `onBegin` is called before a
 * role with a time limit starts, with the error that a timeout would give.
 */
export async function runRole(
  plan: Pick<RolePlan, "run" | "timeoutMs">,
  ended: AbortSignal,
  context: Omit<RoleContext, "signal">,
  onBegin: (timeoutMs: number, timedOut: DOMException) => void,
): Promise<Result<unknown, unknown>> {
  const { run, timeoutMs } = plan;
  const limit = new AbortController();
  let cancel = () => {};
  if (timeoutMs !== null) {
    const timedOut = new DOMException(`timed out after ${formatDuration(timeoutMs)}`, "TimeoutError");
    onBegin(timeoutMs, timedOut);
    cancel = systemClock.after(timeoutMs, () => limit.abort(timedOut));
  }
  const toTimeout = () => limit.signal.aborted ? err(limit.signal.reason) : null;
  try {
    const value = await run({ ...context, signal: bindSignal(AbortSignal.any([ended, limit.signal])) });
    return toTimeout() ?? ok(value);
  } catch (thrown) {
    return toTimeout() ?? err(thrown);
  } finally {
    cancel();
  }
}

/** The result of a role, with `meta` as JSON text. */
export interface CheckedResult {
  readonly content: string;
  readonly meta: string;
}

/** The parts of a message, or what is wrong with them. Reads each part once: it may be a getter. */
export function checkResult(result: unknown): CheckedResult | string {
  if (!isPlainObject(result)) return "it is not an object {content, meta}";
  let parts: { content?: unknown; meta?: unknown };
  try {
    const { content, meta = {} } = result;
    parts = { content, meta };
  } catch (thrown) {
    return `reading it threw: ${describeError(thrown)}`;
  }
  const { content, meta } = parts;
  if (typeof content !== "string") return "content is not a string";
  if (byteLength(content) > messageContentMaxBytes) return `content is larger than ${messageContentMaxBytes} bytes`;
  if (!isPlainObject(meta)) return "meta is not an object";
  const text = toJsonText(meta, messageMetaMaxBytes);
  return text.ok ? { content, meta: text.value } : `meta ${text.error}`;
}
