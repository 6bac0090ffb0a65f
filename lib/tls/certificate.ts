/**
 * Reads when a server's certificate expires from the start of a TLS handshake, then drops the connection.
 * Imported by the senses http-check and tls-expiry.
 * Deno's own TLS does not show the certificate, and node:tls is closed in the sandbox because its sockets reach any
 * file descriptor of the process. So this file speaks just enough of TLS 1.2 and 1.3 over `Deno.connect`, and thus
 * needs no permission beyond the host's.
 * It verifies nothing, so it also reads the date of an expired certificate. Trust is checked by fetch.
 */
import { createKeyShares, deriveHandshakeKey, type RecordKey } from "./tls13.ts";
import { parseNotAfter } from "./x509.ts";
import { ByteReader, ByteWriter } from "./bytes.ts";

/** A record is at most 16 KiB plus overhead; no honest server sends more than this before its certificate. */
const recordMaxBytes = 16_384 + 256, handshakeMaxBytes = 256 * 1024;
const record = { changeCipherSpec: 20, alert: 21, handshake: 22, encrypted: 23 } as const;
const message = { serverHello: 2, certificate: 11 } as const;

/** Throws when it cannot connect, when the server refuses, or when the server does not speak TLS. */
export async function readCertificateEnd(host: string, port: number, signal: AbortSignal): Promise<Date> {
  signal.throwIfAborted();
  const connection = await Deno.connect({ hostname: host, port, signal });
  const close = () => connection.close();
  signal.addEventListener("abort", close, { once: true });
  try {
    return parseNotAfter(await readFirstCertificate(connection, host));
  } catch (thrown) {
    throw signal.aborted ? signal.reason : thrown;
  } finally {
    signal.removeEventListener("abort", close);
    if (!signal.aborted) close();
  }
}

async function readFirstCertificate(connection: Deno.Conn, host: string): Promise<Uint8Array> {
  const shares = await createKeyShares();
  const hello = createClientHello(host, shares.entries);
  await writeAll(connection, createRecord(hello));
  const stream = new RecordStream(connection);
  let key: RecordKey | null = null;
  for (;;) {
    const { type, body } = await stream.nextMessage(key);
    if (type === message.serverHello) key = await deriveHandshakeKey(shares, hello, body);
    else if (type === message.certificate) return readLeaf(body, key !== null);
  }
}

/** The server's own certificate: the first of the list. TLS 1.3 puts a context in front of it. */
function readLeaf(body: Uint8Array, tls13: boolean): Uint8Array {
  const reader = new ByteReader(body.subarray(4));
  if (tls13) reader.vector(1);
  return new ByteReader(reader.vector(3)).vector(3);
}

/** The server's handshake messages, read from records that may split or join them. */
class RecordStream {
  readonly #connection: Deno.Conn;
  #pending: Uint8Array = new Uint8Array();
  #readBytes = 0;

  constructor(connection: Deno.Conn) {
    this.#connection = connection;
  }

  /** `body` includes the message's four header bytes: the handshake's hash covers them. */
  async nextMessage(key: RecordKey | null): Promise<{ type: number; body: Uint8Array }> {
    for (;;) {
      if (this.#pending.length >= 4) {
        const length = 4 + new ByteReader(this.#pending.subarray(1)).number(3);
        if (this.#pending.length >= length) {
          const body = this.#pending.subarray(0, length);
          this.#pending = this.#pending.subarray(length);
          return { type: body[0] ?? 0, body };
        }
      }
      this.#pending = new ByteWriter().bytes(this.#pending).bytes(await this.#nextContent(key)).done();
    }
  }

  async #nextContent(key: RecordKey | null): Promise<Uint8Array> {
    const header = await this.#exactly(5);
    const length = new ByteReader(header.subarray(3)).number(2);
    this.#readBytes += length;
    if (length > recordMaxBytes || this.#readBytes > handshakeMaxBytes) {
      throw new Error("the server does not speak TLS");
    }
    let type = header[0] ?? 0, content = await this.#exactly(length);
    if (type === record.changeCipherSpec) return new Uint8Array();
    if (type === record.encrypted && key !== null) {
      const opened = await key.open(header, content);
      // The true type is the last byte that is not zero; zeros after it are padding.
      const end = opened.findLastIndex((byte) => byte !== 0);
      type = opened[end] ?? 0;
      content = opened.subarray(0, Math.max(0, end));
    }
    if (type === record.alert) throw new Error(`the server ended the TLS handshake with alert ${content[1]}`);
    if (type !== record.handshake) throw new Error("the server does not speak TLS");
    return content;
  }

  async #exactly(length: number): Promise<Uint8Array> {
    const bytes = new Uint8Array(length);
    for (let at = 0; at < length;) {
      const read = await this.#connection.read(bytes.subarray(at));
      if (read === null) throw new Error("the server closed the connection during the TLS handshake");
      at += read;
    }
    return bytes;
  }
}

/** For TLS 1.3, suites with AES-GCM, which this file can decrypt; for 1.2, whatever servers offer. */
const cipherSuites = [
  0x1301,
  0x1302,
  0xc02b,
  0xc02f,
  0xc02c,
  0xc030,
  0xcca9,
  0xcca8,
  0xc013,
  0xc014,
  0x9c,
  0x9d,
  0x2f,
  0x35,
];
const signatureSchemes = [0x0403, 0x0503, 0x0603, 0x0807, 0x0804, 0x0805, 0x0806, 0x0401, 0x0501, 0x0601];

function createClientHello(host: string, shares: readonly { group: number; publicKey: Uint8Array }[]): Uint8Array {
  const random = () => crypto.getRandomValues(new Uint8Array(32));
  const groups = shares.map(({ group }) => group);
  const body = new ByteWriter().number(0x0303, 2).bytes(random()).vector(1, random())
    .vector(2, toNumbers(cipherSuites)).vector(1, Uint8Array.of(0));
  const extensions = new ByteWriter();
  const add = (type: number, data: Uint8Array) => extensions.number(type, 2).vector(2, data);
  const isAddress = /^[\d.]+$|:/.test(host);
  if (!isAddress) {
    const name = new ByteWriter().number(0, 1).vector(2, new TextEncoder().encode(host)).done();
    add(0, new ByteWriter().vector(2, name).done());
  }
  add(10, new ByteWriter().vector(2, toNumbers(groups)).done());
  add(11, Uint8Array.of(1, 0));
  add(13, new ByteWriter().vector(2, toNumbers(signatureSchemes)).done());
  add(43, new ByteWriter().vector(1, toNumbers([0x0304, 0x0303])).done());
  const keys = new ByteWriter();
  for (const { group, publicKey } of shares) keys.number(group, 2).vector(2, publicKey);
  add(51, new ByteWriter().vector(2, keys.done()).done());
  return new ByteWriter().number(1, 1).vector(3, body.vector(2, extensions.done()).done()).done();
}

function toNumbers(values: readonly number[]): Uint8Array {
  const writer = new ByteWriter();
  for (const value of values) writer.number(value, 2);
  return writer.done();
}

function createRecord(handshake: Uint8Array): Uint8Array {
  return new ByteWriter().number(record.handshake, 1).number(0x0301, 2).vector(2, handshake).done();
}

async function writeAll(connection: Deno.Conn, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await connection.write(bytes.subarray(at));
}
