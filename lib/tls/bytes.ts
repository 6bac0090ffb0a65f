/** Big-endian numbers and length-prefixed vectors, as TLS encodes them. Used by certificate.ts and tls13.ts. */

export class ByteReader {
  #at = 0;
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get left(): number {
    return this.#bytes.length - this.#at;
  }

  /** Throws when fewer than `length` bytes are left. */
  bytes(length: number): Uint8Array<ArrayBuffer> {
    if (length > this.left) throw new Error("the server's answer is cut short");
    return this.#bytes.slice(this.#at, this.#at += length);
  }

  number(width: number): number {
    return this.bytes(width).reduce((value, byte) => value * 256 + byte, 0);
  }

  /** Bytes preceded by their length, which is `width` bytes wide. */
  vector(width: number): Uint8Array<ArrayBuffer> {
    return this.bytes(this.number(width));
  }
}

export class ByteWriter {
  readonly #parts: Uint8Array[] = [];

  bytes(bytes: Uint8Array): this {
    this.#parts.push(bytes);
    return this;
  }

  number(value: number, width: number): this {
    return this.bytes(Uint8Array.from({ length: width }, (_, index) => value >>> (8 * (width - 1 - index))));
  }

  vector(width: number, bytes: Uint8Array): this {
    return this.number(bytes.length, width).bytes(bytes);
  }

  done(): Uint8Array<ArrayBuffer> {
    const whole = new Uint8Array(this.#parts.reduce((total, part) => total + part.length, 0));
    let at = 0;
    for (const part of this.#parts) {
      whole.set(part, at);
      at += part.length;
    }
    return whole;
  }
}
