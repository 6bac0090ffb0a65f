/**
 * Public keys of SSH, made by WebCrypto and written as RFC 4253, 5656, 8709 and PROTOCOL.u2f say. What ssh-keygen makes
 * is in ssh_signature_test.ts. Danger: a key is believed that is not the one in the line.
 */
import assert from "node:assert/strict";
import { fingerprintOf, parseSshPublicKey, readSshPublicKey, type SshPublicKey } from "../../../src/base/ssh_key.ts";
import { concat, writeString } from "../../../src/base/ssh_wire.ts";
import fc from "../../support/fast_check.ts";

type Bytes = Uint8Array<ArrayBuffer>;

const signed = new TextEncoder().encode("approve\0ä");
const point = new Uint8Array(32).fill(7);
const ed25519 = concat(writeString("ssh-ed25519"), writeString(point)).toBase64();
/** The host key of GitHub and the fingerprint that it publishes. */
const github = "AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl";
const githubFingerprint = "SHA256:+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU";

/** A number, with the zero that keeps it positive. */
function writeNumber(bytes: Bytes): Bytes {
  return writeString(concat(new Uint8Array([0]), bytes));
}

function keyOf(blob: string): SshPublicKey {
  const key = readSshPublicKey(blob);
  assert.ok(key.ok, JSON.stringify(key));
  return key.value;
}

function faultOf(...parts: (Bytes | string)[]): string {
  const key = readSshPublicKey(concat(...parts.map(writeString)).toBase64());
  return key.ok ? `accepted as ${key.value.type}` : key.error;
}

/** Whoever calls takes an error for a signature that is none. */
async function holds(key: SshPublicKey, name: string, signature: Bytes, bytes: Bytes = signed): Promise<boolean> {
  try {
    return await (await key.verifier(name))(signature, bytes);
  } catch {
    return false;
  }
}

async function makePair(algorithm: EcKeyGenParams | RsaHashedKeyGenParams | "Ed25519"): Promise<CryptoKeyPair> {
  return await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]) as CryptoKeyPair;
}

async function rawOf({ publicKey }: CryptoKeyPair): Promise<Bytes> {
  return new Uint8Array(await crypto.subtle.exportKey("raw", publicKey));
}

async function signBy(pair: CryptoKeyPair, algorithm: EcdsaParams | "Ed25519" | "RSASSA-PKCS1-v1_5"): Promise<Bytes> {
  return new Uint8Array(await crypto.subtle.sign(algorithm, pair.privateKey, signed));
}

/** Only these bytes hold: neither other ones nor a changed, shorter or longer signature does. */
async function assertSigned(key: SshPublicKey, name: string, signature: Bytes): Promise<void> {
  assert.ok(await holds(key, name, signature), name);
  assert.equal(await holds(key, name, signature, signed.slice(1)), false);
  for (const at of [0, 5, signature.length - 1]) {
    const flipped = signature.slice();
    flipped[at] = (flipped[at] ?? 0) ^ 1;
    assert.equal(await holds(key, name, flipped), false, `byte ${at} of ${name}`);
  }
  for (const wrong of [signature.slice(0, -1), concat(signature, new Uint8Array(1)), new Uint8Array(0)]) {
    assert.equal(await holds(key, name, wrong), false, `${wrong.length} bytes of ${name}`);
  }
}

Deno.test("an Ed25519 key verifies the first signature of RFC 8032, and no other", async () => {
  const known = Uint8Array.fromHex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");
  const signature = Uint8Array.fromHex(
    "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
  );
  const key = keyOf(concat(writeString("ssh-ed25519"), writeString(known)).toBase64());
  assert.deepEqual([key.type, key.application, key.signatures], ["ssh-ed25519", null, ["ssh-ed25519"]]);
  assert.equal(await holds(key, "ssh-ed25519", signature, new Uint8Array(0)), true);
  assert.equal(await holds(key, "ssh-ed25519", signature), false);
  const pair = await makePair("Ed25519"), own = concat(writeString("ssh-ed25519"), writeString(await rawOf(pair)));
  await assertSigned(keyOf(own.toBase64()), "ssh-ed25519", await signBy(pair, "Ed25519"));
});

for (
  const [curve, namedCurve, hash] of [
    ["nistp256", "P-256", "SHA-256"],
    ["nistp384", "P-384", "SHA-384"],
    ["nistp521", "P-521", "SHA-512"],
  ] as const
) {
  Deno.test(`a key on the curve ${curve} verifies the two numbers of a signature with ${hash}`, async () => {
    const pair = await makePair({ name: "ECDSA", namedCurve }), type = `ecdsa-sha2-${curve}`;
    const key = keyOf(concat(...[type, curve, await rawOf(pair)].map(writeString)).toBase64());
    assert.deepEqual([key.type, key.application, key.signatures], [type, null, [type]]);
    const raw = await signBy(pair, { name: "ECDSA", hash }), half = raw.length / 2;
    const [r, s] = [raw.slice(0, half), raw.slice(half)];
    await assertSigned(key, type, concat(writeNumber(r), writeNumber(s)));
    assert.equal(await holds(key, type, concat(writeNumber(s), writeNumber(r))), false);
    assert.equal(await holds(key, type, raw), false, "the form of WebCrypto is not that of SSH");
    const other = await signBy(pair, { name: "ECDSA", hash: hash === "SHA-256" ? "SHA-512" : "SHA-256" });
    const halves = [other.slice(0, half), other.slice(half)];
    assert.equal(await holds(key, type, concat(...halves.map(writeNumber))), false, "the curve decides the hash");
  });
}

