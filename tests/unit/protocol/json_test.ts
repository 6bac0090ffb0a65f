import assert from "node:assert/strict";
import { jsonDepthMax } from "../../../src/base/limits.ts";
import {
  byteLength,
  findLostNumber,
  nestsTooDeep,
  stringifyWellFormed,
  toJsonText,
} from "../../../src/protocol/json.ts";
import fc from "../../support/fast_check.ts";

const MiB = 2 ** 20;

Deno.test("toJsonText() returns text that reads back as the value, for any JSON within its bounds", () => {
  fc.assert(fc.property(fc.jsonValue({ maxDepth: 5 }), (value) => {
    const text = toJsonText(value, MiB);
    assert.ok(text.ok);
    assert.deepEqual(JSON.parse(text.value), JSON.parse(JSON.stringify(value)));
  }));
});

Deno.test("toJsonText() never throws, whatever the value does", () => {
  fc.assert(
    fc.property(fc.anything({ withBigInt: true, withMap: true, withSet: true, withSparseArray: true }), (value) => {
      const text = toJsonText(value, MiB);
      if (!text.ok) assert.match(text.error, /^is /);
    }),
  );
  const cycle: Record<string, unknown> = {};
  cycle.self = cycle;
  const hostile: unknown[] = [
    cycle,
    1n,
    () => 1,
    Symbol("s"),
    undefined,
    Object.defineProperty({}, "a", { enumerable: true, get: () => assert.fail("peek") }),
    { toJSON: () => undefined },
    {
      toJSON() {
        throw null;
      },
    },
    new Proxy({}, { ownKeys: () => assert.fail("keys") }),
  ];
  for (const value of hostile) assert.equal(toJsonText(value, MiB).ok, false);
});

Deno.test("toJsonText() counts bytes of UTF-8, not characters, and accepts exactly the limit", () => {
  assert.equal(toJsonText("xxxx", 6).ok, true);
  assert.equal(toJsonText("xxxx", 5).ok, false);
  assert.equal(toJsonText("\u4e16\u4e16", 8).ok, true, "two characters of three bytes, two quotes");
  assert.equal(toJsonText("\u4e16\u4e16", 7).ok, false);
});

Deno.test("toJsonText() gives one line of well-formed text, whatever is in a string", () => {
  const text = toJsonText("a\ud800\n\u2028", MiB);
  assert.ok(text.ok && !text.value.includes("\n"));
  assert.equal(JSON.parse(text.value), "a\ufffd\n\u2028");
});

Deno.test("toJsonText() rejects JSON that is nested too deeply, and accepts the deepest that is allowed", () => {
  const nested = (levels: number): unknown => {
    let value: unknown = 1;
    for (let level = 0; level < levels; level++) value = level % 2 === 0 ? [value, "x".repeat(10)] : { a: value };
    return value;
  };
  assert.equal(toJsonText(nested(jsonDepthMax), MiB).ok, true);
  assert.deepEqual(toJsonText(nested(jsonDepthMax + 1), MiB), {
    ok: false,
    error: `is nested deeper than ${jsonDepthMax} levels`,
  });
  assert.equal(nestsTooDeep("[".repeat(100_000) + "]".repeat(100_000)), true);
});

Deno.test("nestsTooDeep() agrees with a walk through the value, for any JSON text", () => {
  const levelsOf = (value: unknown): number =>
    typeof value !== "object" || value === null ? 0 : 1 + Math.max(0, ...Object.values(value).map(levelsOf));
  const texts = fc.oneof(
    fc.jsonValue({ maxDepth: 6 }),
    fc.array(fc.string({ unit: fc.constantFrom('"', "\\", "[", "}", "a") })),
  );
  fc.assert(fc.property(texts, fc.integer({ min: 0, max: 6 }), (value, levels) => {
    assert.equal(nestsTooDeep(JSON.stringify(value), levels), levelsOf(value) > levels);
  }));
});

Deno.test("byteLength() counts UTF-8: one to four bytes per character, three for a lone surrogate", () => {
  const texts = ["", "a", "\u00e9", "\u4e16", "\u{1f600}", "\ud800"];
  assert.deepEqual(texts.map(byteLength), [0, 1, 2, 3, 4, 3]);
});

Deno.test("stringifyWellFormed() leaves no half of a surrogate pair in values or keys, and everything else as it is", () => {
  const half = "\u{1F600}".slice(0, 1),
    value = { [half]: [half, { deep: `a${half}` }], literal: "\\ud83d", whole: "\u{1F600}" };
  const text = stringifyWellFormed(value) ?? "";
  assert.deepEqual(JSON.parse(text), {
    "\ufffd": ["\ufffd", { deep: "a\ufffd" }],
    literal: "\\ud83d",
    whole: "\u{1F600}",
  });
  assert.ok(!/[^\\]\\ud/.test(text));
  fc.assert(fc.property(fc.jsonValue(), (any) => {
    assert.equal(stringifyWellFormed(any), JSON.stringify(any));
  }));
});

Deno.test("findLostNumber() tells the first number that JSON.parse would change", () => {
  const lost = ["7615917337495251231", "9007199254740993", "-9007199254740993", "1e400", "-1e999"];
  for (const number of lost) assert.equal(findLostNumber(`{"a":[1,{"b":${number}}]}`), number);
  const kept = ["9007199254740992", "1e300", "0.1", "1152921504606846976", '"7615917337495251231"', "1e-400", "123"];
  for (const number of kept) assert.equal(findLostNumber(`{"a":${number}}`), null, number);
});
