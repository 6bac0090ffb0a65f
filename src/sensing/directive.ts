/**
 * What a sense's return asks for: a signal, or a run of a workflow (docs/senses.md). Pure; called by manager.ts.
 */
import { maxRoundsMax, promptMaxBytes } from "../base/limits.ts";
import { unknownText } from "../protocol/common_errors.ts";
import { byteLength, isPlainObject, type Json, type JsonObject } from "../protocol/json.ts";

/** A sense's wish to start a workflow. `maxRounds` null: the workflow's own limit. */
export interface Directive {
  readonly name: string;
  readonly maxRounds: number | null;
  readonly prompt: string;
}

export type Route =
  /** `warning` says why a directive in the value was not followed. */
  | { readonly kind: "signal"; readonly payload: Json; readonly warning: string | null }
  | { readonly kind: "workflow"; readonly directive: Directive; readonly payload: JsonObject };

/**
 * Routes what `compute` returned, when it was not null.
 * @param isWorkflow whether a workflow of that name is configured; a directive for another is invalid.
 * @example
 * ```ts
 * routeSenseComputeOutput({ path: "/", workflow: "cleanup|10|/ is full" }, (name) => name === "cleanup");
 * // { kind: "workflow", directive: { name: "cleanup", maxRounds: 10, prompt: "/ is full" }, payload: { path: "/" } }
 * ```
 */
export function routeSenseComputeOutput(value: Json, isWorkflow: (name: string) => boolean): Route {
  if (!isPlainObject(value) || !Object.hasOwn(value, "workflow")) {
    return { kind: "signal", payload: value, warning: null };
  }
  const { workflow, ...payload } = value as JsonObject;
  if (workflow === null || workflow === "") return { kind: "signal", payload, warning: null };
  const directive = typeof workflow === "string" ? fromText(workflow) : fromObject(workflow);
  const fault = typeof directive === "string" ? directive : faultOf(directive, isWorkflow);
  if (fault !== null || typeof directive === "string") {
    return { kind: "signal", payload, warning: `its workflow directive was not followed: ${fault}` };
  }
  return { kind: "workflow", directive, payload };
}

/** `name|maxRounds|prompt`: only the first two bars split, the prompt may hold more. */
function fromText(text: string): Directive | string {
  const first = text.indexOf("|"), second = text.indexOf("|", first + 1);
  if (first < 0 || second < 0) return `"${text.slice(0, 80)}" is not of the form name|maxRounds|prompt`;
  const rounds = text.slice(first + 1, second).trim();
  if (!/^\d+$/.test(rounds)) return `maxRounds "${rounds.slice(0, 20)}" is not a whole number`;
  return { name: text.slice(0, first).trim(), maxRounds: Number(rounds), prompt: text.slice(second + 1) };
}

function fromObject(value: Json | undefined): Directive | string {
  if (!isPlainObject(value)) return "it is neither text nor an object {name, maxRounds, prompt}";
  const { name, maxRounds = null, prompt = "" } = value;
  if (typeof name !== "string") return "name is not a text";
  if (maxRounds !== null && typeof maxRounds !== "number") return "maxRounds is not a number";
  return typeof prompt === "string" ? { name, maxRounds, prompt } : "prompt is not a text";
}

function faultOf({ name, maxRounds, prompt }: Directive, isWorkflow: (name: string) => boolean): string | null {
  if (!isWorkflow(name)) return unknownText("workflow", name.slice(0, 80));
  if (maxRounds !== null && !(Number.isInteger(maxRounds) && maxRounds >= 1 && maxRounds <= maxRoundsMax)) {
    return `maxRounds ${maxRounds} is not a whole number from 1 to ${maxRoundsMax}`;
  }
  return byteLength(prompt) > promptMaxBytes ? `the prompt is larger than ${promptMaxBytes} bytes` : null;
}
