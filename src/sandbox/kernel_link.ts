/**
 * The worker's own connection to the kernel: lines of text in both directions. The other end is
 * protocol/line_channel.ts. Used by worker_main.ts.
 * I1. The connection uses nothing that user code can replace (primordials.ts), so user code cannot read a line of the
 *     kernel before the runtimes do, nor change one on its way.
 * I2. Lines that are sent in one turn of the event loop are written together.
 */
import {
  bufferOf,
  byteLengthOf,
  byteOffsetOf,
  Bytes,
  createObject,
  decodeText,
  encodeText,
  indexOf,
  pristine,
  slice,
} from "./primordials.ts";

/** A connection whose methods are bound. */
export interface BoundStream {
  readonly read: (into: Uint8Array) => Promise<number | null>;
  readonly write: (bytes: Uint8Array) => Promise<number>;
}

export interface KernelLink {
  send(line: string): void;
  /** Resolves when every line sent so far is written, or the connection has closed. */
  flushed(): Promise<void>;
  /** Calls `onLine` with each line from the kernel, until the connection ends. */
  read(onLine: (line: string) => void): Promise<void>;
}

const readBufferBytes = 16 * 1024;

export function createKernelLink(stream: BoundStream): KernelLink {
  const encoder = new TextEncoder();
  let waiting = "", writing: Promise<void> | null = null, closed = false;
  const drain = async (): Promise<void> => {
    // Lines sent later in this turn join the same write.
    await null;
    while (waiting !== "" && !closed) {
      const bytes = encodeText(encoder, waiting), length = byteLengthOf(bytes);
      waiting = "";
      try {
        for (let at = 0; at < length;) {
          const rest = new Bytes(bufferOf(bytes) as ArrayBuffer, byteOffsetOf(bytes) + at, length - at);
          at += checkCount(await pristine(stream.write(rest)));
        }
      } catch {
        // The kernel is gone: the shim sees the end of its own connection, and ends this process.
        closed = true;
      }
    }
    writing = null;
  };
  return {
    send(line) {
      if (closed) return;
      if (indexOf(line, "\n") >= 0) throw new Error("nerve bug: a line must not contain a line break");
      waiting += `${line}\n`;
      writing ??= drain();
    },
    async flushed() {
      while (writing !== null) await pristine(writing);
    },
    read: (onLine) => readLines(stream, onLine),
  };
}

async function readLines({ read }: BoundStream, onLine: (line: string) => void): Promise<void> {
  const buffer = new ArrayBuffer(readBufferBytes), decoder = new TextDecoder();
  const options: TextDecodeOptions = createObject(null);
  options.stream = true;
  let partial = "";
  for (;;) {
    const count = await pristine(read(new Bytes(buffer)));
    if (count === null) return;
    const text = decodeText(decoder, new Bytes(buffer, 0, checkCount(count)), options);
    let from = 0;
    for (let end = indexOf(text, "\n"); end >= 0; end = indexOf(text, "\n", from)) {
      onLine(partial + slice(text, from, end));
      partial = "";
      from = end + 1;
    }
    partial += slice(text, from);
  }
}

/** Deno's own code runs in this realm too: if user code breaks it, the stream ends instead of looping forever. */
function checkCount(count: unknown): number {
  if (typeof count !== "number" || !(count > 0)) throw new TypeError("the connection to the kernel is broken");
  return count;
}
