/**
 * Reads the roles that nerve plays, as their author declared them, and asks the author's functions what a wait is
 * about. The functions are called once, when the moderator has named the role. Used by roles.ts and
 * workflow_runtime.ts; gates.ts reads the roles that a person plays, children.ts those that start runs.
 */
import { parseDuration } from "../base/duration.ts";
import { err, ok, type Result } from "../base/result.ts";
import { eventNamePattern, sleepMaxMs, sleepUntilMax } from "../base/wait_limits.ts";
import { isPlainObject } from "../protocol/json.ts";
import type { AskedWait } from "../protocol/asked_wait.ts";
import type { WaitContext } from "../sdk/waits.ts";
import { readChildrenPlan } from "./children.ts";
import { describeError } from "./error_text.ts";
import { readGatePlan } from "./gates.ts";
import type { WaitFault, WaitPlan } from "./wait_plan.ts";

/** Whether an author declared this role as one that nerve plays. */
export function isWait(role: unknown): role is { readonly wait: unknown } {
  return isPlainObject(role) && role.wait !== undefined;
}

/** The plan of a declared wait, or what is wrong with it. */
export function readWaitPlan(role: { readonly wait: unknown }): Result<WaitPlan, string> {
  const { wait, ...rest } = role as Record<string, unknown>;
  if (wait === "gate") return readGatePlan(rest);
  if (wait === "event") return readEventPlan(rest);
  if (wait === "children") return readChildrenPlan(rest);
  if (wait !== "sleep") {
    return err(
      `waits for ${typeof wait === "string" ? `"${wait}"` : typeof wait}: use sleep(), gate(), event() or children()`,
    );
  }
  const { time, ...more } = rest, [unknown] = Object.keys(more);
  if (unknown !== undefined) return err(`has an unknown key ${unknown}: write sleep(TIME)`);
  if (typeof time === "function") {
    return ok({ ask: (context) => askTime(time as (of: WaitContext) => unknown, context) });
  }
  const asked = readTime(time);
  return asked.ok ? ok({ ask: () => asked }) : err(`sleeps for a time that ${asked.error}`);
}

function readEventPlan({ name, timeout, ...more }: Record<string, unknown>): Result<WaitPlan, string> {
  const [unknown] = Object.keys(more);
  if (unknown !== undefined) return err(`has an unknown key ${unknown}: write event(NAME, { timeout })`);
  if (typeof name !== "string" || !eventNamePattern.test(name)) {
    return err("waits for an event without a name of 1 to 64 letters, digits and . _ -");
  }
  const span = timeout === undefined ? null : readTime(timeout);
  if (span !== null && !span.ok) return err(`has a timeout that ${span.error}`);
  if (span?.value.kind === "until") return err("has a timeout that is a Date, and no span");
  const timeoutMs = span?.value.kind === "for" ? span.value.ms : null, asked = { name, timeoutMs };
  return ok({ ask: () => ok({ kind: "event", ...asked }) });
}

function askTime(time: (of: WaitContext) => unknown, context: WaitContext): Result<AskedWait, WaitFault> {
  try {
    const asked = readTime(time(context));
    return asked.ok ? asked : err({ message: `its time ${asked.error}`, thrown: null });
  } catch (thrown) {
    return err({ message: `its time threw: ${describeError(thrown)}`, thrown });
  }
}

function readTime(time: unknown): Result<AskedWait, string> {
  if (time instanceof Date) {
    const at = time.getTime();
    return at >= 0 && at <= sleepUntilMax ? ok({ kind: "until", at }) : err("is not a valid date");
  }
  if (typeof time === "string") {
    const parsed = parseDuration(time);
    return parsed.ok ? readTime(parsed.value) : err(`is invalid: ${parsed.error}`);
  }
  if (typeof time !== "number" || !Number.isInteger(time)) {
    return err('is neither text such as "10m", nor a whole number of milliseconds, nor a Date');
  }
  return time >= 0 && time <= sleepMaxMs ? ok({ kind: "for", ms: time }) : err(`is not between 0 and ${sleepMaxMs} ms`);
}
