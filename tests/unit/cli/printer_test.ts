/** The one printer. Danger: text of user code that a terminal obeys, from a command that forgot to escape it. */
import assert from "node:assert/strict";
import { createPrinter } from "../../../src/cli/printer.ts";
import { CapturedIo } from "../../support/captured_io.ts";

const hostile = "\x1b]0;owned\x07\x1b[2J\x9b31m\r\u202e\u2066\b\u200f";
const obeyed = /(?![\t\n])\p{Cc}|[\p{Bidi_Control}\u2028\u2029]/u;

Deno.test("whatever is written to a sink reaches the terminal without a character that it obeys", async () => {
  for (const colour of [false, true]) {
    const io = new CapturedIo({ cwd: "/", colour }), printer = createPrinter(io);
    printer.stdout.write(`a ${hostile} b\n\tc`);
    await printer.stdout.writeLater(`${hostile}\n`);
    printer.stderr.write(hostile);
    assert.doesNotMatch(io.out + io.err, obeyed);
    assert.match(io.out, /^a \\u001b\]0;owned\\u0007\\u001b\[2J\\u009b31m\\u000d\\u202e\\u2066\\u0008\\u200f b\n\tc/);
  }
});

Deno.test("nerve's own styles and rewritten lines stay, without colour too only where they are nerve's", () => {
  const io = new CapturedIo({ cwd: "/", colour: true }), plain = new CapturedIo({ cwd: "/" });
  for (const each of [io, plain]) {
    createPrinter(each).stdout.write("\x1b[2mgrey\x1b[22m \x1b[8mhidden\n");
    createPrinter(each).stderr.write("\r\x1b[Kagain \r\x1b[K");
  }
  assert.equal(io.out, "\x1b[2mgrey\x1b[22m \\u001b[8mhidden\n");
  assert.equal(plain.out, "\\u001b[2mgrey\\u001b[22m \\u001b[8mhidden\n");
  assert.equal(io.err, "\r\x1b[Kagain \\u000d\\u001b[K");
  assert.equal(plain.err, io.err);
});
