import assert from "node:assert/strict";
import { markEagerFunctions } from "../../../tools/build/eager.ts";

Deno.test("function expressions that run while their module is evaluated get parentheses", () => {
  const marked = (text: string) =>
    assert.equal(markEagerFunctions(text.replaceAll(/[«»]/g, "")), text.replace(/«/g, "(").replace(/»/g, ")"));
  marked("const f = «function () {}», g = «async x => x»;");
  marked("make(«(inst) => { inst.check = «() => 1»; }», «y => «z => z»»);");
  marked("export default «() => ({ run: «function* () {}» })»;");
});

Deno.test("a function that is compiled later in any case stays as it is, with everything in it", () => {
  const later =
    "function f() { return () => 1; } class A { #b = () => 1; c() { return () => 2; } } const o = { d() { g(() => 3); } };";
  assert.equal(markEagerFunctions(later), later);
});

Deno.test("a module that parentheses would change is rejected", () => {
  assert.throws(() => markEagerFunctions("let x; const f = () => {}\n(x)"), /would change/);
  assert.throws(() => markEagerFunctions("let a, b = 1\nx => x; a = b\ny => y"), /would change/);
});

Deno.test("a module with parentheses behaves the same, also where names and this depend on a function's position", async () => {
  const text = `
    const named = () => {}, made = new function () { this.x = 1; }();
    export const told = [named.name, made.x, (() => 5)(), [3, 1, 2].sort((a, b) => a - b).join(), \`\${(() => "é")()}\`];
  `;
  const load = async (code: string) =>
    (await import(`data:text/javascript;charset=utf-8,${encodeURIComponent(code)}`)).told;
  assert.notEqual(markEagerFunctions(text), text);
  assert.deepEqual(await load(markEagerFunctions(text)), await load(text));
});
