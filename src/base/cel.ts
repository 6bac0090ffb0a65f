/**
 * Expressions of nerve.yaml in the Common Expression Language, through cel-js, with limits that the library lacks: a
 * user's expression can be slow or wrong, but it cannot block the kernel. cel_template.ts has texts with expressions in
 * them.
 * I1. Compiling never throws. Evaluating throws an Error with one line of text, or returns.
 * I2. Every number of JSON is a double in CEL, and doubles mix with integers: `signal.n + 1` works.
 * I3. An evaluation ends after about `celEvaluateMaxMs`, however large the values are: `signal.l.all(x, x in signal.m)`
 *     of 256 KiB would take minutes.
 */
import { RE2JS } from "@bufbuild/re2";
import { type ASTNode, Environment } from "@marcbachmann/cel-js";
import { celEvaluateMaxMs, celMaxChars, celNodesMax } from "./alert_limits.ts";
import { systemClock } from "./clock.ts";
import { findNearest } from "./did_you_mean.ts";
import { messageOf } from "./errors.ts";
import { err, ok, type Result } from "./result.ts";

/** The variables that an expression may use. `dyn`: a value of any type. */
export type CelVariables = Readonly<Record<string, "dyn" | "string">>;

/** `start`: the offset in the text of the expression. */
export interface CelFault {
  readonly message: string;
  readonly hint: string | null;
  readonly start: number;
}

/** `NAME.FIELD` in an expression. `tested`: it is an argument of `has`. */
export interface CelField {
  readonly of: string;
  readonly field: string;
  readonly start: number;
  readonly tested: boolean;
}

export interface CelExpression {
  readonly source: string;
  readonly fields: readonly CelField[];
  /** Whether the expression uses this variable. */
  uses(variable: string): boolean;
  /** May return a bigint for a whole number. Throws an Error whose message states what failed. */
  evaluate(values: Readonly<Record<string, unknown>>): unknown;
}

/** `wanted`: the type that the expression must return; `any` accepts every type. */
export function compileCel(
  source: string,
  variables: CelVariables,
  wanted: "bool" | "any",
): Result<CelExpression, CelFault> {
  if (source.trim() === "") return err({ message: "is empty", hint: null, start: 0 });
  if (source.length > celMaxChars) {
    return err({ message: `is longer than ${celMaxChars} characters`, hint: null, start: 0 });
  }
  try {
    const parsed = environmentFor(variables).parse(source), fields: CelField[] = [], names = new Set<string>();
    const refused = walk(parsed.ast, { fields, names, macros: 0, tested: false });
    if (refused !== null) return err(refused);
    const checked = parsed.check();
    if (!checked.valid) return err(toFault(checked.error, variables));
    const { type = "dyn" } = checked;
    if (wanted === "bool" && type !== "bool" && type !== "dyn") {
      return err({ message: `must be true or false, but is of type ${type}`, hint: "compare it: ... > 0.9", start: 0 });
    }
    return ok({ source, fields, uses: (name) => names.has(name), evaluate: (values) => evaluate(parsed, values) });
  } catch (thrown) {
    return err(toFault(thrown, variables));
  }
}

/** The deadline (monotonic) of the current evaluation. Only one runs at a time, since evaluation is synchronous. */
let evaluateUntil = 0;

function evaluate(parsed: (values: Record<string, unknown>) => unknown, values: Readonly<Record<string, unknown>>) {
  evaluateUntil = systemClock.monotonic() + celEvaluateMaxMs;
  try {
    return parsed(values);
  } catch (thrown) {
    throw new Error(summaryOf(thrown), { cause: thrown });
  }
}

const environments = new Map<string, Environment>();

/** Caches one environment for each set of variables: creating one takes a millisecond. */
function environmentFor(variables: CelVariables): Environment {
  const key = JSON.stringify(variables), known = environments.get(key);
  if (known !== undefined) return known;
  const made = createEnvironment(variables);
  environments.set(key, made);
  return made;
}

function createEnvironment(variables: CelVariables): Environment {
  const environment = new Environment({
    unlistedVariablesAreDyn: false,
    limits: {
      maxAstNodes: celNodesMax,
      maxDepth: 32,
      maxListElements: 100,
      maxMapEntries: 100,
      maxCallArguments: 8,
    },
  });
  for (const [name, type] of Object.entries(variables)) environment.registerVariable(name, type);
  const operators: Record<string, (a: number, b: number) => number> = {
    "+": (a, b) => a + b,
    "-": (a, b) => a - b,
    "*": (a, b) => a * b,
    "/": (a, b) => a / b,
    "%": (a, b) => a % b,
  };
  for (const [sign, apply] of Object.entries(operators)) {
    environment.registerOperator(`double ${sign} int`, (a: number, b: bigint) => apply(a, Number(b)));
    environment.registerOperator(`int ${sign} double`, (a: bigint, b: number) => apply(Number(a), b));
  }
  environment.registerOperator("double % double", (a: number, b: number) => a % b);
  environment.registerOperator("int == double", (a: bigint, b: number) => Number(a) === b);
  environment.registerFunction("string.search(string): bool", (text: string, pattern: string) => {
    return compilePattern(pattern).test(text);
  });
  environment.registerFunction("round(double): double", (value: number) => Math.round(value));
  environment.registerFunction("round(int): int", (value: bigint) => value);
  environment.registerFunction("round(double, int): double", roundTo);
  environment.registerFunction("round(int, int): double", (value: bigint, digits: bigint) => {
    return roundTo(Number(value), digits);
  });
  return environment;
}

