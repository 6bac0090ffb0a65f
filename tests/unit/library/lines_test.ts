/** How log-pattern splits the bytes of a file into lines. */
import assert from "node:assert/strict";
import { lineMaxBytes, readLines, toEncoding } from "../../../senses/log-pattern/lines.ts";

async function readAll(bytes: Uint8Array): Promise<string[]> {
  const path = await Deno.makeTempFile();
  await Deno.writeFile(path, bytes);
  using file = await Deno.open(path);
  const lines: string[] = [], onLine = (line: string) => lines.push(line);
  const reading = { encoding: toEncoding("utf-8"), isGuess: true, isEnough: () => false, onLine, isFinished: false };
  await readLines(file, 0, reading).finally(() => Deno.remove(path));
  return lines;
}

Deno.test("a line that is too long is split between two characters, not within one", async () => {
  for (const character of ["\u00fc", "\u20ac", "\u{1f600}"]) {
    for (let before = lineMaxBytes - 4; before <= lineMaxBytes; before++) {
      const line = `${"x".repeat(before)}${character}!`;
      const parts = await readAll(new TextEncoder().encode(`${line}\n`));
      assert.equal(parts.join(""), line, `${character} after ${before} bytes`);
    }
  }
});

Deno.test("UTF-16 and UTF-32 that nothing announces are an error, not a log in which nothing ever matches", async () => {
  const text = "12:00 ERROR cannot write\n";
  const codes = Array.from(text, (each) => each.charCodeAt(0));
  const swapped = (bytes: Uint8Array, by: number) => bytes.map((_, at) => bytes[at ^ by] ?? 0);
  const two = new Uint8Array(new Uint16Array(codes).buffer), four = new Uint8Array(new Uint32Array(codes).buffer);
  for (const by of [0, 1]) await assert.rejects(readAll(swapped(two, by)), /looks like UTF-16 without a mark/);
  for (const by of [0, 3]) await assert.rejects(readAll(swapped(four, by)), /looks like UTF-32/);
  assert.deepEqual(await readAll(new TextEncoder().encode(text)), [text.trimEnd()]);
});
