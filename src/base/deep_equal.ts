/**
 * `isDeepStrictEqual` of node:util, without loading Deno's Node layer (built_ins.ts) for JSON-like values. The npm
 * packages for it mistake an own key `constructor` for the value's class.
 */
import { getBuiltIn } from "./built_ins.ts";

/** Whether both values are deeply equal. Keys whose value is undefined count. */
export function isDeepEqual(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (!isPlain(a) || !isPlain(b)) return getBuiltIn("node:util").isDeepStrictEqual(a, b);
  const keys = Object.keys(a);
  return Object.getPrototypeOf(a) === Object.getPrototypeOf(b) && keys.length === Object.keys(b).length &&
    keys.every((key) => Object.hasOwn(b, key) && isDeepEqual(Reflect.get(a, key), Reflect.get(b, key)));
}

/** Whether the value is an array without holes, or a plain object. */
function isPlain(value: object): boolean {
  if (Array.isArray(value)) return Object.keys(value).length === value.length;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
