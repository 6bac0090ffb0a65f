/**
 * Decisions where nerve.yaml names approvers. Danger: a decision counts that no approver has made; or a signature
 * counts for something other than it was made for.
 */
import assert from "node:assert/strict";
import { parseSshPublicKey } from "../../../src/base/ssh_key.ts";
import { type DecisionRequest, toSignedText } from "../../../src/protocol/approval.ts";
import type { AskedGate } from "../../../src/workflow/local/gates.ts";
import { HardwareKey } from "../../support/ssh_keys.ts";
import { Bench, running } from "../../support/workflow_bench.ts";

const asked: AskedGate = {
  ...{ kind: "gate", title: "Remove 3 images?", body: "- a", expiresMs: null, onExpiry: null, approvers: null },
  options: ["approve", "reject"],
};

interface People {
  readonly bench: Bench;
  readonly keys: Readonly<Record<"ada" | "bob" | "eve", HardwareKey>>;
}

/** A run "a" at a gate. Ada and Bob may decide, and "ops" is Ada; Eve has a key that nerve.yaml does not know. */
async function atGate(more: Partial<AskedGate> = {}): Promise<People> {
  const [ada, bob, eve] = await Promise.all([1, 2, 3].map(() => HardwareKey.make("ed25519")));
  assert.ok(ada !== undefined && bob !== undefined && eve !== undefined);
  const bench = await running("a");
  bench.approvers = {
    people: new Map([["ada", [blobOf(ada)]], ["bob", [blobOf(bob)]]]),
    groups: new Map([["ops", ["ada"]]]),
  };
  await bench.wait("a", { ...asked, ...more }, { role: "ask" });
  await bench.clock.until(() => bench.status("a") !== "started", "the run asks");
  return { bench, keys: { ada, bob, eve } };
}

function blobOf(key: HardwareKey): string {
  const parsed = parseSshPublicKey(key.publicKey);
  return parsed.ok ? parsed.value.blob : assert.fail(parsed.error);
}

const id = "a:ask::1";
const requestOf = (bench: Bench) => bench.store.readApproval(id)?.approval ?? assert.fail(`no ${id}`);

function decide(bench: Bench, more: Partial<DecisionRequest> = {}) {
  return bench.manager.decide(id, { option: "approve", digest: requestOf(bench).digest, token: "t", ...more });
}

/** Signs what `decide` sends. */
async function signed(by: HardwareKey, bench: Bench, more: Partial<DecisionRequest> = {}) {
  return { ...more, signature: await by.sign(toSignedText(requestOf(bench), { option: "approve", ...more })) };
}

async function refuses(bench: Bench, more: Partial<DecisionRequest>, message: RegExp): Promise<void> {
  const before = bench.logged.length;
  await assert.rejects(decide(bench, more), { code: "APPROVAL_FORBIDDEN", message });
  const [row, ...rest] = bench.logged.slice(before);
  assert.deepEqual([row?.type, rest], ["approval.refused", []]);
  assert.equal((row?.payload as { code: string }).code, "APPROVAL_FORBIDDEN");
  assert.equal(bench.status("a"), "waiting");
}

Deno.test("a decision counts with the signature of an approver, whatever name it comes with", async () => {
  const { bench, keys } = await atGate();
  const { approval } = await decide(bench, await signed(keys.bob, bench, { by: "ada", comment: "go" }));
  assert.deepEqual([approval.by, approval.state, approval.comment], ["bob", "approved", "go"]);
  assert.match(approval.key ?? "", /^SHA256:/);
  assert.match(approval.signature ?? "", /^-----BEGIN SSH SIGNATURE/);
  await bench.turn();
  assert.equal(bench.at("a").thread.messages.at(-1)?.meta.by, "bob");
});

Deno.test("a decision without a signature, or with one for something else, is refused and logged", async () => {
  const { bench, keys } = await atGate(), request = requestOf(bench);
  await refuses(bench, {}, /needs a signature$/);
  await refuses(bench, { by: "ada" }, /needs a signature$/);
  await refuses(bench, { signature: "ada" }, /does not count: it is not what ssh-keygen -Y sign writes/);
  const approve = await signed(keys.ada, bench), something = /does not count: it is for something else, or damaged/;
  await refuses(bench, { ...approve, option: "reject" }, something);
  await refuses(bench, { ...approve, comment: "and everything else" }, something);
  const other = { ...request, digest: "0".repeat(64) };
  await refuses(bench, { signature: await keys.ada.sign(toSignedText(other, { option: "approve" })) }, something);
  const elsewhere = { ...request, id: "b:ask::1" };
  await refuses(bench, { signature: await keys.ada.sign(toSignedText(elsewhere, { option: "approve" })) }, something);
  await refuses(bench, await signed(keys.eve, bench), /is signed by a key of none of the approvers: SHA256:/);
  const untouched = await keys.ada.sign(toSignedText(request, { option: "approve" }), 0);
  await refuses(bench, { signature: untouched }, /the key was not touched/);
  await decide(bench, approve);
});

