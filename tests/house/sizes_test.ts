/** No file over 300 lines, no function over 60, no list of exceptions. */
import { parse } from "@babel/parser";
import assert from "node:assert/strict";
import { isPlainObject } from "../../src/protocol/json.ts";
import { readSource, sourceFiles } from "../support/source_files.ts";

const fileLinesMax = 300;
const functionLinesMax = 60;
const folders = ["src", "senses", "workflows", "lib", "tests", "dashboard"];
const paths = [".ts", ".tsx"].flatMap((ending) => sourceFiles(folders, ending));
const functionTypes =
  /^(FunctionDeclaration|FunctionExpression|ArrowFunctionExpression|ObjectMethod|Class(Private)?Method)$/;

interface Span {
  readonly line: number;
  readonly lines: number;
}

/** Every function of a file. A test's own body counts like any other function. */
function functionsOf(source: string, path: string): Span[] {
  const syntax = path.endsWith(".tsx") ? ["jsx"] as const : [];
  const spans: Span[] = [];
  const visit = (node: unknown): void => {
    if (Array.isArray(node)) return node.forEach(visit);
    if (!isPlainObject(node)) return;
    const { type, loc } = node;
    if (typeof type === "string" && functionTypes.test(type) && isPlainObject(loc)) {
      const start = Reflect.get(Object(loc.start), "line"), end = Reflect.get(Object(loc.end), "line");
      spans.push({ line: start, lines: end - start + 1 });
    }
    for (const [key, child] of Object.entries(node)) if (key !== "loc") visit(child);
  };
  visit(parse(source, { sourceType: "module", plugins: ["typescript", "importAttributes", ...syntax] }).program);
  return spans;
}

Deno.test("no file is longer than 300 lines", () => {
  const long = paths.map((path) => ({ path, lines: readSource(path).split("\n").length - 1 }))
    .filter(({ lines }) => lines > fileLinesMax);
  assert.deepEqual(long, []);
});

Deno.test("no function is longer than 60 lines", () => {
  const long = paths.flatMap((path) =>
    functionsOf(readSource(path), path).filter(({ lines }) => lines > functionLinesMax)
      .map(({ line, lines }) => `${path}:${line} has ${lines} lines`)
  );
  assert.deepEqual(long, []);
});

Deno.test("a long function is found", () => {
  const source = `class A {\n  #m() {\n${"    void 0;\n".repeat(70)}  }\n}`;
  assert.deepEqual(functionsOf(source, "a.ts"), [{ line: 2, lines: 72 }]);
});
