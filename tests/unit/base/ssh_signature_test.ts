/** SSH signatures as `ssh-keygen` makes them. Danger: a decision is accepted that no one with the key has made. */
import assert from "node:assert/strict";
import { fingerprintOf, parseSshPublicKey } from "../../../src/base/ssh_key.ts";
import { verifySshSignature } from "../../../src/base/ssh_signature.ts";
import fc from "../../support/fast_check.ts";
import { HardwareKey, hasSshKeygen, publicKeyOf, sign, SshKeys } from "../../support/ssh_keys.ts";

const options = { ignore: !hasSshKeygen };
const message = "nerve approval\nrequest r:gate::1\n";
const kinds = {
  "ed25519": ["ed25519"],
  "ecdsa-256": ["ecdsa", "-b", "256"],
  "ecdsa-384": ["ecdsa", "-b", "384"],
  "ecdsa-521": ["ecdsa", "-b", "521"],
  "rsa": ["rsa", "-b", "2048"],
};

const bytes = (text: string) => new TextEncoder().encode(text);
const verify = (signature: string, text = message, namespace = "nerve-approval") =>
  verifySshSignature(signature, bytes(text), namespace);

async function refusal(...args: Parameters<typeof verify>): Promise<string> {
  const result = await verify(...args);
  assert.ok(!result.ok);
  return result.error;
}

async function blobOf(...args: Parameters<typeof verify>): Promise<string> {
  const result = await verify(...args);
  assert.ok(result.ok, JSON.stringify(result));
  return result.value.blob;
}

for (const [name, kind] of Object.entries(kinds)) {
  Deno.test(
    `a signature by a key of kind ${name} tells its key, and nothing else is signed by it`,
    options,
    async () => {
      await using keys = new SshKeys();
      const path = await keys.make(name, ...kind), publicKey = parseSshPublicKey(publicKeyOf(path));
      assert.ok(publicKey.ok, JSON.stringify(publicKey));
      for (const hash of ["sha256", "sha512"]) {
        const signature = await sign(path, message, "-O", `hashalg=${hash}`);
        assert.equal(await blobOf(signature), publicKey.value.blob);
        assert.equal(await refusal(signature, `${message} `), "it is for something else, or damaged");
        assert.equal(
          await refusal(signature, message, "file"),
          'it is for the namespace "nerve-approval", not for file',
        );
      }
    },
  );
}

Deno.test("a key in hardware signs as ssh-keygen verifies it, when its owner touches it", options, async () => {
  for (const kind of ["ed25519", "ecdsa"] as const) {
    const key = await HardwareKey.make(kind), publicKey = parseSshPublicKey(key.publicKey);
    assert.ok(publicKey.ok, JSON.stringify(publicKey));
    const signature = await key.sign(message);
    assert.equal(await blobOf(signature), publicKey.value.blob);
    assert.equal(await refusal(signature, "another"), "it is for something else, or damaged");
    assert.equal(await refusal(await key.sign(message, 0)), "the key was not touched");
    await using keys = new SshKeys();
    Deno.writeTextFileSync(`${keys.folder}/signers`, `ada namespaces="nerve-approval" ${key.publicKey}\n`);
    Deno.writeTextFileSync(`${keys.folder}/signature`, signature);
    const args = ["-Y", "verify", "-f", `${keys.folder}/signers`, "-I", "ada", "-n", "nerve-approval"];
    const child = new Deno.Command("ssh-keygen", {
      args: [...args, "-s", `${keys.folder}/signature`],
      stdin: "piped",
      stdout: "null",
      stderr: "piped",
    }).spawn();
    const writer = child.stdin.getWriter();
    await writer.write(bytes(message));
    await writer.close();
    const { success, stderr } = await child.output();
    assert.ok(success, new TextDecoder().decode(stderr));
  }
});

Deno.test("the fingerprint of a key is the one that ssh-keygen -l shows", options, async () => {
  await using keys = new SshKeys();
  const path = await keys.make("ada", "ed25519"), key = parseSshPublicKey(publicKeyOf(path));
  assert.ok(key.ok);
  const { stdout } = await new Deno.Command("ssh-keygen", { args: ["-l", "-f", `${path}.pub`] }).output();
  assert.equal(new TextDecoder().decode(stdout).split(" ")[1], await fingerprintOf(key.value));
});

Deno.test("a damaged signature is refused, wherever it is damaged, and never throws", options, async () => {
  await using keys = new SshKeys();
  const made = [
    await sign(await keys.make("ada", "ed25519"), message),
    await sign(await keys.make("bob", "ecdsa"), message),
  ];
  made.push(await (await HardwareKey.make("ecdsa")).sign(message));
  for (const signature of made) {
    const body = signature.split("\n").slice(1, -2).join(""), whole = Uint8Array.fromBase64(body);
    const toText = (damaged: Uint8Array) =>
      `-----BEGIN SSH SIGNATURE-----\n${damaged.toBase64()}\n-----END SSH SIGNATURE-----\n`;
    for (let at = 0; at < whole.length; at++) {
      const flipped = whole.slice();
      flipped[at] = (flipped[at] ?? 0) ^ 1 << at % 8;
      assert.ok(!(await verify(toText(flipped))).ok, `byte ${at}`);
      assert.ok(!(await verify(toText(whole.slice(0, at)))).ok, `cut at ${at}`);
    }
    assert.ok(!(await verify(toText(new Uint8Array([...whole, 0])))).ok);
  }
  await fc.assert(fc.asyncProperty(fc.oneof(fc.string(), fc.base64String()), async (text) => {
    assert.ok(!(await verify(text)).ok);
    assert.ok(!(await verify(`-----BEGIN SSH SIGNATURE-----\n${text}\n-----END SSH SIGNATURE-----\n`)).ok);
  }));
});

Deno.test("what is no public key, or one that cannot be trusted, is refused with a reason", options, async () => {
  await using keys = new SshKeys();
  const short = await keys.make("short", "rsa", "-b", "1024"), ada = publicKeyOf(await keys.make("ada", "ed25519"));
  const refused = (line: string) => {
    const key = parseSshPublicKey(line);
    return key.ok ? "accepted" : key.error;
  };
  const [type = "", blob = ""] = ada.split(" ");
  assert.equal(refused(`${type} ${blob}`), "accepted");
  assert.match(refused(publicKeyOf(short)), /^is an RSA key of fewer than 2048 bits$/);
  assert.match(refused(Deno.readTextFileSync(short)), /^is a private key/);
  for (const line of ["", "ada", `command="x" ${ada}`, `ssh-ed25519 `, "ssh-ed25519 %%%"]) {
    assert.match(refused(line), /^is not the line of an .pub file/, line);
  }
  assert.equal(refused(`ssh-rsa ${blob}`), "says ssh-rsa, but is a key of type ssh-ed25519");
  assert.equal(refused(`${type} ${blob.slice(0, -8)}`), "is a damaged public key");
  assert.equal(refused(`${type} ${blob}AAAA`), "is a damaged public key");
  const certificate = "AAAAIHNzaC1lZDI1NTE5LWNlcnQtdjAxQG9wZW5zc2guY29t";
  assert.match(refused(`ssh-ed25519-cert-v01@openssh.com ${certificate}`), /is a key of type ssh-ed25519-cert/);
});
