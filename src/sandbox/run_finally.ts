/**
 * The `finally` of a workflow: reads it when the module is loaded, and runs it for a run that has ended. Used by
 * load_workflow.ts and workflow_runtime.ts.
 */
import { finallyTimeoutMaxMs, finallyTimeoutMs, timeoutMinMs } from "../base/limits.ts";
import { err, ok, type Result } from "../base/result.ts";
import type { RunEnd } from "../protocol/closing.ts";
import { isPlainObject, type JsonObject } from "../protocol/json.ts";
import type { FromProcess } from "../protocol/message.ts";
import type { RoleContext, RoleFunction } from "../sdk/workflow.ts";
import { describeError, placeOf } from "./error_text.ts";
import { runWork } from "./programs.ts";
import type { RolePlan } from "./roles.ts";
import { readSpan } from "./spans.ts";
import { checkResult, runRole } from "./run_role.ts";
import type { KernelChannel } from "./runtime.ts";
import type { Thread } from "./thread.ts";

export type FinallyPlan = Pick<RolePlan, "run" | "timeoutMs"> & {
  /** Whether its content is the run's report. */
  readonly report: boolean;
};
type Outcome = Extract<FromProcess, { t: "closed" }>["outcome"];

/** The plan of what a workflow exports as `finally`, or what is wrong with it. Null: it exports none. */
export function readFinallyPlan(value: unknown): Result<FinallyPlan | null, string> {
  if (value === undefined) return ok(null);
  const object = typeof value === "function" ? { run: value } : value;
  if (!isPlainObject(object) || typeof object.run !== "function") {
    return err("its finally is neither a function nor an object with a run function");
  }
  const { run, timeout = finallyTimeoutMs, report = false, ...rest } = object;
  const [unknown] = Object.keys(rest);
  if (unknown !== undefined) {
    return err(`its finally has an unknown key ${unknown}: the keys are run, timeout and report`);
  }
  if (typeof report !== "boolean") return err("its finally has a report that is neither true nor false");
  const timeoutMs = readSpan("timeout", timeout, timeoutMinMs, finallyTimeoutMaxMs);
  if (!timeoutMs.ok) return err(`its finally ${timeoutMs.error}`);
  return ok({ run: run as RoleFunction, timeoutMs: timeoutMs.value, report });
}

/** Runs `finally` once. `folder`: the workflow's, for the place of an error. Never rejects. */
export async function runFinally(
  plan: FinallyPlan | null,
  { start: { runId }, attempt, controller: { signal } }: Thread,
  end: RunEnd,
  given: { readonly kernel: KernelChannel; readonly context: Omit<RoleContext, "signal">; readonly folder: string },
): Promise<Outcome> {
  if (plan === null) return { kind: "none" };
  const { kernel, folder } = given, context = { ...given.context, end: Object.freeze(end) };
  const act = () =>
    runRole(plan, signal, context, (timeoutMs) => {
      const about = plan.report ? { report: true } : {};
      kernel.sendNow({ t: "closing", runId, attempt, timeoutMs, ...about });
    });
  try {
    const result = await runWork("finally", act);
    if (!result.ok) throw result.error;
    const checked = checkResult(result.value ?? { content: "" });
    if (typeof checked === "string") return toFailed(`finally did not return a message: ${checked}`, null, folder);
    return { kind: "done", content: checked.content, meta: JSON.parse(checked.meta) as JsonObject };
  } catch (thrown) {
    return toFailed(describeError(thrown), thrown, folder);
  }
}

function toFailed(message: string, thrown: unknown, folder: string): Outcome {
  return { kind: "failed", message, place: placeOf(thrown, folder) };
}
