/**
 * Bounded lines of text over a stream, in both directions; used by the kernel and by the process at the other end.
 * Lines sent in one turn of the event loop are written together.
 */
import { assert } from "../base/errors.ts";

/** A stream of bytes: a `Deno.UnixConn` in nerve. */
export interface ByteStream {
  /** Fills the start of `into`; resolves with the number of bytes, or null at the end. */
  read(into: Uint8Array): Promise<number | null>;
  write(bytes: Uint8Array): Promise<number>;
  close(): void;
}

/** A web stream would allocate 64 KiB for each read: 64 MB per second at 1,000 messages. */
const readBufferBytes = 16 * 1024;

export class LineChannel {
  readonly #stream: ByteStream;
  readonly #lineMaxBytes: number;
  readonly #encoder = new TextEncoder();
  #waiting: string[] = [];
  #writing: Promise<void> | null = null;
  #closed = false;

  constructor(stream: ByteStream, options: { lineMaxBytes: number }) {
    this.#stream = stream;
    this.#lineMaxBytes = options.lineMaxBytes;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Queues one line. Does nothing once the channel has closed: the reader sees the end through `lines`. */
  send(line: string): void {
    assert(!line.includes("\n"), "a line must not contain a line break");
    if (this.#closed) return;
    this.#waiting.push(line);
    this.#writing ??= this.#drain();
  }

  /** Resolves when every line sent so far is written, or the channel has closed. */
  async flushed(): Promise<void> {
    while (this.#writing !== null) await this.#writing;
  }

  /**
   * The lines from the other side, until the channel closes. Throws a RangeError when a line is longer than the limit.
   */
  async *lines(): AsyncGenerator<string, void, void> {
    const decoder = new TextDecoder(), buffer = new Uint8Array(readBufferBytes);
    let pieces: Uint8Array[] = [], held = 0;
    try {
      for (;;) {
        const count = await this.#stream.read(buffer);
        if (count === null) break;
        checkCount(count);
        const chunk = buffer.subarray(0, count);
        let from = 0;
        for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, from)) {
          held += end - from;
          if (held > this.#lineMaxBytes) throw new RangeError(`a line is longer than ${this.#lineMaxBytes} bytes`);
          pieces.push(chunk.subarray(from, end));
          yield decoder.decode(pieces.length === 1 ? pieces[0] : concatenate(pieces, held));
          pieces = [];
          held = 0;
          from = end + 1;
        }
        if (from < chunk.length) {
          // A copy: the buffer is reused.
          pieces.push(chunk.slice(from));
          held += chunk.length - from;
          if (held > this.#lineMaxBytes) throw new RangeError(`a line is longer than ${this.#lineMaxBytes} bytes`);
        }
      }
    } catch (thrown) {
      // We closed it during a read, or the other side died before it read our lines: both are a normal end.
      if (!this.#closed && !(thrown instanceof Deno.errors.ConnectionReset)) throw thrown;
    } finally {
      this.close();
    }
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#waiting = [];
    try {
      this.#stream.close();
    } catch (thrown) {
      // Already closed: the reader closes the connection too when the other side is gone.
      if (!(thrown instanceof Deno.errors.BadResource)) throw thrown;
    }
  }

  async #drain(): Promise<void> {
    try {
      // Lines sent later in this turn join the same write.
      await null;
      while (this.#waiting.length > 0) {
        const bytes = this.#encoder.encode(this.#waiting.join("\n") + "\n");
        this.#waiting = [];
        for (let at = 0; at < bytes.length;) {
          const count = await this.#stream.write(bytes.subarray(at));
          checkCount(count);
          at += count;
        }
      }
    } catch {
      // The other side is gone. The reader of `lines` sees it; the code that awaits the process learns why.
      this.close();
    } finally {
      this.#writing = null;
    }
  }
}

/** User code that replaced built-ins of its realm gets a broken stream, not an endless loop. */
function checkCount(count: unknown): void {
  if (typeof count !== "number" || !(count > 0)) throw new TypeError(`a stream moved ${String(count)} bytes`);
}

function concatenate(pieces: readonly Uint8Array[], length: number): Uint8Array {
  const whole = new Uint8Array(length);
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}
