/** Who may decide, compared with what a person agreed to. */
import assert from "node:assert/strict";
import {
  findApproverGrowth,
  formatApproverGrowth,
  lockApprovers,
  unlockApprovers,
} from "../../../src/config/permissions/approver_lock.ts";
import type { Approvers } from "../../../src/protocol/approver.ts";

const of = (people: Record<string, string[]>, groups: Record<string, string[]> = {}): Approvers => ({
  people: new Map(Object.entries(people)),
  groups: new Map(Object.entries(groups)),
});
const growth = (agreed: Approvers, now: Approvers) =>
  findApproverGrowth(lockApprovers(agreed), lockApprovers(now)).map(formatApproverGrowth);
const agreed = of({ ada: ["K1"], bob: ["K2", "K3"] }, { ops: ["ada"] });

Deno.test("another key, person, member or group is more; fewer are not", () => {
  assert.deepEqual(growth(agreed, agreed), []);
  assert.deepEqual(growth(agreed, of({ ada: ["K1"], bob: ["K3"] })), []);
  assert.deepEqual(growth(agreed, of({ ada: ["K1", "K9"] })), ['a key of "ada"']);
  assert.deepEqual(growth(agreed, of({ ada: ["K2"] })), ['a key of "ada"'], "a key that was another person's");
  assert.deepEqual(growth(agreed, of({ ada: ["K1"], eve: ["K8", "K9"] })), ['2 keys of "eve"']);
  assert.deepEqual(growth(agreed, of({ ada: ["K1"] }, { ops: ["ada", "bob"] })), ['"bob" in the group "ops"']);
  assert.deepEqual(growth(agreed, of({ ada: ["K1"] }, { constructor: ["ada"] })), ['"ada" in the group "constructor"']);
});

Deno.test("nobody is everybody: that is more than somebody, and nothing is more than that", () => {
  assert.deepEqual(growth(agreed, of({})), ["everyone may decide, since no one is named"]);
  assert.deepEqual(growth(of({}), agreed), []);
  assert.deepEqual(growth(of({}), of({})), []);
});

Deno.test("what is locked is the same when it is read again, in whatever order it was written", () => {
  const locked = lockApprovers(of({ bob: ["K3", "K2"], ada: ["K1"] }, { ops: ["ada"] }));
  assert.equal(JSON.stringify(locked), JSON.stringify(lockApprovers(agreed)));
  assert.deepEqual(locked && unlockApprovers(locked, of({})), agreed);
  const nobody = unlockApprovers({ people: {}, groups: {} }, agreed);
  assert.deepEqual(nobody, of({ ada: [], bob: [] }, { ops: ["ada"] }), "a signature is needed, and nobody can make it");
});
