/**
 * Checks the values that user code binds to the parameters of a statement, before SQLite sees them. Used by
 * guarded_database.ts.
 * I1. While SQLite binds, no user code runs: a getter or a proxy could run statements in the middle of one.
 * I2. Nothing here uses what user code can replace.
 */
import { uncurried } from "../../base/uncurried.ts";

const { isView } = ArrayBuffer, { defineProperty, getPrototypeOf, keys, prototype: objectPrototype } = Object;
const includes = uncurried(String.prototype.includes) as (text: string, part: string) => boolean;

/**
 * Checks `values`, to which no one else has a reference, and copies named parameters. Throws a TypeError for a value
 * that SQLite cannot store.
 */
export function toBoundValues(values: unknown[]): unknown[] {
  for (let at = 0; at < values.length; at++) {
    const value = values[at];
    if (at === 0 && isNamed(value)) values[0] = copyNamed(value);
    else check(value);
  }
  return values;
}

/** A plain object holds named parameters; anything else is a value. */
function isNamed(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null || isView(value)) return false;
  const prototype = getPrototypeOf(value);
  return prototype === objectPrototype || prototype === null;
}

function copyNamed(named: Readonly<Record<string, unknown>>): object {
  const copy = { __proto__: null }, names = keys(named);
  for (let at = 0; at < names.length; at++) {
    const name = names[at] as string, value = named[name];
    // Deno 2.9.6 ends the process for such a name.
    if (includes(name, "\0")) throw new TypeError("the name of a parameter has a null character");
    check(value);
    // Not an assignment, which a setter of a prototype could intercept.
    defineProperty(copy, name, { __proto__: null, value, enumerable: true } as PropertyDescriptor);
  }
  return copy;
}

function check(value: unknown): void {
  switch (typeof value) {
    case "number":
    case "string":
    case "bigint":
      return;
    default:
      if (value === null || isView(value)) return;
      throw new TypeError(
        `SQLite cannot store a ${describe(value)}: store null, a number, a bigint, a string or a Uint8Array, ` +
          "or use a column of Drizzle with a mode",
      );
  }
}

function describe(value: unknown): string {
  if (typeof value !== "object" || value === null) return typeof value;
  const { constructor } = value as { constructor?: { name?: unknown } };
  return typeof constructor?.name === "string" ? constructor.name : "plain object";
}
