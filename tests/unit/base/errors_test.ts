/** Errors, and the text of anything that can be thrown. */
import assert from "node:assert/strict";
import { assert as assertOurs, messageOf, NerveError, unreachable } from "../../../src/base/errors.ts";

Deno.test("a NerveError has a code, and a hint and a cause only when they are given", () => {
  const bare = new NerveError("USAGE", "x");
  assert.deepEqual([bare.code, bare.hint, "cause" in bare], ["USAGE", null, false]);
  const cause = new Error("ENOENT"), full = new NerveError("STORE_FAILED", "x", { hint: "do this", cause });
  assert.deepEqual([full.hint, full.cause], ["do this", cause]);
});

Deno.test("a broken invariant and an unexpected kind say that they are bugs of nerve", () => {
  assertOurs(true, "never seen");
  assert.throws(() => assertOurs(0, "one run, one process"), { message: "nerve bug: one run, one process" });
  assert.throws(() => unreachable({ kind: "new" } as never), { message: 'nerve bug: unexpected {"kind":"new"}' });
});

Deno.test("messageOf() is one line, whatever was thrown", () => {
  assert.equal(messageOf(new Error("two\n  lines\n")), "two | lines");
  assert.equal(messageOf("text"), "text");
  assert.equal(messageOf(undefined), "undefined");
  assert.equal(messageOf(new Error(" \n ")), "(no message)");
});

Deno.test("messageOf() never throws, also when what was thrown has no text", () => {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  const hostile = { toString: () => assert.fail("called") };
  const getter = Object.defineProperty(new Error(), "message", { get: () => assert.fail("read") });
  for (const thrown of [proxy, hostile, getter, Object.create(null)]) {
    assert.equal(messageOf(thrown), "(a value that cannot be shown)");
  }
});
