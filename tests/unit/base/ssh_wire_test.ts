/** The encoding of SSH's messages. Danger: hostile bytes are read as another message than the one that was signed. */
import assert from "node:assert/strict";
import { concat, SshReader, writeString, writeUint32 } from "../../../src/base/ssh_wire.ts";
import fc from "../../support/fast_check.ts";

type Bytes = Uint8Array<ArrayBuffer>;

const bytes = (...values: number[]): Bytes => new Uint8Array(values);
const someBytes = fc.array(fc.nat(255), { maxLength: 40 }).map((values) => bytes(...values));
const early = { message: "the bytes end too early" };

/** A string that holds these bytes, as a number of SSH's is one. */
const readerOf = (...values: number[]) => new SshReader(writeString(bytes(...values)));

Deno.test("what is written is read back in its order, and nothing is left over", () =>
  fc.assert(fc.property(
    fc.array(fc.oneof(fc.nat(2 ** 32 - 1), fc.string({ unit: "grapheme", maxLength: 40 }), someBytes)),
    (values) => {
      const written = values.map((each) => typeof each === "number" ? writeUint32(each) : writeString(each));
      const reader = new SshReader(concat(...written));
      for (const each of values) {
        if (typeof each === "number") assert.equal(reader.uint32(), each);
        else if (typeof each === "string") assert.equal(reader.text(), each);
        else assert.deepEqual(reader.string(), each);
      }
      reader.end();
    },
  )));

Deno.test("numbers have their first byte in front, and a string has the number of its bytes before it", () => {
  assert.deepEqual(writeUint32(0x01020304), bytes(1, 2, 3, 4));
  assert.deepEqual(writeUint32(2 ** 32 - 1), bytes(255, 255, 255, 255));
  assert.deepEqual(writeString(""), bytes(0, 0, 0, 0));
  assert.deepEqual(writeString("é\0"), bytes(0, 0, 0, 3, 0xc3, 0xa9, 0), "bytes, not characters");
  assert.deepEqual(concat(), bytes());
});

Deno.test("bytes that end too early are refused wherever they are cut, and cost no memory for a length that they claim", () => {
  const whole = concat(writeUint32(7), writeString("abc"));
  for (let cut = 0; cut < whole.length; cut++) {
    const reader = new SshReader(whole.slice(0, cut));
    assert.throws(() => [reader.uint32(), reader.string()], early, `cut at ${cut}`);
  }
  assert.throws(() => new SshReader(writeUint32(2 ** 32 - 1)).string(), early);
  assert.throws(() => new SshReader(bytes()).byte(), early);
});

Deno.test("a reader that refused stays where it was", () => {
  const reader = new SshReader(bytes(1, 2));
  assert.throws(() => reader.uint32(), early);
  assert.deepEqual([reader.byte(), reader.byte()], [1, 2]);
  reader.end();
});

Deno.test("bytes after the end are refused", () => {
  const reader = new SshReader(bytes(1, 2));
  assert.equal(reader.byte(), 1);
  assert.throws(() => reader.end(), { message: "there are bytes after the end" });
});

Deno.test("what is read is a copy: the bytes that were given stay as they are", () => {
  const given = writeString("abc"), read = new SshReader(given).string();
  read.fill(0);
  assert.equal(new SshReader(given).text(), "abc");
});

Deno.test("a text is UTF-8 or refused, and keeps its first character also when that is a byte order mark", () => {
  for (const wrong of [[0xff], [0xc3], [0xed, 0xa0, 0x80], [0xc0, 0xaf]]) {
    assert.throws(() => readerOf(...wrong).text(), TypeError, wrong.join(" "));
  }
  assert.equal(new SshReader(writeString("\ufeffa")).text(), "\ufeffa");
});

Deno.test("a number is read without the zeros before it, whatever its length", () => {
  assert.deepEqual(readerOf(0, 0, 1, 0).integer(), bytes(1, 0));
  assert.deepEqual(readerOf(0x80).integer(), bytes(0x80));
  for (const zeros of [[], [0], [0, 0, 0]]) assert.deepEqual(readerOf(...zeros).integer(), bytes(), `${zeros.length}`);
});

Deno.test("a number of a known length has zeros before it, and a larger one is refused rather than cut", () => {
  assert.deepEqual(readerOf(1, 2).number(4), bytes(0, 0, 1, 2));
  assert.deepEqual(readerOf(0, 0x80, 2).number(2), bytes(0x80, 2), "the zero of the sign does not count");
  assert.deepEqual(readerOf().number(2), bytes(0, 0));
  assert.throws(() => readerOf(1, 2, 3).number(2), { message: "the number is too large" });
});
