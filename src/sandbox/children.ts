/**
 * Reads the roles that start runs, and asks the author's function for those runs. Used by waits.ts.
 * I1. What the function returns fits the bounds of a list of runs, or is an error that names the run.
 */
import { maxRoundsMax, payloadMaxBytes, promptMaxBytes } from "../base/limits.ts";
import { namePattern } from "../base/name_pattern.ts";
import { err, ok, type Result } from "../base/result.ts";
import { childrenMax, childrenMaxBytes } from "../base/wait_limits.ts";
import type { AskedWait, ChildRequest } from "../protocol/asked_wait.ts";
import { byteLength, isPlainObject, type Json, toJsonText } from "../protocol/json.ts";
import type { WaitContext } from "../sdk/waits.ts";
import { describeError } from "./error_text.ts";
import type { WaitFault, WaitPlan } from "./wait_plan.ts";

const keys: readonly string[] = ["workflow", "payload", "prompt", "maxRounds"];

/** The plan of a role that starts runs, or what is wrong with it. */
export function readChildrenPlan({ runs, ...more }: Record<string, unknown>): Result<WaitPlan, string> {
  const [unknown] = Object.keys(more);
  if (unknown !== undefined) return err(`has an unknown key ${unknown}: write children(RUNS)`);
  if (typeof runs === "function") {
    return ok({ ask: (context) => askRuns(runs as (of: WaitContext) => unknown, context) });
  }
  // A fixed list is checked when the workflow loads, not when a run reaches the role.
  const asked = readRuns(runs);
  return asked.ok ? ok({ ask: () => asked }) : err(`has runs that cannot be started: ${asked.error}`);
}

function askRuns(runs: (of: WaitContext) => unknown, context: WaitContext): Result<AskedWait, WaitFault> {
  try {
    const asked = readRuns(runs(context));
    return asked.ok ? asked : err({ message: `its runs cannot be started: ${asked.error}`, thrown: null });
  } catch (thrown) {
    return err({ message: `its runs threw: ${describeError(thrown)}`, thrown });
  }
}

function readRuns(runs: unknown): Result<AskedWait, string> {
  if (!Array.isArray(runs)) return err(`they are no list, but ${runs === null ? "null" : typeof runs}`);
  if (runs.length > childrenMax) return err(`there are ${runs.length} of at most ${childrenMax}`);
  const read: ChildRequest[] = [];
  for (const [index, run] of Array.from<unknown>(runs).entries()) {
    const request = readRun(run);
    if (!request.ok) return err(`number ${index + 1} ${request.error}`);
    read.push(request.value);
  }
  const whole = toJsonText(read, childrenMaxBytes);
  return whole.ok ? ok({ kind: "children", runs: read }) : err(`the list ${whole.error}: store large input as blobs`);
}

function readRun(run: unknown): Result<ChildRequest, string> {
  if (!isPlainObject(run)) return err("is no object with a workflow");
  const unknown = Object.keys(run).find((key) => !keys.includes(key));
  if (unknown !== undefined) return err(`has an unknown key ${unknown}: the keys are ${keys.join(", ")}`);
  const { workflow, payload = {}, prompt = "", maxRounds = null } = run;
  if (typeof workflow !== "string" || !namePattern.test(workflow)) return err("names no workflow");
  if (typeof prompt !== "string") return err("has a prompt that is not a text");
  if (prompt.length > promptMaxBytes || byteLength(prompt) > promptMaxBytes) {
    return err(`has a prompt that is larger than ${promptMaxBytes} bytes`);
  }
  const isRounds = Number.isInteger(maxRounds) && Number(maxRounds) >= 1 && Number(maxRounds) <= maxRoundsMax;
  if (maxRounds !== null && !isRounds) return err(`has a maxRounds that is no whole number from 1 to ${maxRoundsMax}`);
  const text = toJsonText(payload, payloadMaxBytes);
  if (!text.ok) return err(`has a payload that ${text.error}`);
  const rest = { prompt: prompt.toWellFormed(), maxRounds: maxRounds as number | null };
  return ok({ workflow, payload: JSON.parse(text.value) as Json, ...rest });
}
