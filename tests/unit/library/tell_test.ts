/** When a check reports, and when it starts a workflow. */
import assert from "node:assert/strict";
import { findNews, tell, tellEach, type Telling, type TellingEach } from "../../../lib/tell.ts";

const plain: Telling = { wasOk: true, news: [], always: false, workflow: null };
const fine = { ok: true, problems: [] }, wrong = { ok: false, problems: ["a", "b"] };

Deno.test("tell() speaks for news, while something is wrong, once when nothing is, and else only if it always should", () => {
  assert.equal(tell(fine, plain), null);
  assert.equal(tell(fine, { ...plain, always: true }), fine);
  assert.equal(tell(fine, { ...plain, news: ["it has changed"] }), fine);
  assert.equal(tell(wrong, plain), wrong);
  assert.equal(tell(wrong, { ...plain, wasOk: false }), wrong);
  assert.equal(tell(fine, { ...plain, wasOk: false }), fine);
});

Deno.test("tell() starts the workflow for news, not while something stays wrong or ends", () => {
  const told = tell(wrong, { ...plain, workflow: "mend", news: findNews("it", true, wrong.problems) });
  assert.deepEqual(told, { ...wrong, workflow: { name: "mend", prompt: "it: a, b", maxRounds: 20 } });
  assert.deepEqual(findNews("it", false, wrong.problems), []);
  assert.deepEqual(findNews("it", true, []), []);
  assert.equal(tell(wrong, { ...plain, wasOk: false, workflow: "mend" }), wrong);
  assert.equal(tell(fine, { ...plain, wasOk: false, workflow: "mend" }), fine);
});

const settings = { always: false, workflow: null };
const bothRight = [{ name: "a", problem: null }, { name: "b", problem: null }];
const oneWrong = [{ name: "a", problem: null }, { name: "b", problem: "is gone" }];
const each = (things: TellingEach["things"], wrongBefore: readonly string[], more: Partial<TellingEach> = {}) =>
  tellEach({ count: 2 }, { things, wereWrong: new Set(wrongBefore), ...settings, ...more });

Deno.test("tellEach() is silent while all is right, tells what is wrong, and once that it is no more", () => {
  assert.equal(each(bothRight, []), null);
  assert.deepEqual(each(oneWrong, ["b"]), { ok: false, problems: ["b: is gone"], count: 2 });
  const recovered = { ok: true, problems: [], count: 2 };
  assert.deepEqual(each(bothRight, ["b"]), recovered);
  assert.deepEqual(each(bothRight, [], { always: true }), recovered);
  assert.deepEqual(each(bothRight, [], { changes: ["a: 1 instead of 2"] }), recovered);
});

Deno.test("tellEach() names what has just gone wrong and what has changed to a workflow, once, and not a thousand names", () => {
  const workflow = "mend";
  const promptOf = (told: ReturnType<typeof each>) => told !== null && "workflow" in told ? told.workflow.prompt : null;
  assert.equal(promptOf(each(oneWrong, ["a"], { workflow })), "b: is gone");
  assert.equal(promptOf(each(oneWrong, ["a"], { workflow, changes: ["a: is new"] })), "b: is gone, a: is new");
  assert.equal(promptOf(each(oneWrong, ["b"], { workflow })), null);
  const many = Array.from({ length: 12 }, (_, index) => ({ name: `n${index}`, problem: "is gone" }));
  assert.match(promptOf(each(many, [], { workflow })) ?? "", /n9: is gone, and 2 more$/);
  const long = [{ name: "a", problem: "x".repeat(9_000) }];
  assert.equal(promptOf(each(long, [], { workflow }))?.length, 4_000);
});
