/** YAML as nerve reads it. Danger: a file that costs much more to read than to write. */
import assert from "node:assert/strict";
import { configDepthMax } from "../../../src/base/limits.ts";
import { parseNerveConfig, readNerveConfig } from "../../../src/config/parse.ts";
import { configOf, linesOf } from "../../support/parsed_config.ts";

Deno.test("text that is not YAML is an error with its place, and with a hint where one helps", () => {
  assert.match(linesOf("senses: {a: [}\n")[0] ?? "", /^nerve\.yaml:1:\d+ error is not YAML: /);
  assert.match(linesOf("senses:\n\ta: 1\n")[0] ?? "", /^nerve\.yaml:2:1 error .*[Tt]abs/);
  assert.match(linesOf("--- {}\n--- {}\n")[0] ?? "", /^nerve\.yaml:2:1 error contains more than one YAML document/);
  assert.deepEqual(linesOf("just text"), ["nerve.yaml:1:1 error must be a mapping"]);
});

Deno.test("a key that is given twice is an error at the second one", () => {
  assert.deepEqual(linesOf("senses:\n  a: {}\n  b: { timeout: 1s, timeout: 2s }\n  a: {}\n"), [
    "nerve.yaml:2:3 warning senses.a: no reflex schedules it",
    "nerve.yaml:3:3 warning senses.b: no reflex schedules it",
    "nerve.yaml:3:21 error senses.b.timeout: is given more than once",
    "nerve.yaml:4:3 error senses.a: is given more than once",
  ]);
});

Deno.test("values that are not JSON, and keys that are not names, are rejected", () => {
  for (const value of [".nan", ".inf", "{ [a]: 1 }", "{ __proto__: 1 }"]) {
    assert.equal(parseNerveConfig(`senses: { a: { config: { x: ${value} } } }`).ok, false, value);
  }
});

Deno.test("a whole number that would become another one is an error that says how to keep it", () => {
  const numbers = [
    "12345678901234567890",
    "9007199254740993",
    "-9007199254740993",
    "0x20000000000001",
    "0x2000000000000e1",
  ];
  for (const number of numbers) {
    const text = `senses:\n  s:\n    config: { chat: ${number} }\n`;
    const [problem] = readNerveConfig(text).diagnostics.filter(({ severity }) => severity === "error");
    assert.equal(problem?.path, "senses.s.config.chat");
    assert.match(problem.message, /too large to be kept exactly/);
    assert.equal(problem.hint, `to keep its digits, put it in quotes: "${number}"`);
    assert.deepEqual([problem.place?.line, problem.place?.column], [3, 15]);
    const quoted = configOf(text.replace(number, `"${number}"`));
    assert.deepEqual(quoted.senses.get("s")?.config, { chat: number });
  }
  const { config } =
    configOf("senses: { s: { config: { a: 9007199254740991, b: 1e20, c: 1.5, d: -3 } } }").senses.get("s") ?? {};
  assert.deepEqual(config, { a: Number.MAX_SAFE_INTEGER, b: 1e20, c: 1.5, d: -3 });
});

Deno.test("what is no number, or none that can be kept, is an error that says how to write it", () => {
  const cases: Record<string, RegExp> = {
    ...{ ".inf": /which is no number/, "-.Inf": /which is no number/, ".NaN": /which is no number/ },
    ...{ "1e400": /too large to be kept$/, "-1.5E+400": /too large/, "1e-400": /too small/, "-0.01e-330": /too small/ },
  };
  for (const [value, message] of Object.entries(cases)) {
    const { diagnostics } = readNerveConfig(`senses:\n  s:\n    config: { chat: ${value} }\n`);
    const problem = diagnostics.find(({ severity }) => severity === "error");
    assert.match(problem?.message ?? "", message, value);
    assert.equal(problem?.hint, `put it in quotes: "${value}"`);
    assert.deepEqual([problem.place?.line, problem.place?.column], [3, 15]);
  }
  const { config } = configOf("senses: { s: { config: { a: 0e9, b: 1e-300, c: 0x0 } } }").senses.get("s") ??
    {};
  assert.deepEqual(Object.values(config ?? {}).map(Number), [0, 1e-300, 0]);
});

Deno.test("a merge key is an error wherever it stands, and a number in the place of a text says to quote it", () => {
  const findHint = (text: string) =>
    readNerveConfig(text).diagnostics.find(({ severity }) => severity === "error")?.hint;
  for (const place of ["{ <<: { a: 1 } }", "{ config: { <<: { a: 1 } } }", "{ config: { a: [{ <<: { b: 1 } }] } }"]) {
    assert.match(findHint(`senses: { s: ${place} }`) ?? "", /^merge keys are not part of YAML 1\.2/, place);
  }
  assert.deepEqual(configOf('senses: { s: { config: { "<<": 1 } } }').senses.get("s")?.config, { "<<": 1 });
  for (const name of ["007", "1e3", "true"]) {
    assert.equal(findHint(`senses: { s: { use: ${name} } }`), "put it in quotes", name);
  }
});

