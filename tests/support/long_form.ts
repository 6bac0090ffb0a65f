/**
 * What the gate leaves to `deno task long`: tests that take seconds and whose promise has a cheaper test in the gate.
 * `deno task long` finds the files that import this one, and runs the tests with the mark in their names.
 *
 *     long.test("a third way to say the same", async () => {});
 *     scaled.test("nothing is lost, however often it dies", () => kills(isLong ? 40 : 4));
 */
import { longMark } from "../../tools/test/files.ts";

export const isLong: boolean = Deno.env.get("NERVE_LONG") === "1";

type Body = Deno.TestDefinition["fn"];
type Options = Omit<Deno.TestDefinition, "name" | "fn">;
type Arguments = [string, Body] | [string, Options, Body] | [Deno.TestDefinition];

/** Where a test is registered. `Deno` itself is one form: the gate. */
export interface Form {
  test(name: string, fn: Body): void;
  test(name: string, options: Options, fn: Body): void;
  test(definition: Deno.TestDefinition): void;
}

/** Tests of the long form only. */
export const long: Form = {
  test(...args: Arguments) {
    const test = definitionOf(args);
    Deno.test({ ...test, name: test.name + longMark, ignore: !isLong || test.ignore === true });
  },
};

/** Tests of the gate that the long form repeats with greater numbers, which they choose by `isLong`. */
export const scaled: Form = {
  test(...args: Arguments) {
    const test = definitionOf(args);
    Deno.test(isLong ? { ...test, name: test.name + longMark } : test);
  },
};

function definitionOf(args: Arguments): Deno.TestDefinition {
  if (args.length === 1) return args[0];
  return args.length === 2 ? { name: args[0], fn: args[1] } : { ...args[1], name: args[0], fn: args[2] };
}
