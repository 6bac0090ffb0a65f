/** Which files a module may import, read from its text. Too many are harmless, one too few is a bug. */
import assert from "node:assert/strict";
import { resolveImport, scanImports } from "../../../src/deploy/import_scanner.ts";

Deno.test("every way to import a file by its path is seen", () => {
  const text = `
    import a from "./a.ts"; import { b } from '../b.ts';import"./side.ts";
    import type { T } from "./types.ts"
    export * from "../../lib/c.ts"; export { d } from "./d.ts";
    import data from "./data.json" with { type: "json" };
    import defer, {
      several,
    } from
      "./lines.ts";
    const e = await import("./e.ts"), f = await import(/* later */ \`./f.ts\`, { with: {} });
    const g = import.meta.resolve("./g.ts"), h = new URL("./h.txt", import.meta.url);
    import i from "file:///w/lib/i.ts"; import j from "/w/lib/j.ts";
    import "nerve"; import x from "npm:x"; import { readFile } from "node:fs";`;
  const { specifiers, unsure } = scanImports(text);
  assert.deepEqual(specifiers, [
    ...["./a.ts", "../b.ts", "./side.ts", "./types.ts", "../../lib/c.ts", "./d.ts", "./data.json", "./lines.ts"],
    ...["./e.ts", "./f.ts", "./g.ts", "./h.txt", "file:///w/lib/i.ts", "/w/lib/j.ts"],
  ]);
  assert.equal(unsure, false);
});

Deno.test("an import whose path is computed makes the result uncertain", () => {
  for (
    const text of [
      "await import(path)",
      'await import("./" + name)',
      "await import(`../../lib/${name}.ts`)",
      'import (\n// which\nname === "a" ? "./a.ts" : "./b.ts")',
      'import x from "\\x2e/a.ts"',
      'await import("\\x2e/a.ts")',
      "const go = () => import(/* a */ where /* b */)",
    ]
  ) assert.equal(scanImports(text).unsure, true, text);
  for (const text of ['import("./a.ts")', 'import( "./a.ts" , {})', "important(x)", "import.meta.url"]) {
    assert.equal(scanImports(text).unsure, false, text);
  }
});

// The bug was: 230 bytes of such code blocked the kernel for ever (tests/faults/texts has the times).
Deno.test("comments and backslashes without end make the result uncertain, or change nothing", () => {
  const many = 150_000;
  assert.equal(scanImports(`await import(${"/**/".repeat(many)}x)`).unsure, true);
  const half = "/**/".repeat(many / 2);
  assert.equal(scanImports(`await import(${half}"./a.ts"${half})`).unsure, false);
  assert.equal(scanImports(`export const compute = () => 1; // from'${"\\".repeat(many)}`).unsure, false);
  assert.equal(scanImports("import(/*".repeat(many)).unsure, true);
  assert.equal(scanImports(`import(/*`.repeat(many / 10) + `*/"./a.ts")`).unsure, true, "too much to look at");
});

Deno.test("a module that is too long, or names too much, may import anything", () => {
  assert.deepEqual(scanImports(" ".repeat(2 ** 20 + 1)), { specifiers: [], unsure: true });
  const paths = Array.from({ length: 2_001 }, (_, n) => `"./${n}.ts"`).join(" ");
  assert.deepEqual(scanImports(paths), { specifiers: [], unsure: true });
});

Deno.test("a specifier becomes a path in the workspace, or null", () => {
  const from = "senses/a/index.ts", root = "/home/me/my work #1";
  const resolved = (specifier: string) => resolveImport(specifier, from, root);
  assert.equal(resolved("../../lib/x.ts"), "lib/x.ts");
  assert.equal(resolved("./inner/y%20z.ts"), "senses/a/inner/y z.ts");
  assert.equal(resolved("./x.ts?v=1#top"), "senses/a/x.ts");
  assert.equal(resolved("file:///home/me/my%20work%20%231/lib/x.ts"), "lib/x.ts");
  for (const outside of ["../../../x.ts", "/etc/x.ts", "file:///x.ts", "./%", "file://["]) {
    assert.equal(resolved(outside), null, outside);
  }
});
