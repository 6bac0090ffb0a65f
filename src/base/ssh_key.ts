/**
 * Public keys as `ssh-keygen` writes them: `ssh-ed25519 AAAA... a comment`. Pure but for WebCrypto.
 * The formats are those of RFC 4253, 5656 and 8709, and of PROTOCOL.u2f of OpenSSH for keys in hardware (`sk-`).
 */
import { err, ok, type Result } from "./result.ts";
import { SshReader } from "./ssh_wire.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** Whether bytes are signed by the key; false for any other bytes or signature, or an error where it has no form at all. */
export type Verify = (signature: Bytes, signed: Bytes) => Promise<boolean>;

export interface SshPublicKey {
  /** `ssh-ed25519`, `ecdsa-sha2-nistp256`, `ssh-rsa`, `sk-ssh-ed25519@openssh.com` and so on. */
  readonly type: string;
  /** The whole key in base64, as in a `.pub` file: equal for equal keys. */
  readonly blob: string;
  /** The name of the application that a key in hardware was made for; null for any other key. */
  readonly application: string | null;
  /** The names of the signature algorithms of the key: an RSA key has two. */
  readonly signatures: readonly string[];
  /** Creates the check for one of these algorithms. */
  readonly verifier: (signature: string) => Promise<Verify>;
}

/** Shorter RSA keys are refused, as OpenSSH has refused to make them since 2023. */
const rsaMinBits = 2_048;

const curves: Readonly<Record<string, { readonly name: string; readonly hash: string; readonly bytes: number }>> = {
  nistp256: { name: "P-256", hash: "SHA-256", bytes: 32 },
  nistp384: { name: "P-384", hash: "SHA-384", bytes: 48 },
  nistp521: { name: "P-521", hash: "SHA-512", bytes: 66 },
};

const hashOfRsa: Readonly<Record<string, string>> = { "rsa-sha2-256": "SHA-256", "rsa-sha2-512": "SHA-512" };

/** Parses a line of a `.pub` file, without options before the key. */
export function parseSshPublicKey(line: string): Result<SshPublicKey, string> {
  const [type = "", blob = ""] = line.trim().split(/\s+/);
  if (/^-+BEGIN/.test(type)) return err("is a private key, or not a key at all: use the line in the .pub file");
  if (!/^[A-Za-z0-9+/]+=*$/.test(blob)) return err("is not the line of an .pub file, such as ssh-ed25519 AAAA...");
  const key = readSshPublicKey(blob);
  return !key.ok || key.value.type === type ? key : err(`says ${type}, but is a key of type ${key.value.type}`);
}

/** Parses a key from its bytes in base64. */
export function readSshPublicKey(blob: string): Result<SshPublicKey, string> {
  try {
    const bytes = Uint8Array.fromBase64(blob), reader = new SshReader(bytes), type = reader.text();
    const key = readKey(type, reader);
    reader.end();
    return ok({ type, blob: bytes.toBase64(), ...key });
  } catch (thrown) {
    return err(thrown instanceof UnsupportedKey ? thrown.message : "is a damaged public key");
  }
}

class UnsupportedKey extends Error {}

type KeyParts = Omit<SshPublicKey, "type" | "blob">;

function readKey(type: string, reader: SshReader): KeyParts {
  const [, inHardware] = /^sk-(.+)@openssh\.com$/.exec(type) ?? [], base = inHardware ?? type;
  const parts = base === "ssh-ed25519"
    ? readEd25519(type, reader)
    : base === "ssh-rsa" && inHardware === undefined
    ? readRsa(reader)
    : readEcdsa(type, base, reader);
  return { ...parts, application: inHardware === undefined ? null : reader.text() };
}

function readEd25519(type: string, reader: SshReader): Omit<KeyParts, "application"> {
  const point = reader.string();
  if (point.length !== 32) throw new Error("an Ed25519 key has 32 bytes");
  const verifier = async (): Promise<Verify> => {
    const key = await crypto.subtle.importKey("raw", point, "Ed25519", false, ["verify"]);
    return (signature, signed) => crypto.subtle.verify("Ed25519", key, signature, signed);
  };
  return { signatures: [type], verifier };
}

function readEcdsa(type: string, base: string, reader: SshReader): Omit<KeyParts, "application"> {
  const [, curve = ""] = /^ecdsa-sha2-(.+)$/.exec(base) ?? [];
  // Of their own: every object has a `constructor`, too.
  const known = Object.hasOwn(curves, curve) ? curves[curve] : undefined;
  if (known === undefined) {
    throw new UnsupportedKey(`is a key of type ${type}: use ssh-ed25519, ecdsa-sha2-nistp256, ssh-rsa or an sk- key`);
  }
  if (reader.text() !== curve) throw new Error("another curve than the type says");
  const point = reader.string(), { name, hash, bytes } = known;
  const verifier = async (): Promise<Verify> => {
    const key = await crypto.subtle.importKey("raw", point, { name: "ECDSA", namedCurve: name }, false, ["verify"]);
    return (signature, signed) => {
      const numbers = new SshReader(signature), r = numbers.number(bytes), s = numbers.number(bytes);
      numbers.end();
      return crypto.subtle.verify({ name: "ECDSA", hash }, key, new Uint8Array([...r, ...s]), signed);
    };
  };
  return { signatures: [type], verifier };
}

function readRsa(reader: SshReader): Omit<KeyParts, "application"> {
  const e = reader.integer(), n = reader.integer();
  if (n.length * 8 < rsaMinBits) throw new UnsupportedKey(`is an RSA key of fewer than ${rsaMinBits} bits`);
  const base64url = (bytes: Bytes) => bytes.toBase64({ alphabet: "base64url", omitPadding: true });
  const verifier = async (name: string): Promise<Verify> => {
    const algorithm = { name: "RSASSA-PKCS1-v1_5", hash: hashOfRsa[name] ?? "" };
    const jwk = { kty: "RSA", n: base64url(n), e: base64url(e) };
    const key = await crypto.subtle.importKey("jwk", jwk, algorithm, false, ["verify"]);
    return (signature, signed) => crypto.subtle.verify(algorithm.name, key, signature, signed);
  };
  return { signatures: Object.keys(hashOfRsa), verifier };
}

/** The fingerprint as `ssh-keygen -l` shows it: `SHA256:...`. */
export async function fingerprintOf({ blob }: Pick<SshPublicKey, "blob">): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", Uint8Array.fromBase64(blob)));
  return `SHA256:${digest.toBase64({ omitPadding: true })}`;
}
