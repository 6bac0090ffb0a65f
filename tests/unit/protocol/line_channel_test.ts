import assert from "node:assert/strict";
import { type ByteStream, LineChannel } from "../../../src/protocol/line_channel.ts";
import fc from "../../support/fast_check.ts";

/** A stream whose reads are the given chunks and whose writes are kept; `take` bounds what one write accepts. */
class FakeStream implements ByteStream {
  readonly #chunks: Uint8Array[];
  readonly writes: string[] = [];
  closed = 0;
  failing = false;
  readonly #take: number;

  constructor(chunks: readonly Uint8Array[], take: number = Infinity) {
    this.#chunks = chunks.filter(({ length }) => length > 0);
    this.#take = take;
  }

  read(into: Uint8Array): Promise<number | null> {
    const chunk = this.#chunks.shift();
    if (chunk === undefined) return Promise.resolve(null);
    const taken = chunk.subarray(0, into.length), rest = chunk.subarray(taken.length);
    if (rest.length > 0) this.#chunks.unshift(rest);
    into.set(taken);
    return Promise.resolve(taken.length);
  }

  write(bytes: Uint8Array): Promise<number> {
    if (this.failing) return Promise.reject(new Deno.errors.BrokenPipe("gone"));
    const taken = bytes.subarray(0, this.#take);
    this.writes.push(new TextDecoder().decode(taken));
    return Promise.resolve(taken.length);
  }

  close(): void {
    if (this.closed++ > 0) throw new Deno.errors.BadResource("closed twice");
  }
}

const limit = { lineMaxBytes: 1_000 };
const bytesOf = (text: string) => new TextEncoder().encode(text);

async function read(channel: LineChannel): Promise<string[]> {
  return await Array.fromAsync(channel.lines());
}

/** Cuts bytes at the given places, taken modulo the length, so that some cuts fall within characters. */
function cut(bytes: Uint8Array, places: readonly number[]): Uint8Array[] {
  const ends = [...new Set(places.map((place) => place % (bytes.length + 1)))].sort((a, b) => a - b);
  return [...ends, bytes.length].map((end, index) => bytes.subarray(ends[index - 1] ?? 0, end));
}

const line = fc.string({ unit: "grapheme", maxLength: 60 }).filter((text) => !text.includes("\n"));

Deno.test("LineChannel.lines() gives the lines that were sent, however the chunks are cut", async () => {
  await fc.assert(fc.asyncProperty(fc.array(line), fc.array(fc.nat()), async (lines, places) => {
    const bytes = bytesOf(lines.map((text) => `${text}\n`).join(""));
    assert.deepEqual(await read(new LineChannel(new FakeStream(cut(bytes, places)), limit)), lines);
  }));
});

Deno.test("LineChannel.lines() puts together a character that is split between two chunks", async () => {
  const bytes = bytesOf("\u{1f600}\n");
  const chunks = [...bytes].map((byte) => Uint8Array.of(byte));
  assert.deepEqual(await read(new LineChannel(new FakeStream(chunks), limit)), ["\u{1f600}"]);
});

Deno.test("LineChannel.lines() drops a last line without a line break: half a message is not a message", async () => {
  const stream = new FakeStream([bytesOf("whole\nhal"), bytesOf("f")]);
  assert.deepEqual(await read(new LineChannel(stream, limit)), ["whole"]);
  assert.equal(stream.closed, 1);
});

Deno.test("LineChannel.lines() throws for a line over the limit before the line is complete, and closes", async () => {
  const chunks = [bytesOf("ok\n" + "x".repeat(900)), bytesOf("x".repeat(200)), bytesOf("x".repeat(1e6))];
  const stream = new FakeStream(chunks), channel = new LineChannel(stream, limit), seen: string[] = [];
  await assert.rejects(async () => {
    for await (const text of channel.lines()) seen.push(text);
  }, RangeError);
  assert.deepEqual(seen, ["ok"]);
  assert.equal(stream.closed, 1);
  assert.equal(channel.closed, true);
});

Deno.test("LineChannel.lines() accepts a line of exactly the limit, in one chunk or in many", async () => {
  const text = "y".repeat(1_000);
  for (const places of [[], [400, 1_000]]) {
    const chunks = cut(bytesOf(`${text}\n`), places);
    assert.deepEqual(await read(new LineChannel(new FakeStream(chunks), limit)), [text]);
  }
  await assert.rejects(read(new LineChannel(new FakeStream([bytesOf(`${text}z\n`)]), limit)), RangeError);
});

Deno.test("LineChannel.lines() ends when its reader leaves the loop, and closes the stream once", async () => {
  const stream = new FakeStream([bytesOf("a\nb\nc\n")]), channel = new LineChannel(stream, limit);
  for await (const text of channel.lines()) {
    assert.equal(text, "a");
    break;
  }
  channel.close();
  assert.equal(stream.closed, 1);
});

Deno.test("LineChannel.lines() ends quietly when the other side died or this side closed, and throws other errors", async () => {
  const after = (thrown: Error, before: () => void = () => {}) => {
    const stream = new FakeStream([bytesOf("a\n")]), channel = new LineChannel(stream, limit);
    const whole = stream.read.bind(stream);
    stream.read = async (into) => {
      const count = await whole(into);
      if (count !== null) return count;
      before();
      throw thrown;
    };
    return { channel, stream };
  };
  const reset = after(new Deno.errors.ConnectionReset("by peer"));
  assert.deepEqual(await read(reset.channel), ["a"]);
  const closedHere = after(new Deno.errors.BadResource("closed"), () => closedHere.channel.close());
  assert.deepEqual(await read(closedHere.channel), ["a"]);
  await assert.rejects(read(after(new Deno.errors.TimedOut("odd")).channel), Deno.errors.TimedOut);
});

Deno.test("LineChannel.send() writes the lines of one turn together and in order, also when writes are short", async () => {
  const stream = new FakeStream([]), channel = new LineChannel(stream, limit);
  for (const text of ["one", "two", "three"]) channel.send(text);
  assert.deepEqual(stream.writes, [], "nothing leaves before the turn is over");
  await channel.flushed();
  assert.deepEqual(stream.writes, ["one\ntwo\nthree\n"]);
  const slow = new FakeStream([], 2), other = new LineChannel(slow, limit);
  other.send("abc");
  other.send("d");
  await other.flushed();
  assert.deepEqual(slow.writes, ["ab", "c\n", "d\n"]);
});

Deno.test("LineChannel.send() accepts lines while others are being written, and flushed() waits for them as well", async () => {
  const stream = new FakeStream([]), channel = new LineChannel(stream, limit);
  channel.send("a");
  await Promise.resolve();
  channel.send("b");
  await channel.flushed();
  assert.equal(stream.writes.join(""), "a\nb\n");
});

Deno.test("LineChannel.send() does nothing once the other side is gone, and closed says so", async () => {
  const stream = new FakeStream([]), channel = new LineChannel(stream, limit);
  stream.failing = true;
  channel.send("lost");
  await channel.flushed();
  assert.equal(channel.closed, true);
  channel.send("lost too");
  await channel.flushed();
  assert.deepEqual(stream.writes, []);
  assert.equal(stream.closed, 1);
});

Deno.test("LineChannel.send() rejects a line break: it would be two lines for the reader", () => {
  assert.throws(() => new LineChannel(new FakeStream([]), limit).send("a\nb"), /a line break/);
});
