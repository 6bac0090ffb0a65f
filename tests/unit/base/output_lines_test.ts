/** The output of a process as lines. Danger: user code that floods the kernel, or stalls it. */
import assert from "node:assert/strict";
import { setImmediate } from "node:timers";
import { logLineMaxBytes } from "../../../src/base/limits.ts";
import { forwardLines } from "../../../src/base/output_lines.ts";

async function linesOf(...chunks: (string | Uint8Array)[]): Promise<string[]> {
  const encoder = new TextEncoder(), lines: string[] = [];
  const bytes = chunks.map((chunk) => typeof chunk === "string" ? encoder.encode(chunk) : chunk);
  await forwardLines(ReadableStream.from(bytes) as ReadableStream<Uint8Array>, (line) => lines.push(line));
  return lines;
}

Deno.test("lines come one by one, wherever the stream was cut, and so does a last line without a line break", async () => {
  assert.deepEqual(await linesOf("a\nb", "c\n\n", "end"), ["a", "bc", "", "end"]);
  assert.deepEqual(await linesOf(), []);
});

Deno.test("a character that is split between two chunks is put together", async () => {
  const [first, second, ...rest] = new TextEncoder().encode("é\n");
  assert.deepEqual(await linesOf(new Uint8Array([first!]), new Uint8Array([second!, ...rest])), ["é"]);
});

Deno.test("a line over the limit is cut, its rest is dropped, and the next line is whole", async () => {
  const half = "x".repeat(logLineMaxBytes - 1);
  const [long, next] = await linesOf(half, half, half, "\nnext\n");
  assert.deepEqual([long?.length, next], [logLineMaxBytes, "next"]);
});

Deno.test("a process that writes without end has to wait: nothing more is read before the pace allows it", async () => {
  const waits: PromiseWithResolvers<void>[] = [], lines: string[] = [];
  const stream = ReadableStream.from(["a\n", "b\n", "c\n"].map((text) => new TextEncoder().encode(text)));
  const done = forwardLines(stream as ReadableStream<Uint8Array>, (line) => lines.push(line), () => {
    const wait = Promise.withResolvers<void>();
    waits.push(wait);
    return wait.promise;
  });
  while (waits.length < 1) await Promise.resolve();
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
  assert.deepEqual(lines, ["a"]);
  for (let at = 0; at < 3; at++) {
    while (waits.length <= at) await new Promise<void>((resolve) => setImmediate(resolve));
    waits[at]?.resolve();
  }
  await done;
  assert.deepEqual(lines, ["a", "b", "c"]);
});
