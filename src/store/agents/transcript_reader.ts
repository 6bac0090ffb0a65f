/**
 * Reads transcripts of sessions (agents/transcripts.ts), a page at a time: at most `transcriptPageBytes` of a file are
 * in memory. Used by the command line and by kernel/sessions_api.ts.
 */
import { join } from "node:path";
import { transcriptPageBytes } from "../../base/agent_limits.ts";
import { isMissing } from "../../base/if_present.ts";
import {
  readTranscriptHead,
  type TranscriptEntry,
  transcriptEntrySchema,
  transcriptFiles,
  type TranscriptPage,
} from "../../protocol/transcript.ts";

/** Reads from `after`, the `next` of an earlier page; with `tail`, only about the last `tail` bytes. */
export interface TranscriptQuery {
  readonly after: number;
  readonly tail?: number;
}

interface Part {
  readonly path: string;
  /** How many bytes of the transcript come before this file. */
  readonly from: number;
  readonly size: number;
}

/** A session without a transcript gets an empty page. */
export async function readTranscript(
  folder: string,
  sessionId: string,
  { after, tail }: TranscriptQuery,
): Promise<TranscriptPage> {
  const parts = (await Promise.all(transcriptFiles(sessionId).map((name) => inspect(join(folder, name)))))
    .filter((part) => part !== null);
  const end = parts.reduce((most, { from, size }) => Math.max(most, from + size), 0);
  const start = tail === undefined ? after : Math.max(after, end - tail);
  const part = parts.find(({ from, size }) => start < from + size);
  if (part === undefined) return { items: [], next: Math.max(end, 0), more: false };
  const at = Math.max(0, start - part.from), { text, whole } = await readWhole(part.path, at);
  // In the middle of a line: the rest of that line is not an entry.
  const cut = tail === undefined || at === 0 ? 0 : text.indexOf("\n") + 1;
  // An older file that a full disk has cut short gets no more lines.
  const isOver = whole === 0 && part !== parts.at(-1), next = isOver ? part.from + part.size : part.from + at + whole;
  return { items: text.slice(cut).split("\n").flatMap(parse), next, more: next < end };
}

async function inspect(path: string): Promise<Part | null> {
  try {
    using file = await Deno.open(path);
    const { size } = await file.stat(), bytes = new Uint8Array(64), count = await file.read(bytes);
    return { path, size, from: readTranscriptHead(new TextDecoder().decode(bytes.subarray(0, count ?? 0))) ?? 0 };
  } catch (thrown) {
    if (isMissing(thrown)) return null;
    throw thrown;
  }
}

/** Whole lines from `at`, and their length in bytes. */
async function readWhole(path: string, at: number): Promise<{ readonly text: string; readonly whole: number }> {
  using file = await Deno.open(path);
  await file.seek(at, Deno.SeekMode.Start);
  const bytes = new Uint8Array(transcriptPageBytes);
  let length = 0;
  for (let count: number | null = 0; count !== null && length < bytes.length; length += count ?? 0) {
    count = await file.read(bytes.subarray(length));
  }
  const last = bytes.subarray(0, length).lastIndexOf(10);
  // A line is shorter than a page; a longer one was not written by nerve.
  const whole = last < 0 && length === bytes.length ? length : last + 1;
  return { text: new TextDecoder().decode(bytes.subarray(0, whole)), whole };
}

/** Skips lines that are not entries, such as the head of a file, or the end of one that a full disk has cut short. */
function parse(line: string): TranscriptEntry[] {
  if (!line.startsWith('{"ts"')) return [];
  try {
    const parsed = transcriptEntrySchema.safeParse(JSON.parse(line), { jitless: true });
    return parsed.success ? [parsed.data] : [];
  } catch {
    return [];
  }
}
