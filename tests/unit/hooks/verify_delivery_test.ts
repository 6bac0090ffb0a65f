/** Proofs of deliveries, checked with published signatures. */
import assert from "node:assert/strict";
import { findProofFault, makeProof, toDeliveryKeys } from "../../../src/hooks/verify_delivery.ts";
import type { HookProof } from "../../../src/protocol/hook.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const github: HookProof = {
  kind: "hmac",
  hash: "sha256",
  header: "x-hub-signature-256",
  prefix: "sha256=",
  encoding: "hex",
};

Deno.test("GitHub's own example is proven, and nothing near it", () => {
  // https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
  const secret = "It's a Secret to Everybody", body = bytes("Hello, World!");
  const right = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
  const fault = (given: string | undefined, of = body, secrets = [secret]) =>
    findProofFault(
      github,
      secrets,
      { headers: given === undefined ? {} : { "x-hub-signature-256": given }, body: of },
      0,
    );
  assert.equal(fault(right), null);
  assert.equal(fault(right.toUpperCase().replace("SHA256", "sha256")), null);
  assert.equal(fault(right, body, ["another", secret]), null);
  const wrong = [
    right.replace("7571", "7572"),
    right.slice(0, -2),
    `${right}00`,
    "sha256=",
    right.slice(7),
    "sha256=zz",
  ];
  for (const given of wrong) {
    assert.match(fault(given) ?? "", /^has (a wrong|no) signature in x-hub-signature-256$/, given);
  }
  assert.match(fault(undefined) ?? "", /no signature/);
  assert.match(fault(right, bytes("Hello, World?")) ?? "", /wrong/);
  assert.match(fault(right, body, ["It's a secret to everybody"]) ?? "", /wrong/);
});

Deno.test("the example of Standard Webhooks is proven while its time is near", () => {
  // https://github.com/standard-webhooks/standard-webhooks: the libraries share this vector.
  const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", body = bytes('{"test": 2432232314}');
  const headers = {
    "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
    "webhook-timestamp": "1614265330",
    "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
  };
  const fault = (now: number, more: Record<string, string> = {}) =>
    findProofFault({ kind: "standard" }, [secret], { headers: { ...headers, ...more }, body }, now);
  const at = 1_614_265_330_000;
  assert.equal(fault(at), null);
  assert.equal(fault(at + 299_000, { "webhook-signature": `v1,AAAA ${headers["webhook-signature"]}` }), null);
  assert.match(fault(at + 301_000) ?? "", /too old/);
  assert.match(fault(at - 301_000) ?? "", /too old/);
  // A replay of an old delivery under a new id or time has no valid signature.
  assert.match(fault(at, { "webhook-id": "msg_other" }) ?? "", /wrong/);
  assert.match(fault(at + 900_000, { "webhook-timestamp": "1614266230" }) ?? "", /wrong/);
});

Deno.test("a token is compared whole", () => {
  const bearer: HookProof = { kind: "token", header: "authorization", prefix: "Bearer " };
  const fault = (authorization: string) =>
    findProofFault(bearer, ["hunter2"], { headers: { authorization }, body: bytes("") }, 0);
  assert.equal(fault("Bearer hunter2"), null);
  for (const wrong of ["Bearer hunter", "Bearer hunter22", "Bearer ", "hunter2", "bearer hunter2", ""]) {
    assert.match(fault(wrong) ?? "", /^has (a wrong|no) token$/, wrong);
  }
});

Deno.test("what makeProof() makes is proven, and by its own secret only", () => {
  const proofs: HookProof[] = [
    github,
    { kind: "hmac", hash: "sha512", header: "x-s", prefix: "", encoding: "base64" },
    { kind: "token", header: "x-t", prefix: "" },
    { kind: "standard" },
    { kind: "stripe" },
  ];
  const body = bytes('{"ü":1}'), now = 1_700_000_000_000;
  for (const proof of proofs) {
    const headers = makeProof(proof, "hunter2-secret", { id: "d-1", body, now });
    assert.equal(findProofFault(proof, ["hunter2-secret"], { headers, body }, now), null, proof.kind);
    assert.notEqual(findProofFault(proof, ["hunter2-secreT"], { headers, body }, now), null, proof.kind);
  }
});

Deno.test("keys differ by hook, by header and by value", () => {
  const keys = (hook: string, id: string, body = "{}") =>
    toDeliveryKeys(hook, [{ kind: "header", name: "x-id" }, { kind: "body" }], {
      headers: { "x-id": id },
      body: bytes(body),
    });
  assert.deepEqual(keys("a", "1"), keys("a", "1"));
  assert.notEqual(keys("a", "1")?.[0], keys("b", "1")?.[0]);
  assert.notEqual(keys("a", "1")?.[0], keys("a", "2")?.[0]);
  assert.equal(keys("a", "1")?.[1], keys("a", "2")?.[1]);
  assert.notEqual(keys("a", "{}")?.[0], keys("a", "1")?.[1]);
  const request = { headers: {}, body: bytes("{}") };
  assert.equal(toDeliveryKeys("a", [{ kind: "header", name: "x-id" }], request), null);
  assert.deepEqual(toDeliveryKeys("a", [], request), []);
});