Deno.test("a gate that names approvers is theirs alone, also as a group", async () => {
  const { bench, keys } = await atGate({ approvers: ["ops"] });
  assert.deepEqual(requestOf(bench).approvers, ["ops"]);
  await refuses(bench, await signed(keys.bob, bench), /signed by a key of bob, who may not decide it/);
  assert.equal((await decide(bench, await signed(keys.ada, bench))).approval.by, "ada");
});

Deno.test("whoever may decide is known when they decide: a new key counts, a removed one does not", async () => {
  const { bench, keys } = await atGate({ approvers: ["ops"] });
  bench.approvers = { people: new Map(), groups: new Map() };
  const nobody = { code: "APPROVAL_FORBIDDEN", hint: "nobody may decide it: add ops to the approvers of nerve.yaml" };
  await assert.rejects(decide(bench, await signed(keys.ada, bench)), nobody);
  bench.approvers = { people: new Map([["eve", [blobOf(keys.eve)]]]), groups: new Map([["ops", ["eve"]]]) };
  await refuses(bench, await signed(keys.ada, bench), /of none of the approvers/);
  assert.equal((await decide(bench, await signed(keys.eve, bench))).approval.by, "eve");
});

Deno.test("a signed decision again is the same answer; the signature of another option changes nothing", async () => {
  const { bench, keys } = await atGate(), approve = await signed(keys.ada, bench);
  const reject = await signed(keys.ada, bench, { option: "reject" });
  const first = await decide(bench, approve);
  assert.deepEqual(await decide(bench, approve), { replayed: true, approval: first.approval });
  // A client that got no answer may not know its token any more: the signer counts.
  assert.equal((await decide(bench, { ...approve, token: "u" })).replayed, true);
  for (const other of [{ token: "u", by: "ada" }, { ...await signed(keys.bob, bench), token: "u", by: "ada" }]) {
    await assert.rejects(decide(bench, other), { code: "APPROVAL_DECIDED" });
  }
  await assert.rejects(decide(bench, reject), { code: "APPROVAL_DECIDED" });
});

Deno.test("two approvers at once: one decides, the other is told", async () => {
  const { bench, keys } = await atGate();
  const approve = await signed(keys.ada, bench),
    reject = await signed(keys.bob, bench, { option: "reject", token: "u" });
  const both = await Promise.allSettled([decide(bench, approve), decide(bench, reject)]);
  assert.deepEqual(both.map(({ status }) => status).toSorted(), ["fulfilled", "rejected"]);
  assert.equal(bench.rows("a").filter((type) => type === "approval.decided").length, 1);
});

Deno.test("nobody decides in time: the expiry decides without a signature", async () => {
  const { bench } = await atGate({ expiresMs: 60_000, onExpiry: "reject" });
  await bench.clock.tick(60_000);
  assert.deepEqual([requestOf(bench).state, requestOf(bench).key], ["expired", null]);
});

Deno.test("what a person supplies for a role that is done is part of what they sign", async () => {
  const ada = await HardwareKey.make("ed25519"), bench = await running("a"), of = "a:charge:recovery:1";
  bench.approvers = { people: new Map([["ada", [blobOf(ada)]]]), groups: new Map() };
  await bench.askToBegin("a");
  await bench.die(bench.at("a").process);
  await bench.clock.until(() => bench.status("a") !== "started", "the run asks");
  const request = bench.store.readApproval(of)?.approval ?? assert.fail(`no ${of}`), { digest } = request;
  const done = { option: "done", content: "charged 5", meta: { id: "ch_1" } };
  const signature = await ada.sign(toSignedText(request, done));
  for (const other of [{ content: "charged 500" }, { meta: { id: "ch_2" } }, { meta: {} }]) {
    const changed = bench.manager.decide(of, { ...done, ...other, digest, token: "t", signature });
    await assert.rejects(changed, { code: "APPROVAL_FORBIDDEN", message: /it is for something else, or damaged/ });
  }
  await bench.manager.decide(of, { ...done, digest, token: "t", signature });
  await bench.turn();
  assert.equal(bench.at("a").thread.messages[0]?.content, "charged 5");
});
