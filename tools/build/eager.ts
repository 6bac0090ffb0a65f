/**
 * Marks the functions of a bundle that V8 is to compile before the module runs. Deno caches the code of a module as it is
 * then, so what is compiled later is compiled at every start: 20 ms of `nerve run`. Of a function in parentheses V8
 * expects that it is called at once (https://v8.dev/blog/preparser#pife). Used by bundle.ts.
 */
import { parse } from "@babel/parser";
import { assert } from "../../src/base/errors.ts";

/** These have no form in parentheses, and what stands in them is compiled with them: later. */
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
 * The same module, with each function expression in parentheses that V8 meets when it compiles the module. Throws where
 * that would make another one of it: after a function, a line may end a statement that goes on after a parenthesis.
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
  // Where one function ends and the next begins, the end comes first.
  marks.sort((a, b) => a.at - b.at || Number(a.mark === "(") - Number(b.mark === "("));
  let from = 0, marked = "";
  for (const { at, mark } of marks) {
    marked += text.slice(from, at) + mark;
    from = at;
  }
  marked += text.slice(from);
  assert(shapeOf(marked) === shapeOf(text), "parentheses would change what a bundle does");
  return marked;
}

const positions: ReadonlySet<string> = new Set(["start", "end", "loc", "extra"]);

/** What a module is, wherever its parts stand. */
function shapeOf(text: string): string {
  const { program } = parse(text, { sourceType: "module" });
  return JSON.stringify(program, (key, value) => positions.has(key) ? undefined : value);
}

function isNode(value: unknown): value is Node {
  const node = Object(value);
  return typeof node.type === "string" && typeof node.start === "number" && typeof node.end === "number";
}
