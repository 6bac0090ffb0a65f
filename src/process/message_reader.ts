/**
 * What a process says over its two connections, its shim's and its worker's: parsed, and in the order in which it was
 * said. Used by unit_process.ts.
 * I1. What is no message of the protocol does not get past this file.
 * I2. What the worker gave to its shim before a line of its own is heard before that line.
 */
import { messageOf } from "../base/errors.ts";
import { jsonDepthMax } from "../base/limits.ts";
import { byteLength, nestsTooDeep } from "../protocol/json.ts";
import type { LineChannel } from "../protocol/line_channel.ts";
import { type FromProcess, fromProcessMaxBytes, fromProcessSchema, type ProcessSpec } from "../protocol/message.ts";
import type { Link } from "./launcher.ts";

export interface MessageHandler {
  /** Asked about each line: a wait until it is taken, or null. */
  pace(line: string): Promise<void> | null;
  arrived(message: FromProcess, channel: LineChannel): void;
  /** It said what is no message; nothing more is read there. */
  broken(why: string): void;
  /** One of its connections has ended. */
  hungUp(): void;
}

/** Resolves when both connections have ended. Neither side is trusted: each may say whatever the protocol knows. */
export async function receiveMessages(
  shim: Promise<Link | null>,
  worker: Promise<Link | null>,
  from: ProcessSpec["kind"],
  hearer: MessageHandler,
): Promise<void> {
  const shims = new Passed();
  const heard = shim.then((link) => link === null ? undefined : hear(link, from, hearer, () => shims.count()));
  await Promise.all([
    heard.finally(() => shims.close()),
    worker.then((link) => link === null ? undefined : hear(link, from, hearer, (after) => shims.reached(after))),
  ]);
}

/** `ordered` is told of each message, with the number of the shim's lines that an `after` asks for; what it gives is waited for. */
async function hear(
  { channel, lines }: Link,
  from: ProcessSpec["kind"],
  hearer: MessageHandler,
  ordered: (after: number) => Promise<void> | null,
): Promise<void> {
  try {
    for await (const line of lines) {
      const pace = hearer.pace(line);
      if (pace !== null) await pace;
      const message = parseMessage(line, from);
      if (typeof message === "string") return hearer.broken(message);
      if (message.t !== "after") hearer.arrived(message, channel);
      const wait = ordered(message.t === "after" ? message.n : 0);
      if (wait !== null) await wait;
    }
    hearer.hungUp();
  } catch (thrown) {
    hearer.broken(messageOf(thrown));
  }
}

/** How many lines have come by way of the shim, and who waits for more of them. */
class Passed {
  #lines = 0;
  #waiting: { readonly lines: number; readonly resolve: () => void } | null = null;

  count(): null {
    this.#advance(this.#lines + 1);
    return null;
  }

  /** No more will come. */
  close(): void {
    this.#advance(Infinity);
  }

  reached(lines: number): Promise<void> | null {
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

/** Levels of a message around the user's own value. */
const envelopeLevels = 4;

/** How each line begins: the worker and the shim write the kind first. */
const beginning = /^\{"t":"([a-z_]{1,20})"/;

/** A message, or what is wrong with the line. How long it may be is asked first: a megabyte takes up to 40 ms to parse. */
function parseMessage(line: string, from: ProcessSpec["kind"]): FromProcess | string {
  const begins = beginning.exec(line)?.[1] ?? "", long = tooLong(begins, line, from);
  if (long !== null) return long;
  if (nestsTooDeep(line, jsonDepthMax + envelopeLevels)) return `${begins} is nested too deep`;
  let json: unknown;
  try {
    json = JSON.parse(line);
  } catch (thrown) {
    return messageOf(thrown);
  }
  const parsed = fromProcessSchema.safeParse(json);
  if (!parsed.success) {
    const [first] = parsed.error.issues;
    return `${first?.path.join(".") ?? ""} ${first?.message ?? "is no message"}`.slice(0, 500);
  }
  return parsed.data.t === begins ? parsed.data : "a message names two kinds";
}

function tooLong(begins: string, line: string, from: ProcessSpec["kind"]): string | null {
  const known = Object.hasOwn(fromProcessMaxBytes, begins) ? fromProcessMaxBytes[begins as FromProcess["t"]] : 0;
  // No message of a run is a group's to send; that it is refused needs no more than its head.
  const maxBytes = from === "group" && begins === "message" ? fromProcessMaxBytes.finished : known;
  if (line.length * 3 <= maxBytes || byteLength(line) <= maxBytes) return null;
  return maxBytes === 0 ? "a line begins like no message" : `${begins} is longer than ${maxBytes} bytes`;
}
