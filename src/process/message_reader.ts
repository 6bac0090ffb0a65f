/**
 * Reads and parses the messages of a process from its two connections, the shim's and the worker's, in the order in
 * which they were sent. Used by unit_process.ts.
 * I1. Only valid messages of the protocol pass this file.
 * I2. Lines that the worker sent through its shim are handled before the lines that the worker sent after them.
 */
import { messageOf } from "../base/errors.ts";
import { jsonDepthMax } from "../base/limits.ts";
import { byteLength, nestsTooDeep } from "../protocol/json.ts";
import type { LineChannel } from "../protocol/line_channel.ts";
import { type FromProcess, fromProcessMaxBytes, fromProcessSchema, type ProcessSpec } from "../protocol/message.ts";
import type { Link } from "./launcher.ts";

export interface MessageHandler {
  /** Backpressure delay before this line is read, or null. */
  paceLine(line: string): Promise<void> | null;
  onMessage(message: FromProcess, channel: LineChannel): void;
  /** The line was read and handled. */
  onHandled(): void;
  /** A line was not a valid message. Nothing more is read from that connection. */
  onInvalid(why: string): void;
  /** One of the connections has closed. */
  onClosed(): void;
}

/** Resolves when both connections have closed. Neither is trusted, and each may send any message of the protocol. */
export async function receiveMessages(
  shim: Promise<Link | null>,
  worker: Promise<Link | null>,
  from: ProcessSpec["kind"],
  handler: MessageHandler,
): Promise<void> {
  const shimLines = new ShimLineCount();
  const shimRead = shim.then((link) =>
    link === null ? undefined : readLink(link, from, handler, () => shimLines.add())
  );
  await Promise.all([
    shimRead.finally(() => shimLines.close()),
    worker.then((link) =>
      link === null ? undefined : readLink(link, from, handler, (count) => shimLines.waitFor(count))
    ),
  ]);
}

/**
 * Reads one connection to its end. Calls `awaitOrder` after each message, with the number of shim lines that a
 * `barrier` requires (else 0), and waits for the promise that it returns.
 */
async function readLink(
  { channel, lines }: Link,
  from: ProcessSpec["kind"],
  handler: MessageHandler,
  awaitOrder: (count: number) => Promise<void> | null,
): Promise<void> {
  try {
    for await (const line of lines) {
      const delay = handler.paceLine(line);
      if (delay !== null) await delay;
      const message = parseMessage(line, from);
      if (typeof message === "string") return handler.onInvalid(message);
      if (message.t !== "barrier") handler.onMessage(message, channel);
      handler.onHandled();
      const wait = awaitOrder(message.t === "barrier" ? message.n : 0);
      if (wait !== null) await wait;
    }
    handler.onClosed();
  } catch (thrown) {
    handler.onInvalid(messageOf(thrown));
  }
}

/** Counts the lines that arrived through the shim, and lets the worker's reader wait for more of them. */
class ShimLineCount {
  #lines = 0;
  #waiting: { readonly lines: number; readonly resolve: () => void } | null = null;

  add(): null {
    this.#advance(this.#lines + 1);
    return null;
  }

  /** No more lines will arrive. */
  close(): void {
    this.#advance(Infinity);
  }

  waitFor(lines: number): Promise<void> | null {
    if (this.#lines >= lines) return null;
    return new Promise((resolve) => this.#waiting = { lines, resolve });
  }

  #advance(lines: number): void {
    this.#lines = lines;
    if (this.#waiting === null || lines < this.#waiting.lines) return;
    this.#waiting.resolve();
    this.#waiting = null;
  }
}

/** Levels of nesting around the user's own value in a message. */
const envelopeLevels = 4;

/** The beginning of each line: the worker and the shim write the kind first. */
const lineStart = /^\{"t":"([a-z_]{1,20})"/;

/** Returns a message, or what is wrong with the line. Checks the length first: parsing a megabyte takes up to 40 ms. */
function parseMessage(line: string, from: ProcessSpec["kind"]): FromProcess | string {
  const kind = lineStart.exec(line)?.[1] ?? "", long = findLengthFault(kind, line, from);
  if (long !== null) return long;
  if (nestsTooDeep(line, jsonDepthMax + envelopeLevels)) return `${kind} is nested too deeply`;
  let json: unknown;
  try {
    json = JSON.parse(line);
  } catch (thrown) {
    return messageOf(thrown);
  }
  const parsed = fromProcessSchema.safeParse(json);
  if (!parsed.success) {
    const [first] = parsed.error.issues;
    return `${first?.path.join(".") ?? ""} ${first?.message ?? "is not a message"}`.slice(0, 500);
  }
  return parsed.data.t === kind ? parsed.data : "the line names two kinds of message";
}

function findLengthFault(kind: string, line: string, from: ProcessSpec["kind"]): string | null {
  const known = Object.hasOwn(fromProcessMaxBytes, kind) ? fromProcessMaxBytes[kind as FromProcess["t"]] : 0;
  // A group may not send messages of runs; a short line is enough to reject one.
  const maxBytes = from === "group" && kind === "message" ? fromProcessMaxBytes.finished : known;
  if (line.length * 3 <= maxBytes || byteLength(line) <= maxBytes) return null;
  return maxBytes === 0 ? "the line does not begin like a message" : `${kind} is longer than ${maxBytes} bytes`;
}
