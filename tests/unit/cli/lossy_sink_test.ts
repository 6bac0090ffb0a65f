/** Output that cannot be written, or not now. Danger: it ends or blocks the writer, or lines are lost silently. */
import assert from "node:assert/strict";
import { NerveError } from "../../../src/base/errors.ts";
import { subscriberQueueMax } from "../../../src/base/limits.ts";
import { createLossySinks } from "../../../src/cli/render/lossy_sink.ts";
import { CapturedIo } from "../../support/captured_io.ts";
import { FakeClock } from "../../support/fake_clock.ts";

/** A stdout that is full, or paused, at times. */
class Troubled extends CapturedIo {
  full = false;
  paused: Promise<void> = Promise.resolve();

  constructor(clock = new FakeClock()) {
    super({ cwd: "/", clock });
    const { write } = this.stdout;
    this.stdout.writeLater = async (text) => {
      await this.paused;
      if (this.full) throw new NerveError("STORE_FAILED", "stdout cannot be written: no space is left");
      write(text);
    };
  }
}

Deno.test("lines that cannot be written are dropped and counted, on stderr once and where the output resumes", async () => {
  const disk = new Troubled(), { io, lost, flush } = createLossySinks(disk);
  const write = async (...lines: string[]) => {
    for (const line of lines) io.stdout.write(`${line}\n`);
    await flush();
  };
  await write("one");
  disk.full = true;
  await write("two", "three");
  disk.full = false;
  await write("four");
  disk.full = true;
  await write("five");
  assert.equal(disk.out, "one\n🔶 2 lines could not be written here\nfour\n");
  assert.equal(lost(), 3);
  assert.equal(disk.err.match(/no space is left; nerve keeps running without it/g)?.length, 1);
});

Deno.test("a paused terminal blocks nothing; the oldest lines are dropped first, and the end waits for a second", async () => {
  const clock = new FakeClock(), terminal = new Troubled(clock), { io, lost, flush } = createLossySinks(terminal);
  const paused = Promise.withResolvers<void>(), count = subscriberQueueMax + 10;
  terminal.paused = paused.promise;
  for (let line = 0; line < count; line++) io.stdout.write(`line ${line}\n`);
  assert.equal(terminal.out, "");
  // One of them is being written.
  assert.equal(lost(), 9);
  assert.match(terminal.err, /stdout is not read/);
  paused.resolve();
  await flush();
  const lines = terminal.out.split("\n");
  assert.deepEqual(lines.slice(0, 3), ["line 0", "🔶 9 lines could not be written here", "line 10"]);
  assert.equal(lines.at(-2), `line ${count - 1}`);

  terminal.paused = new Promise(() => {});
  for (let line = 0; line < 3; line++) io.stdout.write("late\n");
  let over = false;
  const end = flush().then(() => over = true);
  await clock.tick(999);
  assert.equal(over, false);
  await clock.tick(1);
  await end;
  assert.equal(lost(), 9 + 2);
  assert.equal(clock.pending, 0);
});