Deno.test("an RSA key makes signatures of two names, and each verifies its own hash alone; a short key is refused", async () => {
  const make = (modulusLength: number, hash: string) =>
    makePair({ name: "RSASSA-PKCS1-v1_5", modulusLength, publicExponent: new Uint8Array([1, 0, 1]), hash });
  const blobOf = async ({ publicKey }: CryptoKeyPair) => {
    const { n = "", e = "" } = await crypto.subtle.exportKey("jwk", publicKey);
    const [modulus, exponent] = [n, e].map((text) => Uint8Array.fromBase64(text, { alphabet: "base64url" }));
    return concat(writeString("ssh-rsa"), writeNumber(exponent ?? point), writeNumber(modulus ?? point)).toBase64();
  };
  const pair = await make(2_048, "SHA-512"), key = keyOf(await blobOf(pair));
  assert.deepEqual([key.type, key.application, key.signatures], ["ssh-rsa", null, ["rsa-sha2-256", "rsa-sha2-512"]]);
  const signature = await signBy(pair, "RSASSA-PKCS1-v1_5");
  await assertSigned(key, "rsa-sha2-512", signature);
  for (const name of ["rsa-sha2-256", "ssh-rsa", ""]) assert.equal(await holds(key, name, signature), false, name);
  const short = readSshPublicKey(await blobOf(await make(1_024, "SHA-512")));
  assert.equal(short.ok || short.error, "is an RSA key of fewer than 2048 bits");
});

Deno.test("zeros before the number of an RSA key make it no longer", () => {
  const padded = concat(new Uint8Array(300), new Uint8Array(100).fill(255));
  assert.match(faultOf("ssh-rsa", new Uint8Array([3]), padded), /fewer than 2048 bits/);
});

Deno.test("a key in hardware names the application that it was made for, and there is none for RSA", () => {
  const sk = "sk-ssh-ed25519@openssh.com", blob = concat(...[sk, point, "ssh:"].map(writeString)).toBase64();
  const { type, application, signatures } = keyOf(blob);
  assert.deepEqual([type, application, signatures], [sk, "ssh:", [sk]]);
  assert.equal(faultOf(sk, point), "is a damaged public key", "without its application");
  assert.equal(faultOf("ssh-ed25519", point, "ssh:"), "is a damaged public key", "with one");
  assert.match(
    faultOf("sk-ssh-rsa@openssh.com", point, point, "ssh:"),
    /^is a key of type sk-ssh-rsa@openssh\.com: use/,
  );
});

Deno.test("a key of another type, a damaged one and one whose parts contradict each other are refused", () => {
  assert.equal(faultOf("ssh-ed25519", point), "accepted as ssh-ed25519");
  for (const type of ["ssh-dss", "ecdsa-sha2-nistp999", "ecdsa-sha2-constructor", "ssh-ed25519\0", ""]) {
    const [, curve = ""] = /^ecdsa-sha2-(.+)/.exec(type) ?? [];
    assert.match(faultOf(type, curve, point), /^is a key of type .*: use ssh-ed25519, /, type);
  }
  const damaged = [
    ["ssh-ed25519", point.slice(1)],
    ["ssh-ed25519", concat(point, point)],
    ["ecdsa-sha2-nistp256", "nistp384", point],
    ["ssh-rsa", point],
    ["ssh-ed25519", point, ""],
  ];
  for (const parts of damaged) assert.equal(faultOf(...parts), "is a damaged public key", String(parts[0]));
});

Deno.test("the line of an .pub file is read with blanks around it, any comment, and no options before it", () => {
  for (const line of [`ssh-ed25519 ${ed25519}`, `\t ssh-ed25519   ${ed25519}  ada @ home "x"\r\n`]) {
    const key = parseSshPublicKey(line);
    assert.ok(key.ok, line);
    assert.equal(key.value.blob, ed25519);
  }
  const refused = (line: string) => {
    const key = parseSshPublicKey(line);
    return key.ok ? "accepted" : key.error;
  };
  assert.match(refused("-----BEGIN OPENSSH PRIVATE KEY-----\nabc"), /^is a private key, or not a key at all/);
  for (const line of ["", "\0", "ssh-ed25519", ed25519, `no-pty ssh-ed25519 ${ed25519}`, "ssh-ed25519 a.b", "a =b"]) {
    assert.match(refused(line), /^is not the line of an \.pub file|^is a damaged/, line);
  }
  assert.match(refused(ed25519), /^is not the line/);
  assert.equal(refused(`ssh-rsa ${ed25519}`), "says ssh-rsa, but is a key of type ssh-ed25519");
});

Deno.test("equal keys have equal blobs, however their base64 is written", () => {
  const padded = concat(writeString("sk-ssh-ed25519@openssh.com"), writeString(point), writeString("a")).toBase64();
  assert.match(padded, /=$/);
  assert.equal(keyOf(padded.replace(/=+$/, "")).blob, padded);
});

Deno.test("whatever the bytes or the line are, they are a key or a reason, and never an error", () => {
  const bytes = fc.uint8Array({ maxLength: 60 }),
    type = fc.constantFrom("ssh-ed25519", "ssh-rsa", "ecdsa-sha2-nistp256");
  fc.assert(fc.property(type, bytes, fc.string(), (name, rest, text) => {
    const made = concat(writeString(name), new Uint8Array(rest)).toBase64();
    for (const key of [readSshPublicKey(made), readSshPublicKey(text), parseSshPublicKey(`${name} ${text}`)]) {
      assert.ok(key.ok || key.error.startsWith("is "), JSON.stringify(key));
    }
  }));
});

Deno.test("the fingerprint of a key is the one that its owner publishes", async () => {
  assert.equal(await fingerprintOf(keyOf(github)), githubFingerprint);
});
