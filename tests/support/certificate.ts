/** Self-signed certificates for local TLS servers, with any dates, made here so that no program is needed. */

export interface TestCertificate {
  /** PEM. */
  readonly cert: string;
  readonly key: string;
}

export async function selfSigned(dates: { notBefore: Date; notAfter: Date }): Promise<TestCertificate> {
  const curve = { name: "ECDSA", namedCurve: "P-256" };
  const pair = await crypto.subtle.generateKey(curve, true, ["sign", "verify"]);
  const spki = new Uint8Array(await crypto.subtle.exportKey("spki", pair.publicKey));
  const name = sequence(set(sequence(oid(0x55, 0x04, 0x03), der(0x0c, new TextEncoder().encode("localhost")))));
  const algorithm = sequence(oid(0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02));
  const names = sequence(der(0x82, new TextEncoder().encode("localhost")), der(0x87, Uint8Array.of(127, 0, 0, 1)));
  const extensions = sequence(sequence(oid(0x55, 0x1d, 0x11), der(0x04, names)));
  const body = sequence(
    der(0xa0, der(0x02, Uint8Array.of(2))),
    der(0x02, Uint8Array.of(1, ...crypto.getRandomValues(new Uint8Array(8)))),
    algorithm,
    name,
    sequence(time(dates.notBefore), time(dates.notAfter)),
    name,
    spki,
    der(0xa3, extensions),
  );
  const signed = await crypto.subtle.sign({ name: "ECDSA", hash: "SHA-256" }, pair.privateKey, body);
  const raw = new Uint8Array(signed);
  const signature = sequence(integer(raw.subarray(0, 32)), integer(raw.subarray(32)));
  const cert = sequence(body, algorithm, der(0x03, join(Uint8Array.of(0), signature)));
  const key = new Uint8Array(await crypto.subtle.exportKey("pkcs8", pair.privateKey));
  return { cert: pem("CERTIFICATE", cert), key: pem("PRIVATE KEY", key) };
}

/** A certificate that became valid a day ago and stays valid for `days` and an hour. */
export function lasting(days: number): Promise<TestCertificate> {
  const now = Date.now(), day = 86_400_000;
  const start = Math.min(now, now + days * day) - day;
  return selfSigned({ notBefore: new Date(start), notAfter: new Date(now + days * day + 3_600_000) });
}

function der(tag: number, content: Uint8Array): Uint8Array<ArrayBuffer> {
  const { length } = content;
  const size = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 255];
  return join(Uint8Array.of(tag, ...size), content);
}

function sequence(...parts: Uint8Array[]): Uint8Array<ArrayBuffer> {
  return der(0x30, join(...parts));
}

function set(content: Uint8Array): Uint8Array {
  return der(0x31, content);
}

function oid(...bytes: number[]): Uint8Array {
  return der(0x06, Uint8Array.from(bytes));
}

/** An unsigned integer: without needless zeros, and with one where the first bit would be a minus sign. */
function integer(bytes: Uint8Array): Uint8Array {
  const start = bytes.findIndex((byte) => byte !== 0);
  const short = bytes.subarray(start);
  return der(0x02, (short[0] ?? 0) > 127 ? join(Uint8Array.of(0), short) : short);
}

/** The year has two digits until 2049, four from then on, as the standard requires. */
function time(date: Date): Uint8Array {
  const text = date.toISOString().replace(/[-:T]|\.\d+/g, "");
  const isEarly = date.getUTCFullYear() < 2050;
  return der(isEarly ? 0x17 : 0x18, new TextEncoder().encode(isEarly ? text.slice(2) : text));
}

function join(...parts: Uint8Array[]): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

function pem(label: string, bytes: Uint8Array): string {
  const base64 = btoa(String.fromCharCode(...bytes)).replace(/.{64}/g, "$&\n");
  return `-----BEGIN ${label}-----\n${base64}\n-----END ${label}-----\n`;
}
