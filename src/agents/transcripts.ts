/**
 * Writes the transcripts of sessions to data/sessions, in the background: an entry is a line in memory until it is
 * written together with others, shortly afterwards. Used by kernel/agents.ts; store/agents/transcript_reader.ts reads
 * the files.
 * I1. `note` costs one line of JSON, and never waits for the disk.
 * I2. Each session has at most `transcriptPendingMaxBytes` waiting in memory, and `transcriptMaxBytes` on disk: entries
 *     that come too fast are only counted, and the oldest half makes room.
 * I3. A disk that refuses writes costs entries, and nothing else; the operator is notified once.
 */
import { join } from "node:path";
import {
  transcriptEntryMaxChars,
  transcriptFlushMs,
  transcriptMaxBytes,
  transcriptPendingMaxBytes,
} from "../base/agent_limits.ts";
import { isMissing } from "../base/if_present.ts";
import { makePrivateFolder } from "../base/make_folder.ts";
import { describeSystemError } from "../base/os_error.ts";
import type { CancelTimer, Clock } from "../base/time.ts";
import { byteLength } from "../protocol/json.ts";
import {
  formatTranscriptHead,
  type NoteEntry,
  readTranscriptHead,
  type TranscriptEntry,
  transcriptFiles,
  type TranscriptKind,
} from "../protocol/transcript.ts";

export interface TranscriptPorts {
  readonly folder: string;
  readonly clock: Clock;
  reportProblem(message: string): void;
}

/** The unwritten entries of a session. */
interface Pending {
  lines: string[];
  bytes: number;
  /** The last entry, to which more text of its kind may be added; it is not in `lines` yet. */
  open: { readonly ts: number; readonly kind: TranscriptKind; text: string } | null;
  lost: number;
  cancel: CancelTimer | null;
  writing: Promise<void>;
}

/** Kinds whose successive pieces of text become one entry. */
const pieces: ReadonlySet<TranscriptKind> = new Set(["said", "thought", "errors"]);

export class Transcripts {
  readonly #ports: TranscriptPorts;
  readonly #pending = new Map<string, Pending>();
  #told = false;

  constructor(ports: TranscriptPorts) {
    this.#ports = ports;
  }

  noteFor(sessionId: string): NoteEntry {
    return (kind, text, about = null) => this.#note(sessionId, kind, text, about);
  }

  /** Resolves when everything so far is written. */
  async flush(): Promise<void> {
    await Promise.all([...this.#pending.keys()].map((sessionId) => this.#write(sessionId)));
  }

  /** Removes files that have not changed for that long. */
  async sweep(retentionMs: number): Promise<void> {
    const { folder, clock } = this.#ports;
    try {
      for await (const { name, isFile } of Deno.readDir(folder)) {
        const path = join(folder, name), { mtime } = await Deno.stat(path);
        if (isFile && name.endsWith(".jsonl") && (mtime?.getTime() ?? Infinity) < clock.now() - retentionMs) {
          await Deno.remove(path);
        }
      }
    } catch (thrown) {
      if (!isMissing(thrown)) throw thrown;
    }
  }

  #note(sessionId: string, kind: TranscriptKind, text: string, about: TranscriptEntry["about"]): void {
    const known = this.#pending.get(sessionId);
    const pending = known ?? { lines: [], bytes: 0, open: null, lost: 0, cancel: null, writing: Promise.resolve() };
    this.#pending.set(sessionId, pending);
    if (pending.bytes > transcriptPendingMaxBytes) {
      pending.lost++;
      return;
    }
    const isPiece = pieces.has(kind) && about === null, { open } = pending;
    if (isPiece && open?.kind === kind && open.text.length + text.length <= transcriptEntryMaxChars) open.text += text;
    else {
      close(pending);
      const ts = this.#ports.clock.now();
      if (isPiece) pending.open = { ts, kind, text: text.slice(0, transcriptEntryMaxChars) };
      else add(pending, { ts, kind, text, about });
    }
    pending.cancel ??= this.#ports.clock.after(transcriptFlushMs, () => void this.#write(sessionId));
  }

  #write(sessionId: string): Promise<void> {
    const pending = this.#pending.get(sessionId);
    if (pending === undefined) return Promise.resolve();
    pending.cancel?.();
    pending.cancel = null;
    pending.writing = pending.writing.then(() => this.#writeNow(sessionId, pending));
    return pending.writing;
  }

  async #writeNow(sessionId: string, pending: Pending): Promise<void> {
    close(pending);
    if (pending.lost > 0) {
      const text = `${pending.lost} entries came faster than they could be written`;
      pending.lost = 0;
      add(pending, { ts: this.#ports.clock.now(), kind: "lost", text, about: null });
    }
    if (pending.lines.length === 0) return;
    const text = pending.lines.join("");
    pending.lines = [];
    try {
      await append(this.#ports.folder, sessionId, text);
      this.#told = false;
    } catch (thrown) {
      if (!this.#told) {
        this.#ports.reportProblem(`transcripts of agents cannot be written: ${describeSystemError(thrown)}`);
      }
      this.#told = true;
    } finally {
      pending.bytes = pending.lines.reduce((sum, line) => sum + line.length, 0);
      if (pending.lines.length === 0 && pending.open === null && pending.cancel === null) {
        this.#pending.delete(sessionId);
      }
    }
  }
}

function close(pending: Pending): void {
  const { open } = pending;
  pending.open = null;
  if (open !== null) add(pending, { ...open, about: null });
}

function add(pending: Pending, { ts, kind, text, about }: TranscriptEntry): void {
  const cut = text.length > transcriptEntryMaxChars ? `${text.slice(0, transcriptEntryMaxChars)}…` : text;
  const line = `${JSON.stringify({ ts, kind, text: cut.toWellFormed(), about })}\n`;
  pending.lines.push(line);
  pending.bytes += line.length;
}

async function append(folder: string, sessionId: string, text: string): Promise<void> {
  makePrivateFolder(folder);
  const [older, newer] = transcriptFiles(sessionId).map((name) => join(folder, name)) as [string, string];
  const size = await sizeOf(newer);
  if (size === null) return await write(newer, formatTranscriptHead(0) + text);
  if (size + byteLength(text) <= transcriptMaxBytes / 2) return await write(newer, text);
  const from = await headOf(newer);
  await Deno.rename(newer, older);
  await write(newer, formatTranscriptHead(from + size) + text);
}

/** Only this user may read it: it may contain anything that the agent has read. */
function write(path: string, text: string): Promise<void> {
  return Deno.writeTextFile(path, text, { append: true, create: true, mode: 0o600 });
}

async function sizeOf(path: string): Promise<number | null> {
  try {
    return (await Deno.stat(path)).size;
  } catch (thrown) {
    if (isMissing(thrown)) return null;
    throw thrown;
  }
}

async function headOf(path: string): Promise<number> {
  using file = await Deno.open(path);
  const bytes = new Uint8Array(64), count = await file.read(bytes);
  return readTranscriptHead(new TextDecoder().decode(bytes.subarray(0, count ?? 0))) ?? 0;
}
