/** Gates as an author wrote them: forms, defaults, what their functions may return, and errors that name the part. */
import assert from "node:assert/strict";
import { gateBodyMaxBytes, gateOptionsMax, gateTitleMaxChars } from "../../../src/base/wait_limits.ts";
import { readGatePlan } from "../../../src/sandbox/gates.ts";
import { isWait, readWaitPlan } from "../../../src/sandbox/waits.ts";
import { gate, type GateRequest } from "../../../src/sdk/waits.ts";

const start = {
  runId: "r",
  workflow: "w",
  prompt: "",
  maxRounds: 9,
  payload: {},
  trigger: { kind: "manual" },
} as const;
const message = { round: 1, role: "plan", content: "3 unused", meta: { count: 3 }, ts: 1 };
const context = { start, messages: [message], config: { name: "c" } };

function ask(request: unknown): unknown {
  const role = gate(request as GateRequest);
  assert.ok(isWait(role));
  const plan = readWaitPlan(role);
  if (!plan.ok) return `load: ${plan.error}`;
  const asked = plan.value.ask(context);
  return asked.ok ? asked.value : asked.error.message;
}

Deno.test("a gate has texts or functions of the run, and defaults for all but its title", () => {
  const never = { expiresMs: null, onExpiry: null, approvers: null },
    plain = { kind: "gate", body: "", options: ["approve", "reject"] };
  assert.deepEqual(ask({ title: "Go?" }), { ...plain, title: "Go?", ...never });
  const own = ask({
    title: ({ messages }: typeof context) => ` Remove\n ${messages[0]?.meta.count} images? `,
    body: ({ config }: typeof context) => `of ${config.name}`,
    options: ["now", "to night"],
    expires: "1h",
    onExpiry: "to night",
  });
  const expiry = { expiresMs: 3_600_000, onExpiry: "to night" };
  const texts = { title: "Remove 3 images?", body: "of c" };
  assert.deepEqual(own, { kind: "gate", ...texts, options: ["now", "to night"], ...expiry, approvers: null });
  assert.deepEqual(ask({ title: "Go?", expires: 5 }), {
    ...plain,
    ...never,
    title: "Go?",
    expiresMs: 5,
    onExpiry: "reject",
  });
  assert.deepEqual(ask({ title: "Go?", phase: "review" }), { ...plain, title: "Go?", ...never, phase: "review" });
  for (const phase of ["recovery", "a:b", "Review", 7]) {
    assert.match(String(ask({ title: "Go?", phase })), /has a phase/);
  }
  const named = ask({ title: "Go?", approvers: ["ops", "ada", "ops"] });
  assert.deepEqual(named, { ...plain, title: "Go?", ...never, approvers: ["ops", "ada"] });
});

Deno.test("what is fixed is wrong when the workflow loads, what a function returns when the run comes to the gate", () => {
  const large = "x".repeat(gateBodyMaxBytes + 1), long = "x".repeat(gateTitleMaxChars + 1);
  for (const title of ["", "  ", long]) {
    assert.match(String(ask({ title })), /^load: has a title that is (empty|longer than)/);
    assert.match(String(ask({ title: () => title })), /^its title is (empty|longer than)/);
  }
  assert.match(String(ask({ title: "t", body: large })), /^load: has a body that is larger than/);
  assert.match(String(ask({ title: "t", body: () => large })), /^its body is larger than/);
  assert.equal(ask({ title: () => 5 }), "its title is not a text, but number");
  assert.equal(ask({ title: "t", body: () => Promise.resolve("b") }), "its body is not a text, but object");
  const thrown = ask({
    title: () => {
      throw new Error("no title");
    },
  });
  assert.equal(thrown, "its title threw: no title");
  const huge = () => "x".repeat(10 * 1024 ** 2);
  assert.match(String(ask({ title: huge })), /^its title is longer/);
});

Deno.test("a wrong gate keeps its workflow from loading, and says why", () => {
  const cases: [Record<string, unknown>, RegExp][] = [
    [{}, /title that is neither a text nor a function/],
    [{ title: 5 }, /title that is neither a text nor a function/],
    [{ title: "t", body: 5 }, /body that is neither a text nor a function/],
    [{ title: "t", option: [] }, /unknown key option: the keys of a gate are/],
    [{ title: "t", options: "approve" }, /options that are no list/],
    [{ title: "t", options: [] }, /options that are no list/],
    [
      { title: "t", options: Array.from({ length: gateOptionsMax + 1 }, (_, n) => `o${n}`) },
      /options that are no list/,
    ],
    [{ title: "t", options: ["a", "a"] }, /an option twice/],
    [{ title: "t", options: [""] }, /an option that is no name/],
    [{ title: "t", options: ["a\nb"] }, /an option that is no name/],
    [{ title: "t", expires: "soon" }, /invalid expires/],
    [{ title: "t", expires: -1 }, /an expires that is not a span/],
    [{ title: "t", options: ["go"], expires: "1h" }, /onExpiry that is none of its options/],
    [{ title: "t", onExpiry: "reject" }, /onExpiry, but never expires/],
    [{ title: "t", approvers: [] }, /approvers that are no list of 1 to/],
    [{ title: "t", approvers: "ops" }, /approvers that are no list/],
    [{ title: "t", approvers: [1] }, /approvers that are no list/],
  ];
  for (const [wrong, why] of cases) {
    const plan = readGatePlan(wrong);
    assert.match(plan.ok ? "" : plan.error, why);
  }
});
