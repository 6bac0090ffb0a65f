/** `nerve session log ID`: the transcript of an agent session, from disk, page by page, with or without a daemon. */
import { delay } from "../../base/time.ts";
import type { TranscriptEntry, TranscriptKind } from "../../protocol/transcript.ts";
import { readTranscript } from "../../store/agents/transcript_reader.ts";
import { askOrRead } from "../daemon/ask_daemon.ts";
import { type CliIo, exit } from "../io.ts";
import { type CliRecords, openRecordsOrEmpty } from "../open_records.ts";
import { dim, formatClockTime, print, sign, toJsonLine, toPrintableLines } from "../render/terminal.ts";
import { openWorkspace } from "../workspace.ts";
import { requireSession } from "./session_list.ts";

interface Flags {
  readonly follow: boolean;
  readonly tail?: number | undefined;
  readonly json: boolean;
  readonly workspace?: string | undefined;
}

/** The polling interval while the transcript is followed. */
const lookMs = 300;

export async function sessionLog(io: CliIo, flags: Flags, id: string): Promise<number> {
  const paths = await openWorkspace(io, flags.workspace);
  using records = openRecordsOrEmpty(paths);
  requireSession(records, id);
  await askOrRead(paths, (client) => client.sessions.settle(id));
  let interrupted = false, after = 0;
  const cancel = io.onInterrupt(() => interrupted = true);
  try {
    for (let tail = flags.tail === undefined ? {} : { tail: flags.tail * 1024 };; tail = {}) {
      // Read before the page: the last entries of an ended session are on disk soon after its end.
      const ended = requireSession(records, id).state === "ENDED";
      const { items, next, more } = await readTranscript(paths.transcripts, id, { after, ...tail });
      for (const entry of items) printEntry(io, flags, records, entry);
      if (io.stdout.gone.aborted || interrupted) break;
      const advanced = next > after;
      after = next;
      if (more && advanced) continue;
      if (!flags.follow || (ended && !advanced)) return exit.ok;
      await delay(io.clock, lookMs);
    }
    return io.stdout.gone.aborted ? exit.ok : exit.interrupted;
  } finally {
    cancel();
  }
}

const words: Readonly<Record<TranscriptKind, string>> = {
  prompt: `${sign.next} prompt`,
  answer: `${sign.ok} answer`,
  failed: `${sign.failed} no answer`,
  said: "said",
  thought: "thought",
  did: "did",
  asked: "asked leave",
  errors: "printed as errors",
  lost: `${sign.warning} lost`,
};

function printEntry(io: CliIo, { json }: Flags, records: CliRecords, raw: TranscriptEntry): void {
  const entry = records.mask(raw), { ts, kind, text, about } = entry;
  if (json) return print(io, toJsonLine(entry));
  const more = about === null ? "" : ` ${JSON.stringify(about)}`;
  print(io, dim(io, `${formatClockTime(ts)} ${words[kind]}${more}`));
  if (text !== "") print(io, toPrintableLines(text.trimEnd()));
}
