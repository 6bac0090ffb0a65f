/** What a parent receives about its children: whatever they returned fits into one message. */
import assert from "node:assert/strict";
import { messageMetaMaxBytes } from "../../../src/base/limits.ts";
import { childContentMaxChars, childrenMax } from "../../../src/base/wait_limits.ts";
import { byteLength } from "../../../src/protocol/json.ts";
import { type ChildOutcome, createChildrenMessage, createOutcome } from "../../../src/workflow/local/child_texts.ts";
import fc from "../../support/fast_check.ts";

const wait = { round: 3, role: "check" };
const child = { round: 3, n: 1, runId: "a.3.1", workflow: "w", refused: null, run: null };
const outcomesOf = (texts: readonly string[]): ChildOutcome[] =>
  texts.map((content, n) => ({ runId: `a.3.${n + 1}`, status: "completed", exitCode: 0, content }));
const told = (texts: readonly string[]) =>
  createChildrenMessage(wait, outcomesOf(texts), 7).meta as unknown as { runs: ChildOutcome[] };

Deno.test("a child that has completed tells its last message, any other why it has ended", () => {
  const of = (status: "completed" | "failed" | "killed", reason: string | null, exitCode: number | null = null) =>
    createOutcome({ ...child, run: { status, exitCode, reason } }, "last");
  assert.deepEqual(of("completed", null, 0), { runId: "a.3.1", status: "completed", exitCode: 0, content: "last" });
  assert.equal(of("failed", "role r failed").content, "role r failed");
  assert.equal(of("killed", null).content, "killed");
  const refused = createOutcome({ ...child, refused: "no such workflow" }, "");
  assert.deepEqual(refused, { runId: "a.3.1", status: "refused", exitCode: null, content: "no such workflow" });
  const long = createOutcome({ ...child, run: { status: "completed", exitCode: 0, reason: null } }, "x".repeat(20_000));
  assert.equal(long.content.length, childContentMaxChars + 3);
});

Deno.test("texts that fit stay whole; else the longest are cut, and end with three dots", () => {
  assert.deepEqual(told(["a", "b"]).runs.map(({ content }) => content), ["a", "b"]);
  const texts = ["short", ...Array.from({ length: 30 }, () => "x".repeat(childContentMaxChars))];
  const { runs } = told(texts);
  assert.equal(runs[0]?.content, "short");
  for (const { content } of runs.slice(1)) assert.match(content, /^x{7000,}\.\.\.$/);
  assert.equal(createChildrenMessage(wait, outcomesOf(texts), 7).content, "31 runs: 31 completed");
});

Deno.test("whatever children have said, all of them are told, and the message fits", () => {
  const long = fc.string({ unit: "binary", maxLength: 50 }).map((text) =>
    text.repeat(2_000).slice(0, childContentMaxChars)
  );
  fc.assert(
    fc.property(fc.array(fc.oneof(fc.string(), long), { maxLength: 30 }), fc.nat(childrenMax), (some, more) => {
      const texts = [...some, ...Array.from({ length: Math.max(0, more - some.length) }, () => "\u0001".repeat(900))];
      const meta = told(texts);
      assert.equal(meta.runs.length, texts.length);
      assert.ok(byteLength(JSON.stringify(meta)) <= messageMetaMaxBytes);
      for (const [n, { content }] of meta.runs.entries()) {
        assert.ok(content === texts[n]?.toWellFormed() || content.endsWith("..."), "a cut text says so");
      }
    }),
    { numRuns: 10 },
  );
});
