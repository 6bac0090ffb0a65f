/**
 * Verifies signatures of `ssh-keygen -Y sign`, by keys in files, agents or hardware. The formats are PROTOCOL.sshsig
 * and PROTOCOL.u2f of OpenSSH.
 * I1. Only the exact bytes count: another message, namespace, key or kind of signature is refused, with the reason.
 * I2. A signature of a hardware key counts only if its owner touched it (`-O no-touch-required` is refused).
 */
import { err, ok, type Result } from "./result.ts";
import { readSshPublicKey, type SshPublicKey } from "./ssh_key.ts";
import { concat, SshReader, writeString, writeUint32 } from "./ssh_wire.ts";

type Bytes = Uint8Array<ArrayBuffer>;

const armor = /^\s*-----BEGIN SSH SIGNATURE-----\r?\n([A-Za-z0-9+/=\r\n]+)-----END SSH SIGNATURE-----\s*$/;
const hashes: Readonly<Record<string, string>> = { sha256: "SHA-256", sha512: "SHA-512" };
const userPresent = 1;

/** The key that signed this message, or what is wrong with the signature. */
export async function verifySshSignature(
  text: string,
  message: Bytes,
  namespace: string,
): Promise<Result<SshPublicKey, string>> {
  const [, body = null] = armor.exec(text) ?? [];
  if (body === null) return err("it is not what ssh-keygen -Y sign writes");
  try {
    return await verify(new SshReader(Uint8Array.fromBase64(body)), message, namespace);
  } catch {
    // The bytes are not a signature: for example, a wrong length, or a point on no curve.
    return err("it is damaged");
  }
}

async function verify(reader: SshReader, message: Bytes, namespace: string): Promise<Result<SshPublicKey, string>> {
  if (new TextDecoder().decode(reader.take(6)) !== "SSHSIG" || reader.uint32() !== 1) return err("it is damaged");
  const key = readSshPublicKey(reader.string().toBase64()), named = reader.text(), reserved = reader.string();
  const hashName = reader.text(), signature = new SshReader(reader.string());
  reader.end();
  if (!key.ok) return err(`its key ${key.error}`);
  if (named !== namespace) return err(`it is for the namespace ${JSON.stringify(named)}, not for ${namespace}`);
  const hash = hashes[hashName];
  if (hash === undefined) return err(`it uses the hash ${JSON.stringify(hashName)}, not sha256 or sha512`);
  const digest = await digestOf(hash, message);
  const parts = [named, reserved, hashName, digest].map((part) => writeString(part));
  return await verifyBytes(key.value, signature, concat(encode("SSHSIG"), ...parts));
}

async function verifyBytes(
  key: SshPublicKey,
  signature: SshReader,
  wrapped: Bytes,
): Promise<Result<SshPublicKey, string>> {
  const kind = signature.text(), raw = signature.string(), { application } = key;
  if (!key.signatures.includes(kind)) {
    return err(`a key of type ${key.type} makes no signature ${JSON.stringify(kind)}`);
  }
  let signed = wrapped;
  if (application !== null) {
    const flags = signature.byte(), counter = signature.uint32();
    if ((flags & userPresent) === 0) return err("the key was not touched");
    const device = concat(new Uint8Array([flags]), writeUint32(counter));
    signed = concat(await digestOf("SHA-256", encode(application)), device, await digestOf("SHA-256", wrapped));
  }
  signature.end();
  const check = await key.verifier(kind);
  return await check(raw, signed) ? ok(key) : err("it is for something else, or damaged");
}

async function digestOf(hash: string, bytes: Bytes): Promise<Bytes> {
  return new Uint8Array(await crypto.subtle.digest(hash, bytes));
}

function encode(text: string): Bytes {
  return new TextEncoder().encode(text);
}
