/** The transcript of an agent's session: JSON lines in data/sessions. agents/ writes them, store/agents/ reads them. */
import * as z from "zod";
import { jsonObjectSchema } from "./json_schema.ts";

/**
 * `prompt`, `answer`, `failed` and `lost` (entries that came faster than they could be written) are nerve's; the rest
 * comes from the agent: `said` and `thought` are text, `did` a tool call, `asked` a request for leave, `errors` its
 * stderr.
 */
export const transcriptKinds = [
  "prompt",
  "answer",
  "failed",
  "said",
  "thought",
  "did",
  "asked",
  "errors",
  "lost",
] as const;
export type TranscriptKind = (typeof transcriptKinds)[number];

export const transcriptEntrySchema = z.object({
  ts: z.number(),
  kind: z.enum(transcriptKinds),
  text: z.string(),
  about: jsonObjectSchema.nullable(),
});
export type TranscriptEntry = z.infer<typeof transcriptEntrySchema>;

/** `next`: where to continue reading. `more`: whether there is more now. */
export const transcriptPageSchema = z.object({
  items: z.array(transcriptEntrySchema),
  next: z.int(),
  more: z.boolean(),
});
export type TranscriptPage = z.infer<typeof transcriptPageSchema>;

/** Appends an entry, and never waits. */
export type NoteEntry = (kind: TranscriptKind, text: string, about?: TranscriptEntry["about"]) => void;

/**
 * The files of a transcript in order; the older one exists once the newer has begun. Each begins with a line that holds
 * the number of bytes before it.
 */
export function transcriptFiles(sessionId: string): readonly [older: string, newer: string] {
  return [`${sessionId}.old.jsonl`, `${sessionId}.jsonl`];
}

export function formatTranscriptHead(from: number): string {
  return `{"from":${from}}\n`;
}

/** Null when the text does not begin with such a line. */
export function readTranscriptHead(text: string): number | null {
  const [, from] = /^\{"from":(\d{1,15})\}\n/.exec(text) ?? [];
  return from === undefined ? null : Number(from);
}