Deno.test("a cron line or another text without quotes is an error where it begins, which says to quote it", () => {
  const cases: [text: string, value: string, line: number, column: number][] = [
    ["reflexes:\n  - { sense: s, cron: */5 * * * *, catch_up: once }\n", "*/5 * * * *", 2, 23],
    ["reflexes:\n  - sense: s\n    cron: */5 * * * *   # often\n", "*/5 * * * *", 3, 11],
    ["reflexes:\r\n  - sense: s\r\n    cron: * * * * *\r\n", "* * * * *", 3, 11],
    ["reflexes:\n  - cron: */5 9-17 * * 1-5\n    sense: s\n", "*/5 9-17 * * 1-5", 2, 11],
    ["reflexes:\n  - { cron: */15 1,2 * * *, sense: s }\n", "*/15 1,2 * * *", 2, 13],
    ["senses:\n  s:\n    config: { at: @daily }\n", "@daily", 3, 19],
    ["senses:\n  s:\n    config:\n      - a\n      - `x`\n", "`x`", 5, 9],
    ["senses: { s: { config: { a: %x } } }", "%x", 1, 29],
  ];
  for (const [text, value, line, column] of cases) {
    const { diagnostics } = readNerveConfig(text);
    assert.equal(diagnostics.length, 1, JSON.stringify(diagnostics));
    const [{ message, hint, place }] = diagnostics as [typeof diagnostics[number]];
    assert.ok(message.startsWith(`is not YAML: "${value}" begins with ${value[0]}, which YAML keeps for `), message);
    assert.equal(hint, `put it in quotes: "${value}"`);
    assert.deepEqual([place?.line, place?.column], [line, column], text);
  }
  const [short] = readNerveConfig("senses: { s: {} }\nreflexes:\n  - { sense: s, cron: */5 }\n").diagnostics;
  assert.equal(short?.hint, 'if */5 is meant as text, put it in quotes: "*/5"');
});

Deno.test("aliases repeat a value; an alias for nothing, or for itself, is an error", () => {
  const config = configOf("senses:\n  a: { permissions: &p { read: [/proc] } }\n  b: { permissions: *p }\n");
  assert.deepEqual(config.senses.get("b")?.permissions, { read: ["/proc"] });
  assert.match(linesOf("senses: { a: *nothing }\n")[0] ?? "", /the alias "nothing" has no anchor above it/);
  assert.match(linesOf("senses: &s { a: *s }\n")[0] ?? "", /the alias "s" has no anchor above it/);
});

Deno.test("an alias bomb is rejected at once and never expanded", () => {
  const levels = Array.from({ length: 30 }, (_, level) => {
    return level === 0 ? "x0: &x0 [a]" : `x${level}: &x${level} [${Array(10).fill(`*x${level - 1}`).join(",")}]`;
  });
  const text = `senses: { a: { config: { ${levels.join(", ")} } } }`;
  assert.ok(linesOf(text).some((line) => line.includes("exceeds the limit of")));
});

Deno.test("nesting is bounded in every notation", () => {
  const deep = configDepthMax + 10;
  for (
    const text of ["[".repeat(deep), `${"[".repeat(deep)}${"]".repeat(deep)}`, "- ".repeat(deep), "{".repeat(50_000)]
  ) {
    assert.equal(parseNerveConfig(`senses: { a: { config: { x:\n  ${text} } } }`).ok, false);
  }
  const nested = `senses: { a: { config: { x: ${"[".repeat(deep)}${"]".repeat(deep)} } } }`;
  assert.ok(linesOf(nested).some((line) => line.includes(`nests deeper than ${configDepthMax} levels`)));
});

Deno.test("placeOf() gives the place of a key and of a list item, and the parent's place for a missing one", () => {
  const parsed = parseNerveConfig("senses:\n  a:\n    group: g\nreflexes:\n  - { sense: a, interval: 1s }\n");
  assert.ok(parsed.ok);
  const { placeOf } = parsed.value;
  assert.deepEqual(placeOf(["senses", "a", "group"]), { file: "nerve.yaml", line: 3, column: 5 });
  assert.deepEqual(placeOf(["senses", "a", "timeout"]), { file: "nerve.yaml", line: 2, column: 3 });
  assert.deepEqual(placeOf(["reflexes", 0]), { file: "nerve.yaml", line: 5, column: 5 });
  assert.deepEqual(placeOf(["nothing"]), { file: "nerve.yaml", line: 1, column: 1 });
});
