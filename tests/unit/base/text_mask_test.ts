/** Secrets are replaced in what is shown. Danger: a part of one is shown, or a key, or a secret inside another. */
import assert from "node:assert/strict";
import { type Spelling, TextMask } from "../../../src/base/text_mask.ts";
import fc from "../../support/fast_check.ts";

const key: Spelling = ["hunter2-hunter2", "(key)"];
/** So long that somebody may have cut it. */
const cutChars = 1_000;
const padTo = (length: number, end: string) => "-".repeat(length - end.length) + end;
const endOf = (text: string, chars = 12) => text.slice(-chars);

Deno.test("every place of a secret is masked, also side by side, and what is like it is not", () => {
  const mask = new TextMask([key]);
  assert.equal(mask.text("a hunter2-hunter2hunter2-hunter2 b"), "a (key)(key) b");
  for (const text of ["", "hunter2", "HUNTER2-HUNTER2", "hunter2-hunter", "\0"]) assert.equal(mask.text(text), text);
});

Deno.test("of secrets that contain each other the longest is masked, in whichever order they are given", () => {
  const spellings: Spelling[] = [["abcd", "(short)"], ["abcdefgh", "(long)"], ["cdefgh", "(middle)"]];
  for (const given of [spellings, spellings.toReversed()]) {
    const mask = new TextMask(given);
    assert.deepEqual(mask.spellings.map(([value]) => value.length), [8, 6, 4]);
    assert.equal(mask.text("abcdefgh abcd cdefgh"), "(long) (short) (middle)");
  }
});

Deno.test("a secret and what stands in its place are texts, not patterns", () => {
  const mask = new TextMask([["a.c$&", "$& $1"]]);
  assert.equal(mask.text("abc$& a.c$&"), "abc$& $& $1");
});

Deno.test("values and keys of JSON are masked at every depth, and everything else stays", () => {
  const given = { "hunter2-hunter2": ["x hunter2-hunter2", { deep: { "hunter2-hunter2 b": null } }], n: 1, no: false };
  const before = structuredClone(given);
  assert.deepEqual(new TextMask([key]).mask<unknown>(given), {
    "(key)": ["x (key)", { deep: { "(key) b": null } }],
    n: 1,
    no: false,
  });
  assert.deepEqual(given, before, "what is masked is a copy");
  assert.equal(new TextMask([key]).mask("hunter2-hunter2"), "(key)");
});

Deno.test("a key that would set a prototype is a key like any other", () => {
  const masked = new TextMask([key]).mask(JSON.parse('{"__proto__": {"a": "hunter2-hunter2"}}') as object);
  assert.equal(JSON.stringify(masked), '{"__proto__":{"a":"(key)"}}');
  assert.equal(Object.getPrototypeOf(masked), Object.prototype);
});

Deno.test("without secrets a value is the same object", () => {
  const value = { a: ["hunter2-hunter2"] };
  assert.equal(new TextMask([]).mask(value), value);
  assert.equal(new TextMask([]).text(padTo(cutChars, "hunter2")), padTo(cutChars, "hunter2"));
});

Deno.test("at the end of a text that may be cut, the beginning of a secret is masked; of fewer than four characters not", () => {
  const mask = new TextMask([key]);
  assert.equal(endOf(mask.text(padTo(cutChars, "hunter2-hun"))), "-------(key)");
  assert.equal(endOf(mask.text(padTo(cutChars, "hunt"))), "-------(key)");
  assert.equal(endOf(mask.text(padTo(cutChars, "hun"))), "---------hun");
  assert.equal(endOf(mask.text(padTo(cutChars, "hunt-"))), "-------hunt-", "it goes on otherwise");
});

Deno.test("dots that say that a text was cut stay, and what stands before them is masked", () => {
  const mask = new TextMask([key]);
  assert.equal(endOf(mask.text(padTo(cutChars, "hunter2-...")), 11), "---(key)...");
  assert.equal(endOf(mask.text(padTo(cutChars, "...")), 5), "--...");
});

Deno.test("a shorter text was not cut, and neither was one that is long only with its secrets shown otherwise", () => {
  const mask = new TextMask([key, ["x", "a long text that takes the place of one character"]]);
  const short = padTo(cutChars - 1, "hunter2");
  assert.equal(mask.text(short), short);
  assert.match(mask.text("x".repeat(100) + "hunter2"), /hunter2$/);
});

Deno.test("the longest secret whose beginning is at the end is the one that is named", () => {
  const mask = new TextMask([["hunter2", "(short)"], ["hunter2-and-more", "(long)"]]);
  assert.equal(endOf(mask.text(padTo(cutChars, "hunt"))), "------(long)");
});

Deno.test("of a very long secret its first 4,096 characters are looked for at the end", () => {
  const secret = Array.from({ length: 5_000 }, (_, n) => String.fromCodePoint(0x4e00 + n)).join("");
  const mask = new TextMask([[secret, "(long)"]]);
  for (const kept of [4, 100, 4_096]) {
    assert.equal(mask.text(padTo(9_000, secret.slice(0, kept))), `${"-".repeat(9_000 - kept)}(long)`, `${kept}`);
  }
});

Deno.test("no whole secret is left in any text, and of a cut one at most three characters", () => {
  // Neither what is shown nor what stands around has a character of the secret: what is left of it can only be its own.
  const secret = fc.string({ unit: fc.constantFrom(..."abc"), minLength: 4, maxLength: 12 });
  const around = fc.array(fc.string({ unit: fc.constantFrom("-", "é", "\0", " "), maxLength: 5 }), { minLength: 1 });
  fc.assert(fc.property(secret, around, fc.nat(12), fc.boolean(), (value, parts, kept, dots) => {
    const cut = value.slice(0, kept), mask = new TextMask([[value, "#"]]), left = parts.join(value);
    const long = mask.text(" ".repeat(cutChars) + left + " " + cut + (dots ? "..." : ""));
    assert.ok(!mask.text(left).includes(value));
    assert.ok(!long.includes(value));
    assert.equal(long.replaceAll(/[^abc]/g, ""), cut.length < 4 ? cut : "");
  }));
});
