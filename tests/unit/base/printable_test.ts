/** Text of users on a terminal. Danger: output that clears the screen, or that hides what a command would do. */
import fc from "../../support/fast_check.ts";
import assert from "node:assert/strict";
import { toPrintable } from "../../../src/base/printable.ts";

Deno.test("toPrintable() shows control characters instead of sending them", () => {
  assert.equal(toPrintable("\x1b[2Jgone\u202e\u0007"), "\\u001b[2Jgone\\u202e\\u0007");
  assert.equal(toPrintable("line\nline\ttab"), "line\\u000aline\\u0009tab");
});

Deno.test("toPrintable() leaves every other text as it is", () => {
  for (const text of ["", "plain", "漢字 🟢 é", "a b"]) assert.equal(toPrintable(text), text);
});

Deno.test("toPrintable() leaves nothing that a terminal obeys, whatever it is given", () => {
  fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => {
    // deno-lint-ignore no-control-regex -- these are what must not be there
    assert.doesNotMatch(toPrintable(text), /[\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/);
  }));
});

Deno.test("every character that a terminal obeys is escaped, and no other", () => {
  const obeyed = /\p{Cc}|\p{Bidi_Control}|[\u2028\u2029]/u;
  for (let code = 0; code <= 0xffff; code++) {
    const character = String.fromCharCode(code);
    assert.equal(toPrintable(`a${character}b`) !== `a${character}b`, obeyed.test(character), code.toString(16));
  }
});
