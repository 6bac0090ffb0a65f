/**
 * The key that opens a TLS 1.3 server's handshake records (RFC 8446, 7.1 to 7.3 and 5.2), with WebCrypto.
 * Used by certificate.ts; it goes only as far as the server's certificate and authenticates nobody.
 */
import { ByteReader, ByteWriter } from "./bytes.ts";

type Bytes = Uint8Array<ArrayBuffer>;

export interface KeyShares {
  readonly entries: readonly { readonly group: number; readonly publicKey: Bytes }[];
  /** The secret shared with the owner of `publicKey`. Throws for a group that was not offered. */
  shared(group: number, publicKey: Bytes): Promise<Bytes>;
}

export interface RecordKey {
  /** Decrypts one record; throws when it was changed in transit. */
  open(header: Uint8Array, sealed: Uint8Array): Promise<Uint8Array>;
}

const curves = [
  { group: 0x001d, algorithm: { name: "X25519" } },
  { group: 0x0017, algorithm: { name: "ECDH", namedCurve: "P-256" } },
] as const;

const suites = new Map([
  [0x1301, { hash: "SHA-256", hashBytes: 32, keyBytes: 16 }],
  [0x1302, { hash: "SHA-384", hashBytes: 48, keyBytes: 32 }],
]);
type Suite = NonNullable<ReturnType<typeof suites.get>>;

export async function createKeyShares(): Promise<KeyShares> {
  const pairs = await Promise.all(curves.map(async ({ group, algorithm }) => {
    const pair = await crypto.subtle.generateKey(algorithm, false, ["deriveBits"]) as CryptoKeyPair;
    const publicKey = new Uint8Array(await crypto.subtle.exportKey("raw", pair.publicKey));
    return { group, algorithm, publicKey, privateKey: pair.privateKey };
  }));
  return {
    entries: pairs,
    async shared(group, publicKey) {
      const own = pairs.find((pair) => pair.group === group);
      if (own === undefined) throw new Error("the server wants a key exchange that this check does not support");
      const theirs = await crypto.subtle.importKey("raw", publicKey, own.algorithm, false, []);
      const bits = await crypto.subtle.deriveBits({ name: own.algorithm.name, public: theirs }, own.privateKey, 256);
      return new Uint8Array(bits);
    },
  };
}

/** Null when the server chose TLS 1.2, whose certificate is not encrypted. */
export async function deriveHandshakeKey(
  shares: KeyShares,
  clientHello: Uint8Array,
  serverHello: Uint8Array,
): Promise<RecordKey | null> {
  const reader = new ByteReader(serverHello.subarray(4));
  reader.bytes(2 + 32);
  reader.vector(1);
  const suite = suites.get(reader.number(2));
  reader.number(1);
  const extensions = readExtensions(reader);
  if (!extensions.has(43)) return null;
  const share = new ByteReader(extensions.get(51) ?? new Uint8Array());
  const group = share.number(2);
  // A server that asks to try again with another group names it here, and sends no key.
  if (share.left === 0 || suite === undefined) {
    throw new Error("the server wants a key exchange or cipher that this check does not support");
  }
  const shared = await shares.shared(group, share.vector(2));
  return await deriveServerKey(suite, shared, new ByteWriter().bytes(clientHello).bytes(serverHello).done());
}

function readExtensions(reader: ByteReader): Map<number, Bytes> {
  const found = new Map<number, Bytes>();
  if (reader.left === 0) return found;
  const list = new ByteReader(reader.vector(2));
  while (list.left > 0) found.set(list.number(2), list.vector(2));
  return found;
}

async function deriveServerKey(suite: Suite, shared: Bytes, transcript: Bytes): Promise<RecordKey> {
  const zeros = new Uint8Array(suite.hashBytes);
  const digest = async (bytes: Bytes) => new Uint8Array(await crypto.subtle.digest(suite.hash, bytes));
  const early = await hmac(suite, zeros, zeros);
  const derived = await expand(suite, early, "derived", await digest(new Uint8Array()), suite.hashBytes);
  const secret = await hmac(suite, derived, shared);
  const traffic = await expand(suite, secret, "s hs traffic", await digest(transcript), suite.hashBytes);
  const none = new Uint8Array();
  const key = await crypto.subtle.importKey(
    "raw",
    await expand(suite, traffic, "key", none, suite.keyBytes),
    "AES-GCM",
    false,
    ["decrypt"],
  );
  return createRecordKey(key, await expand(suite, traffic, "iv", none, 12));
}

function createRecordKey(key: CryptoKey, iv: Bytes): RecordKey {
  let sequence = 0;
  return {
    async open(header, sealed) {
      const nonce = iv.slice(), view = new DataView(nonce.buffer);
      view.setUint32(8, view.getUint32(8) ^ sequence++);
      const algorithm = { name: "AES-GCM", iv: nonce, additionalData: header.slice() };
      return new Uint8Array(await crypto.subtle.decrypt(algorithm, key, sealed.slice()));
    },
  };
}

/** HKDF-Expand-Label; every length asked for here fits into one block of the hash. */
async function expand(suite: Suite, secret: Bytes, label: string, context: Bytes, length: number): Promise<Bytes> {
  const info = new ByteWriter().number(length, 2).vector(1, new TextEncoder().encode(`tls13 ${label}`))
    .vector(1, context).number(1, 1).done();
  return (await hmac(suite, secret, info)).slice(0, length);
}

async function hmac({ hash }: Suite, key: Bytes, data: Bytes): Promise<Bytes> {
  const imported = await crypto.subtle.importKey("raw", key, { name: "HMAC", hash }, false, ["sign"]);
  return new Uint8Array(await crypto.subtle.sign("HMAC", imported, data));
}
