/** The end date of a certificate in DER (RFC 5280, 4.1). Used by certificate.ts. */

interface Element {
  readonly tag: number;
  readonly content: Uint8Array;
  /** Where the next element begins. */
  readonly end: number;
}

const tag = { version: 0xa0, utcTime: 0x17, generalizedTime: 0x18 } as const;

/** Throws when the bytes are not a certificate. */
export function parseNotAfter(der: Uint8Array): Date {
  const body = readElement(readElement(der, 0).content, 0).content;
  let field = readElement(body, 0);
  if (field.tag === tag.version) field = readElement(body, field.end);
  // Serial number, signature algorithm, issuer: three fields, then the validity.
  for (let skipped = 0; skipped < 3; skipped++) field = readElement(body, field.end);
  return parseTime(readElement(field.content, readElement(field.content, 0).end));
}

function readElement(bytes: Uint8Array, at: number): Element {
  const first = bytes[at + 1];
  if (first === undefined) throw new Error("the certificate is cut short");
  const lengthBytes = first < 0x80 ? 0 : first & 0x7f;
  const start = at + 2 + lengthBytes;
  const length = lengthBytes === 0
    ? first
    : bytes.subarray(at + 2, start).reduce((value, byte) => value * 256 + byte, 0);
  if (lengthBytes > 4 || start + length > bytes.length) throw new Error("the certificate is cut short");
  return { tag: bytes[at] ?? 0, content: bytes.subarray(start, start + length), end: start + length };
}

/** `YYMMDDHHMMSSZ` with years from 1950 to 2049, or `YYYYMMDDHHMMSSZ`. */
function parseTime({ tag: kind, content }: Element): Date {
  const text = new TextDecoder().decode(content);
  const match = /^(\d{2}|\d{4})(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})Z$/.exec(text);
  if (match === null || (kind === tag.utcTime) !== (match[1]?.length === 2)) {
    throw new Error(`the certificate's expiry is not a date: ${text.slice(0, 40)}`);
  }
  const [year = 0, month = 0, day, hour, minute, second] = match.slice(1).map(Number);
  const century = kind === tag.generalizedTime ? 0 : year < 50 ? 2000 : 1900;
  return new Date(Date.UTC(century + year, month - 1, day, hour, minute, second));
}
