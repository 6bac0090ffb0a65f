/** Appends a line once. Used by index.ts. The line is `TIME [KEY] TEXT PAYLOAD`, with line breaks written as \n. */
import type { Json } from "nerve";
import { toSendable } from "./notice.ts";

export interface Note {
  readonly key: string;
  readonly text: string;
  readonly payload: Json;
}

/** Longer lines are cut: at least sixty other lines fit between two attempts before a repeat goes unnoticed. */
const lineMaxChars = 16_384, tailBytes = 1024 * 1024;

/** False when the end of the file already has a line with this key. Resolves when the line is on disk. */
export async function appendOnce(path: string, note: Note): Promise<boolean> {
  const tail = await readTail(path);
  const lines = tail.split("\n");
  // The last piece is empty, or a line that a crash cut off: it does not count and gets its line break first.
  const cut = lines.pop() ?? "";
  if (lines.some((line) => line.split(" ", 2)[1] === `[${note.key}]`)) return false;
  using file = await Deno.open(path, { append: true, create: true, mode: 0o600 });
  const bytes = new TextEncoder().encode(`${cut === "" ? "" : "\n"}${formatLine(note)}\n`);
  // One write in append mode does not mix with the lines of other writers.
  for (let at = 0; at < bytes.length;) at += await file.write(bytes.subarray(at));
  await file.sync();
  return true;
}

function formatLine({ key, text: told, payload }: Note): string {
  const parts = [new Date().toISOString(), `[${key}]`, told];
  if (payload !== null) parts.push(JSON.stringify(payload));
  const text = toSendable(parts.filter((part) => part !== "").join(" "));
  const line = text.replaceAll("\r", "\\r").replaceAll("\n", "\\n");
  return line.length > lineMaxChars ? `${line.slice(0, lineMaxChars)}...` : line;
}

async function readTail(path: string): Promise<string> {
  try {
    using file = await Deno.open(path, { read: true });
    const { size } = await file.stat();
    await file.seek(Math.max(0, size - tailBytes), Deno.SeekMode.Start);
    return await new Response(file.readable).text();
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return "";
    throw thrown;
  }
}
