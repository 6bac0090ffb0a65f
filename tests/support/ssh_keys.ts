/** Keys and signatures made with `ssh-keygen`. */
import { concat, writeString, writeUint32 } from "../../src/base/ssh_wire.ts";
import { hasProgram } from "./debian.ts";

type Bytes = Uint8Array<ArrayBuffer>;

export const hasSshKeygen = await hasProgram("ssh-keygen", "openssh-client");

export class SshKeys implements AsyncDisposable {
  readonly folder = Deno.makeTempDirSync({ prefix: "nerve-ssh-" });

  /** The path of a new private key; the public one is in `PATH.pub`. */
  async make(name: string, ...kind: string[]): Promise<string> {
    const path = `${this.folder}/${name}`;
    await run(["-q", "-N", "", "-C", name, "-f", path, "-t", ...kind]);
    return path;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Deno.remove(this.folder, { recursive: true });
  }
}

export function publicKeyOf(path: string): string {
  return Deno.readTextFileSync(`${path}.pub`).trim();
}

export function sign(key: string, message: string, ...more: string[]): Promise<string> {
  return run(["-Y", "sign", "-q", "-n", "nerve-approval", ...more, "-f", key], message);
}

async function run(args: string[], input = ""): Promise<string> {
  const child = new Deno.Command("ssh-keygen", { args, stdin: "piped", stdout: "piped", stderr: "piped" }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(input));
  await writer.close();
  const { success, stdout, stderr } = await child.output();
  if (!success) throw new Error(`ssh-keygen ${args.join(" ")}: ${new TextDecoder().decode(stderr)}`);
  return new TextDecoder().decode(stdout);
}

/**
 * A key like that of a hardware security key, and its signatures: machines that run tests have no such device.
 * `ssh-keygen -Y verify` accepts these signatures.
 */
export class HardwareKey {
  readonly #type: string;
  readonly #pair: CryptoKeyPair;
  readonly #blob: Bytes;

  private constructor(type: string, pair: CryptoKeyPair, blob: Bytes) {
    this.#type = type;
    this.#pair = pair;
    this.#blob = blob;
  }

  static async make(kind: "ed25519" | "ecdsa"): Promise<HardwareKey> {
    const algorithm = kind === "ed25519" ? "Ed25519" : { name: "ECDSA", namedCurve: "P-256" };
    const type = kind === "ed25519" ? "sk-ssh-ed25519@openssh.com" : "sk-ecdsa-sha2-nistp256@openssh.com";
    const pair = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]) as CryptoKeyPair;
    const point = new Uint8Array(await crypto.subtle.exportKey("raw", pair.publicKey));
    const curve = kind === "ed25519" ? [] : [writeString("nistp256")];
    return new HardwareKey(type, pair, concat(writeString(type), ...curve, writeString(point), writeString("ssh:")));
  }

  get publicKey(): string {
    return `${this.#type} ${this.#blob.toBase64()} key`;
  }

  /** `flags`: 1 means that its owner touched it. */
  async sign(message: string, flags = 1): Promise<string> {
    const digest = await sha("SHA-512", encode(message));
    const parts = ["nerve-approval", "", "sha512"].map((part) => writeString(part));
    const wrapped = concat(encode("SSHSIG"), ...parts, writeString(digest));
    const device = concat(new Uint8Array([flags]), writeUint32(7));
    const signed = concat(await sha("SHA-256", encode("ssh:")), device, await sha("SHA-256", wrapped));
    const inner = concat(writeString(this.#type), writeString(await this.#signBytes(signed)), device);
    const head = concat(encode("SSHSIG"), writeUint32(1), writeString(this.#blob), ...parts);
    const body = concat(head, writeString(inner)).toBase64().replaceAll(/.{70}/g, "$&\n");
    return `-----BEGIN SSH SIGNATURE-----\n${body}\n-----END SSH SIGNATURE-----\n`;
  }

  async #signBytes(bytes: Bytes): Promise<Bytes> {
    const { privateKey } = this.#pair, isEd25519 = privateKey.algorithm.name === "Ed25519";
    const algorithm = isEd25519 ? "Ed25519" : { name: "ECDSA", hash: "SHA-256" };
    const raw = new Uint8Array(await crypto.subtle.sign(algorithm, privateKey, bytes));
    return isEd25519 ? raw : concat(...[raw.slice(0, 32), raw.slice(32)].map((half) => writeString(toNumber(half))));
  }
}

/** Puts a zero before a number that would look negative. */
function toNumber(bytes: Bytes): Bytes {
  const first = bytes.findIndex((byte) => byte !== 0), digits = bytes.slice(first < 0 ? bytes.length : first);
  return (digits[0] ?? 0) < 128 ? digits : concat(new Uint8Array([0]), digits);
}

async function sha(name: string, bytes: Bytes): Promise<Bytes> {
  return new Uint8Array(await crypto.subtle.digest(name, bytes));
}

function encode(text: string): Bytes {
  return new TextEncoder().encode(text);
}
