/** Decides whether the return value of a sense requests a signal or a run of a workflow. Pure; called by manager.ts. */
import { maxRoundsMax, promptMaxBytes } from "../base/limits.ts";
import { unknownText } from "../protocol/common_errors.ts";
import { byteLength, isPlainObject, type Json, type JsonObject } from "../protocol/json.ts";

/** A sense's request to start a workflow. `maxRounds` null: the workflow's own limit. */
export interface Directive {
  readonly name: string;
  readonly maxRounds: number | null;
  readonly prompt: string;
}

export type OutputRoute =
  /** `warning`: why the directive in the value is invalid; null if nothing is wrong. */
  | { readonly kind: "signal"; readonly payload: Json; readonly warning: string | null }
  | { readonly kind: "workflow"; readonly directive: Directive; readonly payload: JsonObject };

/**
 * Routes a value that `compute` returned, other than null.
 * @param isWorkflow whether a workflow of that name is configured; a directive for another is invalid.
 * @example
 * ```ts
 * routeSenseComputeOutput({ path: "/", workflow: { name: "cleanup", prompt: "/ is full", maxRounds: 10 } }, (name) => name === "cleanup");
 * // { kind: "workflow", directive: { name: "cleanup", maxRounds: 10, prompt: "/ is full" }, payload: { path: "/" } }
 * ```
 */
export function routeSenseComputeOutput(value: Json, isWorkflow: (name: string) => boolean): OutputRoute {
  if (!isPlainObject(value) || !Object.hasOwn(value, "workflow")) {
    return { kind: "signal", payload: value, warning: null };
  }
  const { workflow, ...payload } = value as JsonObject;
  if (workflow === null || workflow === "") return { kind: "signal", payload, warning: null };
  const directive = typeof workflow === "string" ? parseText(workflow) : parseObject(workflow);
  const fault = typeof directive === "string" ? directive : findFault(directive, isWorkflow);
  if (fault !== null || typeof directive === "string") {
    return { kind: "signal", payload, warning: `invalid workflow directive: ${fault}` };
  }
  return { kind: "workflow", directive, payload };
}

/** Parses `name|maxRounds|prompt`. Only the first two bars are separators; the prompt may contain more. */
function parseText(text: string): Directive | string {
  const first = text.indexOf("|"), second = text.indexOf("|", first + 1);
  if (first < 0 || second < 0) return `"${text.slice(0, 80)}" is not of the form name|maxRounds|prompt`;
  const rounds = text.slice(first + 1, second).trim();
  if (!/^\d+$/.test(rounds)) return `maxRounds "${rounds.slice(0, 20)}" is not a whole number`;
  return { name: text.slice(0, first).trim(), maxRounds: Number(rounds), prompt: text.slice(second + 1) };
}

function parseObject(value: Json | undefined): Directive | string {
  if (!isPlainObject(value)) return "it is neither a string nor an object {name, maxRounds, prompt}";
  const { name, maxRounds = null, prompt = "" } = value;
  if (typeof name !== "string") return "name is not a string";
  if (maxRounds !== null && typeof maxRounds !== "number") return "maxRounds is not a number";
  return typeof prompt === "string" ? { name, maxRounds, prompt } : "prompt is not a string";
}

function findFault({ name, maxRounds, prompt }: Directive, isWorkflow: (name: string) => boolean): string | null {
  if (!isWorkflow(name)) return unknownText("workflow", name.slice(0, 80));
  if (maxRounds !== null && !(Number.isInteger(maxRounds) && maxRounds >= 1 && maxRounds <= maxRoundsMax)) {
    return `maxRounds ${maxRounds} is not a whole number from 1 to ${maxRoundsMax}`;
  }
  return byteLength(prompt) > promptMaxBytes ? `the prompt is larger than ${promptMaxBytes} bytes` : null;
}
