/** Patterns of paths: which paths match one, and which texts are not patterns. */
import assert from "node:assert/strict";
import { matchesPattern, parsePathPattern, pathBelow, type PathPattern } from "../../../src/base/path_pattern.ts";

function pattern(text: string): PathPattern {
  const parsed = parsePathPattern(text, "/w", "/home/me");
  return parsed.ok ? parsed.value : assert.fail(`${text} ${parsed.error}`);
}

function fault(text: string, home: string | null = "/home/me"): string {
  const parsed = parsePathPattern(text, "/w", home);
  return parsed.ok ? assert.fail(`${text} is a pattern`) : parsed.error;
}

const cases: [text: string, base: string, matches: string[], others: string[]][] = [
  ["./in", "/w/in", ["/w/in", "/w/in/a", "/w/in/.b/c"], ["/w", "/w/int", "/w/out"]],
  ["in/*.csv", "/w/in", ["/w/in/a.csv"], ["/w/in", "/w/in/.a.csv", "/w/in/b/a.csv", "/w/in/a.csvx", "/w/in/a_csv"]],
  ["/srv/**/*.{jpg,png}", "/srv", ["/srv/a.jpg", "/srv/x/y/b.png"], ["/srv/a.gif", "/srv/.x/a.jpg", "/srv/x/.a.jpg"]],
  ["~/mail/**", "/home/me/mail", ["/home/me/mail/a", "/home/me/mail/a/b"], ["/home/me/mail", "/home/me/mail/.a/b"]],
  ["*", "/w", ["/w/a"], ["/w/.a", "/w/a/b"]],
  ["/*/log", "/", ["/a/log"], ["/log", "/a/b/log"]],
  ["in/[ab]?.[!x]", "/w/in", ["/w/in/a1.y"], ["/w/in/c1.y", "/w/in/a1.x", "/w/in/a.y"]],
  ["in/a+(b)$.t?t", "/w/in", ["/w/in/a+(b)$.txt"], ["/w/in/aab.txt"]],
  ["in/Zürich-*", "/w/in", ["/w/in/Zürich-😀"], ["/w/in/Zurich-"]],
];

for (const [text, base, matches, others] of cases) {
  Deno.test(`the pattern ${text} has its base, and matches as in a shell`, () => {
    assert.equal(pattern(text).base, base);
    for (const path of matches) assert.ok(matchesPattern(pattern(text), path), path);
    for (const path of others) assert.ok(!matchesPattern(pattern(text), path), path);
  });
}

Deno.test("a pattern says how deep its matches may lie", () => {
  assert.equal(pattern("in/*.csv").levels, 1);
  assert.equal(pattern("in/*/a/*.csv").levels, 3);
  for (const text of ["in", "in/**/a"]) assert.equal(pattern(text).levels, Infinity);
});

Deno.test("what is no pattern is refused with why", () => {
  assert.match(fault(" "), /empty/);
  assert.match(fault("~you/x"), /nothing is expanded/);
  assert.match(fault("~/x", null), /no home folder/);
  assert.match(fault("in/*/../x"), /\.\. cannot follow/);
  assert.match(fault("in/a**"), /stands alone/);
  assert.match(fault("in/{a,{b,c}}"), /braces in braces/);
  assert.match(fault("in/{a"), /without }/);
  assert.match(fault("in/a}"), /without \{/);
  assert.match(fault("in/[a"), /\[ without \]/);
  assert.match(fault("in/[z-a]"), /range/);
  assert.match(fault("in/\0"), /zero byte/);
});

Deno.test("pathBelow() knows a folder from a name that begins with its name", () => {
  assert.equal(pathBelow("/a", "/a/b/c"), "b/c");
  assert.equal(pathBelow("/a", "/a"), "");
  assert.equal(pathBelow("/a", "/ab"), null);
  assert.equal(pathBelow("/", "/ab"), "ab");
});
