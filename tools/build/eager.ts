/**
 * Marks the functions of a bundle that V8 should compile before the module runs. Deno caches a module's code in that
 * state, so functions compiled later are compiled again at every start: 20 ms of `nerve run`. V8 compiles a function in
 * parentheses eagerly, since it expects a call at once (https://v8.dev/blog/preparser#pife). Used by bundle.ts.
 */
import { parse } from "@babel/parser";
import { assert } from "../../src/base/errors.ts";

/** Nodes that cannot be put in parentheses; V8 compiles them, and the functions inside them, later. */
const compiledLater: ReadonlySet<string> = new Set([
  "FunctionDeclaration",
  "ClassMethod",
  "ClassPrivateMethod",
  "ClassProperty",
  "ClassPrivateProperty",
  "ObjectMethod",
]);

interface Node {
  readonly type: string;
  readonly start: number;
  readonly end: number;
}

/**
 * Puts each function expression that V8 meets when it compiles the module in parentheses. Throws where that would
 * change the program: a line break after a function may end a statement, but not before a parenthesis.
 */
export function markEagerFunctions(text: string): string {
  const marks: { readonly at: number; readonly mark: "(" | ")" }[] = [];
  const visit = (node: Node): void => {
    if (compiledLater.has(node.type)) return;
    if (node.type === "ArrowFunctionExpression" || node.type === "FunctionExpression") {
      marks.push({ at: node.start, mark: "(" }, { at: node.end, mark: ")" });
    }
    for (const child of Object.values(node).flat()) if (isNode(child)) visit(child);
  };
  const { program } = parse(text, { sourceType: "module" });
  for (const statement of program.body) if (isNode(statement)) visit(statement);
  // At the same position, the end of one function comes before the start of the next.
  marks.sort((a, b) => a.at - b.at || Number(a.mark === "(") - Number(b.mark === "("));
  let from = 0, marked = "";
  for (const { at, mark } of marks) {
    marked += text.slice(from, at) + mark;
    from = at;
  }
  marked += text.slice(from);
  const same = haveSameShape(program, parse(marked, { sourceType: "module" }).program);
  assert(same, "the parentheses would change what the bundle does");
  return marked;
}

const positions: ReadonlySet<string> = new Set(["start", "end", "loc", "extra"]);

/** Whether two syntax trees are equal apart from their positions. */
function haveSameShape(a: unknown, b: unknown): boolean {
  if (!isObject(a) || !isObject(b)) return Object.is(a, b);
  const names = shapeOf(a);
  return names.length === shapeOf(b).length && names.every((name) => name in b && haveSameShape(a[name], b[name]));
}

function shapeOf(node: Readonly<Record<string, unknown>>): string[] {
  return Object.keys(node).filter((name) => !positions.has(name));
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}

function isNode(value: unknown): value is Node {
  const node = Object(value);
  return typeof node.type === "string" && typeof node.start === "number" && typeof node.end === "number";
}
