/** Output that cannot be written must not end who writes it, and must not be lost without a word. */
import assert from "node:assert/strict";
import { NerveError } from "../../../src/base/errors.ts";
import { forgiving } from "../../../src/cli/forgiving_sink.ts";
import { CapturedIo } from "../../support/captured_io.ts";

class FullAtTimes extends CapturedIo {
  full: unknown = null;

  constructor() {
    super({ cwd: "/" });
    const { write } = this.stdout;
    this.stdout.write = (text) => {
      if (this.full !== null) throw this.full;
      write(text);
    };
  }
}

Deno.test("lines that cannot be written are dropped and counted, told once on stderr, and where the output goes on", () => {
  const disk = new FullAtTimes(), { io, lost } = forgiving(disk);
  io.stdout.write("one\n");
  disk.full = new NerveError("STORE_FAILED", "stdout cannot be written: No space is left");
  io.stdout.write("two\n");
  io.stdout.write("three\n");
  disk.full = null;
  io.stdout.write("four\n");
  disk.full = new NerveError("STORE_FAILED", "stdout cannot be written: No space is left");
  io.stdout.write("five\n");
  assert.equal(disk.out, "one\n🔶 2 lines could not be written here\nfour\n");
  assert.equal(lost(), 3);
  assert.equal(disk.err.match(/No space is left; nerve goes on without it/g)?.length, 1);
});

Deno.test("what is no refusal of the system is thrown on", () => {
  const disk = new FullAtTimes(), { io } = forgiving(disk);
  disk.full = new TypeError("a bug");
  assert.throws(() => io.stdout.write("one\n"), TypeError);
});