/** Rounds the decimal text: 1.005 becomes 1.01, although its double is slightly less than 1.005. */
function roundTo(value: number, digits: bigint): number {
  const places = Math.min(15, Math.max(-15, Number(digits))), [mantissa = "", exponent = "0"] = `${value}`.split("e");
  if (!Number.isFinite(value)) return value;
  const scaled = Math.round(Number(`${mantissa}e${Number(exponent) + places}`));
  const [back = "", backExponent = "0"] = `${scaled}`.split("e");
  return Number(`${back}e${Number(backExponent) - places}`);
}

const patternsKept = 200;
const patterns = new Map<string, { test(text: string): boolean }>();

/** RE2 takes time linear in the text, whatever the pattern; a RegExp may take hours for 40 characters. */
function compilePattern(pattern: string): { test(text: string): boolean } {
  let compiled = patterns.get(pattern);
  if (compiled === undefined) {
    // A pattern from a payload may be as long as the text, and a search takes time in proportion to their product.
    if (pattern.length > celMaxChars) throw new Error(`search() has a pattern of more than ${celMaxChars} characters`);
    const program = RE2JS.compile(pattern);
    compiled = { test: (text) => program.test(text) };
    if (patterns.size >= patternsKept) patterns.clear();
    patterns.set(pattern, compiled);
  }
  return compiled;
}

const macros = new Set(["all", "exists", "exists_one", "map", "filter"]);

interface Walk {
  readonly fields: CelField[];
  readonly names: Set<string>;
  /** How many macros enclose this node. */
  readonly macros: number;
  readonly tested: boolean;
}

/** Collects the variables and fields that the expression uses. Returns why it is refused, or null. */
function walk(part: unknown, at: Walk): CelFault | null {
  if (Array.isArray(part)) {
    for (const each of part) {
      const refused = walk(each, at);
      if (refused !== null) return refused;
    }
    return null;
  }
  if (typeof part !== "object" || part === null || !("op" in part)) return null;
  const node = part as ASTNode;
  let inside = at;
  if (node.op === "id") at.names.add(node.args);
  if (node.op === "." && node.args[0].op === "id") {
    at.fields.push({ of: node.args[0].args, field: node.args[1], start: node.start, tested: at.tested });
  }
  if (node.op === "call" && node.args[0] === "has") inside = { ...at, tested: true };
  if (node.op === "rcall") {
    const [name, receiver, given] = node.args;
    if (name === "matches") {
      return {
        message: "matches() is not offered: a pattern of it can take hours",
        hint: "search() does the same in bounded time: signal.name.search('^db-')",
        start: node.start,
      };
    }
    if (name === "bind") {
      return {
        message: "bind() is not offered: a few of them make lists without bound",
        hint: null,
        start: node.start,
      };
    }
    if (macros.has(name)) {
      inside = { ...at, macros: at.macros + 1 };
      // The first argument is the name of the element.
      for (const body of given.slice(1)) boundTime(body);
    }
    if (inside.macros > 1) {
      return { message: `${name}() inside another such call is not offered`, hint: null, start: node.start };
    }
    // A call on another call's result follows it; it is not nested in it.
    return walk(receiver, at) ?? walk(given, inside);
  }
  return walk(node.args, inside);
}

/** One shared instance: exists() and all() continue after an error and throw it again for every element. */
const tooLong = new Error(`takes longer than ${celEvaluateMaxMs} ms`);

/**
 * Makes the node, which is evaluated for every element, check the deadline. The library replaces `evaluate` on the
 * first run; the setter keeps the check in front of the replacement. The library has no time limit (8.0.0).
 */
function boundTime(node: ASTNode): void {
  type Evaluate = (this: unknown, ...given: unknown[]) => unknown;
  const evaluated = node as unknown as { evaluate: Evaluate };
  let inner = evaluated.evaluate;
  const checked: Evaluate = (...given) => {
    if (systemClock.monotonic() > evaluateUntil) throw tooLong;
    return inner.apply(node, given);
  };
  Object.defineProperty(node, "evaluate", { get: () => checked, set: (value: Evaluate) => void (inner = value) });
}

function toFault(thrown: unknown, variables: CelVariables): CelFault {
  const start = (thrown as { readonly range?: { readonly start: number } } | null)?.range?.start ?? 0;
  const message = summaryOf(thrown), unknown = /^unknown variable: (\w+)$/i.exec(message)?.[1];
  if (unknown === undefined) return { message, hint: null, start };
  const known = Object.keys(variables), near = findNearest(unknown, known);
  return {
    message: `there is no variable "${unknown}"`,
    hint: near === null ? `known: ${known.join(", ")}` : `did you mean "${near}"?`,
    start,
  };
}

/** The message without the excerpt of the expression, which takes several lines. */
function summaryOf(thrown: unknown): string {
  const { summary } = thrown as { readonly summary?: unknown };
  const text = typeof summary === "string" ? summary : messageOf(thrown);
  return text === "" ? "failed" : text[0]?.toLowerCase() + text.slice(1);
}
