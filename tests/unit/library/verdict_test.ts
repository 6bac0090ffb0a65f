/** What a sense tells that checks several things. */
import assert from "node:assert/strict";
import { announce, toVerdict } from "../../../lib/verdict.ts";

const settings = { always: false, workflow: null };
const right = [{ name: "a", problem: null }, { name: "b", problem: null }];
const wrong = [{ name: "a", problem: null }, { name: "b", problem: "is gone" }];

Deno.test("announce() is silent while all is right, tells what is wrong, and once that it is no more", () => {
  assert.equal(announce(toVerdict(right), { before: new Set(), now: right, ...settings }), null);
  assert.deepEqual(announce(toVerdict(wrong), { before: new Set(["b"]), now: wrong, ...settings }), {
    ok: false,
    problems: ["b: is gone"],
  });
  const recovered = { ok: true, problems: [] };
  assert.deepEqual(announce(toVerdict(right), { before: new Set(["b"]), now: right, ...settings }), recovered);
  assert.deepEqual(announce(toVerdict(right), { before: new Set(), now: right, ...settings, always: true }), recovered);
});

Deno.test("announce() names what has just gone wrong to a workflow, once, and not a thousand names", () => {
  const workflow = "mend";
  assert.deepEqual(announce(toVerdict(wrong), { before: new Set(["a"]), now: wrong, always: false, workflow }), {
    ok: false,
    problems: ["b: is gone"],
    workflow: { name: "mend", prompt: "b: is gone", maxRounds: 20 },
  });
  const still = announce(toVerdict(wrong), { before: new Set(["b"]), now: wrong, always: false, workflow });
  assert.equal(still !== null && "workflow" in still, false);
  const many = Array.from({ length: 12 }, (_, index) => ({ name: `n${index}`, problem: "is gone" }));
  const told = announce(toVerdict(many), { before: new Set(), now: many, always: false, workflow });
  assert.ok(told !== null && "workflow" in told && told.workflow.prompt?.endsWith("n9: is gone, and 2 more"));
});
