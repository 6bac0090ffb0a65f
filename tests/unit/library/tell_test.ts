/** When a check speaks, and when it starts a workflow. */
import assert from "node:assert/strict";
import { tell, type Telling } from "../../../lib/tell.ts";

const plain: Telling = { wasOk: true, always: false, workflow: null, about: "it" };
const fine = { ok: true, problems: [] }, wrong = { ok: false, problems: ["a", "b"] };

Deno.test("tell() speaks while something is wrong, once when nothing is, and else only if it always should", () => {
  assert.equal(tell(fine, plain), null);
  assert.equal(tell(fine, { ...plain, always: true }), fine);
  assert.equal(tell(wrong, plain), wrong);
  assert.equal(tell(wrong, { ...plain, wasOk: false }), wrong);
  assert.equal(tell(fine, { ...plain, wasOk: false }), fine);
});

Deno.test("tell() starts the workflow when something begins to be wrong, not while it goes on or ends", () => {
  const told = tell(wrong, { ...plain, workflow: "mend" });
  assert.deepEqual(told, { ...wrong, workflow: { name: "mend", prompt: "it: a, b", maxRounds: 20 } });
  assert.equal(tell(wrong, { ...plain, wasOk: false, workflow: "mend" }), wrong);
  assert.equal(tell(fine, { ...plain, wasOk: false, workflow: "mend" }), fine);
});
