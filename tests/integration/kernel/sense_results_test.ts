/** What a sense may return or throw without harm to any other. */
import assert from "node:assert/strict";
import { long } from "../../support/long_form.ts";
import { startWorkspace } from "../../support/workspace_fixture.ts";

/** The body of `compute`, and what is reported about it. */
const wrong: Readonly<Record<string, { body: string; code: "throw" | "output"; expected: RegExp; line?: number }>> = {
  "throws": { body: "throw new Error('no luck')", code: "throw", expected: /^no luck$/, line: 2 },
  "throws-a-class": {
    body: "throw new RangeError('too far')",
    code: "throw",
    expected: /^RangeError: too far$/,
    line: 2,
  },
  "rejects": { body: "return Promise.reject(new Error('later'))", code: "throw", expected: /^later$/, line: 2 },
  "throws-nothing": { body: "throw undefined", code: "throw", expected: /^undefined$/ },
  "throws-lines": { body: "throw new Error('one\\n  two')", code: "throw", expected: /^one \| two$/, line: 2 },
  "throws-long": { body: "throw new Error('x'.repeat(1e7))", code: "throw", expected: /^x{1000,4000}$/ },
  "throws-no-message": {
    body: "const e = new Error(); Object.defineProperty(e, 'message', { get() { throw e } }); throw e",
    code: "throw",
    expected: /cannot be shown/,
  },
  "throws-odd-parts": {
    body: "throw Object.assign(new Error(), { name: Symbol('n'), message: 5n, stack: { a: 1 } })",
    code: "throw",
    expected: /5/,
  },
  "throws-a-trap": {
    body: "throw new Proxy(new Error(), { get() { throw 1 }, getPrototypeOf() { throw 2 } })",
    code: "throw",
    expected: /cannot be shown/,
  },
  "throws-a-revoked-proxy": {
    body: "const { proxy, revoke } = Proxy.revocable({}, {}); revoke(); throw proxy",
    code: "throw",
    expected: /cannot be shown/,
  },
  "throws-a-bad-stack": {
    body: "throw Object.assign(new Error('odd'), { stack: 'at file:///%zz/%E0:1:1' })",
    code: "throw",
    expected: /^odd$/,
  },
  "function": { body: "return () => 1", code: "output", expected: /is not JSON: function/ },
  "symbol": { body: "return Symbol('s')", code: "output", expected: /is not JSON: symbol/ },
  "bigint": { body: "return { n: 10n }", code: "output", expected: /is not JSON: .*BigInt/ },
  "cycle": {
    body: "const a: unknown[] = []; a.push(a); return a",
    code: "output",
    expected: /is not JSON: .*circular/i,
  },
  "getter": { body: "return { get a() { throw new Error('peek') } }", code: "output", expected: /is not JSON: peek/ },
  "huge": { body: "return 'x'.repeat(10 * 2 ** 20)", code: "output", expected: /larger than 262144 bytes/ },
  "deep": {
    body: "let v: unknown = 1; for (let i = 0; i < 5000; i++) v = [v]; return v",
    code: "output",
    expected: /deeper than 128/,
  },
};

Deno.test("an invalid value or error of a sense is reported with its place, and disturbs nobody", async () => {
  const senses: Record<string, string> = { sibling: "export const compute = () => ({ fine: 1 });" };
  for (const [name, { body }] of Object.entries(wrong)) senses[name] = `export function compute() {\n  ${body};\n}\n`;
  senses.far = senses.sibling ?? "";
  const yaml = {
    senses: Object.fromEntries(Object.keys(senses).map((name) => [name, name === "far" ? {} : { group: "one" }])),
  };
  await using workspace = await startWorkspace({ yaml, senses });
  assert.deepEqual(await workspace.payload("sibling"), { fine: 1 });
  const pid = workspace.pid("one");
  for (const [name, { code, expected, line }] of Object.entries(wrong)) {
    const { code: got, message, place } = await workspace.failure(name);
    assert.match(message, expected, name);
    assert.equal(got, code, name);
    if (line !== undefined) {
      assert.equal(place?.file, workspace.paths.senseEntry(name), name);
      assert.equal(place.line, line, name);
    }
    const [row] = await workspace.rows({ source: `sense:${name}`, type: "sense.error" });
    assert.match(JSON.stringify(row?.payload), new RegExp(expected.source.replace(/^\^|\$$/g, "")), name);
    await workspace.problem(`sense:${name}`, new RegExp(expected.source.replace(/^\^|\$$/g, "")));
    assert.deepEqual(await workspace.payload("sibling"), { fine: 1 }, `after ${name}`);
  }
  assert.equal(workspace.pid("one"), pid, "the group's process is still the first one");
  assert.deepEqual(await workspace.payload("far"), { fine: 1 });
});

long.test("unusual but valid values arrive unchanged", async () => {
  const good: Record<string, [string, unknown]> = {
    "lone-surrogate": ["return { s: 'a\\ud800b' }", { s: "a\ufffdb" }],
    "proto": ['return JSON.parse(\'{"__proto__": {"admin": true}}\')', JSON.parse('{"__proto__": {"admin": true}}')],
    "zero": ["return 0", 0],
    "empty": ["return ''", ""],
    "dates": ["return { at: new Date(0) }", { at: "1970-01-01T00:00:00.000Z" }],
    "lines": ["return 'a\\nb\\u2028c'", "a\nb\u2028c"],
    "largest": ["return 'x'.repeat(262142)", "x".repeat(262142)],
    "wide": ["return '\\u4e16'.repeat(87380)", "\u4e16".repeat(87380)],
    "no-prototype": ["return Object.assign(Object.create(null), { a: 1 })", { a: 1 }],
  };
  const senses = Object.fromEntries(
    Object.entries(good).map(([name, [body]]) => [name, `export function compute() { ${body}; }`]),
  );
  const yaml = { senses: Object.fromEntries(Object.keys(good).map((name) => [name, { group: "one" }])) };
  await using workspace = await startWorkspace({ yaml, senses });
  for (const [name, [, value]] of Object.entries(good)) assert.deepEqual(await workspace.payload(name), value, name);
  const rows = await workspace.rows({ type: "sense.signal", source: "sense:lone-surrogate" });
  assert.deepEqual((rows[0]?.payload as { payload: unknown }).payload, { s: "a\ufffdb" }, "also in the log");
});

// The bug was: "returned null" for a compute whose author had forgotten to await: it had returned nothing at all.
long.test("a compute that returns nothing is not a signal, and its row differs from that of null", async () => {
  const forgetful = "const work = () => Promise.resolve({ a: 1 });\nexport function compute() { work(); }";
  await using workspace = await startWorkspace({ senses: { forgetful, quiet: "export const compute = () => null;" } });
  for (const [name, returned] of [["forgetful", "undefined"], ["quiet", undefined]] as const) {
    assert.deepEqual(await workspace.trigger(name), { kind: "null", ...returned === undefined ? {} : { returned } });
    const [row] = await workspace.rows({ source: `sense:${name}`, type: "sense.null" });
    assert.equal(Object(row?.payload).returned, returned);
  }
});
