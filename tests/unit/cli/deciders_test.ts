/** Who may decide a request, and who did, in words. */
import assert from "node:assert/strict";
import { toPrintable } from "../../../src/base/printable.ts";
import { describeDeciders, tellDecision } from "../../../src/cli/render/deciders.ts";
import type { ApprovalSummary } from "../../../src/protocol/approval.ts";
import type { Approvers } from "../../../src/protocol/approver.ts";

const approvers: Approvers = {
  people: new Map([["ada", ["k1"]], ["bob", ["k2"]]]),
  groups: new Map([["ops", ["ada", "bob"]]]),
};
const nobody: Approvers = { people: new Map(), groups: new Map() };
const decided = {
  ...{ title: "Remove 3 images?", decision: "approve", by: "ada", how: "api", key: null, comment: null },
  decided: Date.UTC(2026, 0, 31, 11),
} as unknown as ApprovalSummary;

Deno.test("a gate that names nobody is for all people of nerve.yaml; without any, for who may use the daemon", () => {
  assert.equal(describeDeciders({ approvers: null }, approvers), "ada, bob");
  assert.deepEqual([nobody, null].map((known) => describeDeciders({ approvers: null }, known)), [null, null]);
});

Deno.test("a group stands with its people, and a name that nerve.yaml has no longer says so", () => {
  assert.equal(describeDeciders({ approvers: ["ops"] }, approvers), "ops (ada, bob)");
  assert.equal(describeDeciders({ approvers: ["bob"] }, approvers), "bob");
  assert.equal(describeDeciders({ approvers: ["bob", "eve"] }, approvers), "bob, eve (bob)");
  assert.match(describeDeciders({ approvers: ["eve"] }, approvers) ?? "", /^eve \(nobody: not among the approvers/);
  assert.equal(describeDeciders({ approvers: ["eve"] }, null), "eve");
});

Deno.test("a decision says who, what, when, with which key, and why", () => {
  assert.match(tellDecision(decided), /ada decided approve: Remove 3 images\? \(2026-01-31 /);
  const signed = tellDecision({ ...decided, key: "SHA256:abc", comment: "go" } as ApprovalSummary);
  assert.match(signed, /; signed with the key SHA256:abc; "go"\)$/);
  const plain = tellDecision({ ...decided, decided: null, by: null } as ApprovalSummary);
  assert.match(plain, /a person decided approve: Remove 3 images\?$/);
});

Deno.test("nobody decided what its expiry decided", () => {
  const text = tellDecision({ ...decided, how: "expiry", by: null, decision: "abort" } as ApprovalSummary);
  assert.match(text, /nobody decided in time, which means abort: /);
});

Deno.test("texts of strangers stay on one line, and bounded", () => {
  const hostile = "a\n\x1b[2J\u202eb".repeat(500);
  const text = tellDecision({ ...decided, title: hostile, comment: hostile, by: hostile } as ApprovalSummary);
  assert.ok(!text.includes("\n") && text.length < 1_500, `${text.length}`);
  assert.ok(toPrintable(text).length > 0);
});
