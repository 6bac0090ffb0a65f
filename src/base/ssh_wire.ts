/** The encoding of SSH's messages (RFC 4251, section 5): numbers, and strings prefixed with their length. */
type Bytes = Uint8Array<ArrayBuffer>;

/** Reads values one after the other. Throws when the bytes do not hold the requested value. */
export class SshReader {
  readonly #bytes: Bytes;
  #at = 0;

  constructor(bytes: Bytes) {
    this.#bytes = bytes;
  }

  take(length: number): Bytes {
    const end = this.#at + length;
    if (end > this.#bytes.length) throw new Error("the bytes end too early");
    const taken = this.#bytes.slice(this.#at, end);
    this.#at = end;
    return taken;
  }

  byte(): number {
    return this.take(1)[0] ?? 0;
  }

  uint32(): number {
    return new DataView(this.take(4).buffer).getUint32(0);
  }

  string(): Bytes {
    return this.take(this.uint32());
  }

  text(): string {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(this.string());
  }

  /** A positive number, without leading zeros. */
  integer(): Bytes {
    const bytes = this.string(), first = bytes.findIndex((byte) => byte !== 0);
    return bytes.slice(first < 0 ? bytes.length : first);
  }

  /** A positive number, padded with leading zeros to this length. */
  number(length: number): Bytes {
    const bytes = this.integer(), padded = new Uint8Array(length);
    if (bytes.length > length) throw new Error("the number is too large");
    padded.set(bytes, length - bytes.length);
    return padded;
  }

  end(): void {
    if (this.#at !== this.#bytes.length) throw new Error("there are bytes after the end");
  }
}

export function writeUint32(value: number): Bytes {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value);
  return bytes;
}

export function writeString(value: Bytes | string): Bytes {
  const bytes = typeof value === "string" ? new TextEncoder().encode(value) : value;
  return concat(writeUint32(bytes.length), bytes);
}

export function concat(...parts: readonly Bytes[]): Bytes {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
