/**
 * Finds in the source of `compute` which parts of its context it can use, so that a process loads and does no more than
 * its senses need. Also describes what is wrong with a module's exports, or with its settings. Pure; used by
 * sense_runtime.ts, and by workflow_runtime.ts for its settings.
 */
import type { Json, JsonObject } from "../protocol/json.ts";
import type { LoadProblem } from "../protocol/message.ts";
import { authoredCompute, checkedConfig, type SenseContext } from "../sdk/sense.ts";
import { deepFreeze } from "./context_helpers.ts";
import { describeError } from "./error_text.ts";

/** The source of a function. Bound before user code can replace the method. */
const sourceOf: (of: unknown) => string = Function.prototype.call.bind(Function.prototype.toString);
/** `(`, or `({ a, b: c })`: the plain names that a function destructures from its only parameter, without a rest. */
const parameters = /^[\w$\s]*\(\s*(?:\{([\w$\s,:]*)\}\s*,?\s*)?\)/;
/** Other ways to reach the arguments of a function. */
const hiddenAccess = /\barguments\b|\beval\b|\[native code\]/;

/** Whether `compute` can use one of these parts of its context. True if in doubt. */
export function canUse(compute: unknown, parts: readonly (keyof SenseContext)[]): boolean {
  const authored: unknown = Reflect.get(Object(compute), authoredCompute);
  const text = sourceOf(typeof authored === "function" ? authored : compute), match = parameters.exec(text);
  if (match === null || hiddenAccess.test(text)) return true;
  const names = (match[1] ?? "").split(",").map((part) => part.split(":")[0]?.trim());
  return parts.some((part) => names.includes(part));
}

/** What is wrong with a module that exports no `compute`. */
export function describeMissingCompute(module: Record<string, unknown>): string {
  const exports = Object.keys(module);
  const found = exports.length === 0 ? "nothing" : exports.join(", ");
  return `does not export a function named compute (it exports ${found}): write export function compute(ctx) { ... }`;
}

/** What is wrong with a `config` whose settings the code declares, by `defineSense` or `defineWorkflow`. */
export function findConfigFaults(declared: unknown, config: Json): LoadProblem[] {
  const check: unknown = Reflect.get(Object(declared), checkedConfig);
  if (typeof check !== "function") return [];
  try {
    check(deepFreeze((config ?? {}) as JsonObject));
    return [];
  } catch (thrown) {
    return [{ message: describeError(thrown), place: null }];
  }
}
