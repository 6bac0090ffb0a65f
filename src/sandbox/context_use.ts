/**
 * Tells what a compute can reach of its context, from its text. Used by sense_runtime.ts, which then loads no more than
 * that. Pure.
 * I1. "Not needed" is said only where the function has no way to the value, whatever it does inside.
 */

const textOf: (of: unknown) => string = Function.prototype.call.bind(Function.prototype.toString);
/** `(`, or `({ a, b: c })`: the plain names that a function takes out of its only parameter, without a rest. */
const parameters = /^[\w$\s]*\(\s*(?:\{([\w$\s,:]*)\}\s*,?\s*)?\)/;
/** Other ways to what a function was called with. */
const backDoor = /\barguments\b|\beval\b|\[native code\]/;

/** Whether the function `compute` can reach `db` or `peers`. True where it cannot be told. */
export function needsDatabases(compute: unknown): boolean {
  const text = textOf(compute), match = parameters.exec(text);
  if (match === null || backDoor.test(text)) return true;
  const names = (match[1] ?? "").split(",").map((part) => part.split(":")[0]?.trim());
  return names.includes("db") || names.includes("peers");
}
