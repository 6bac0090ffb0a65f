/** What was said in a session of an agent: lines of JSON in data/sessions. agents/ writes them, store/agents/ reads them. */
import * as z from "zod";
import { jsonObjectSchema } from "./json_schema.ts";

/**
 * `prompt`, `answer` and `failed` are nerve's; the rest is what the agent told: `said` and `thought` text, `did` a tool,
 * `asked` leave, `errors` what its program printed as errors. `lost`: entries that came faster than they could be written.
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

/** `next`: from where to read on. `more`: there is more now. */
export const transcriptPageSchema = z.object({
  items: z.array(transcriptEntrySchema),
  next: z.int(),
  more: z.boolean(),
});
export type TranscriptPage = z.infer<typeof transcriptPageSchema>;

/** Takes an entry, and never waits. */
export type NoteEntry = (kind: TranscriptKind, text: string, about?: TranscriptEntry["about"]) => void;

/**
 * The files of a transcript in their order: the older one is there once the newer has begun. Each begins with a line that
 * says how many bytes there were before it.
 */
export function transcriptFiles(sessionId: string): readonly [older: string, newer: string] {
  return [`${sessionId}.old.jsonl`, `${sessionId}.jsonl`];
}

export function formatTranscriptHead(from: number): string {
  return `{"from":${from}}\n`;
}

/** Null: it is no such line. */
export function readTranscriptHead(text: string): number | null {
  const [, from] = /^\{"from":(\d{1,15})\}\n/.exec(text) ?? [];
  return from === undefined ? null : Number(from);
}
