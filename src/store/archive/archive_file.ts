/**
 * One file of the archive, `YYYY-MM-DD.jsonl`: the rows of one UTC day as `nerve events --json` prints them, ordered by
 * id. Written by archiver.ts; read by archive_reader.ts, continue_ids.ts, rebuild.ts, blob_gc.ts and verify.ts.
 * I1. A file under its final name is complete: it is written under a temporary name, fsynced and renamed, and its
 *     folder is fsynced, as are the parent folders made for it.
 * I2. Memory is bounded: lines are read and written in blocks.
 */
import { dirname, join } from "node:path";
import { makeFolderDurably, syncFolder } from "../../base/durable_folder.ts";
import { NerveError } from "../../base/errors.ts";
import { passFaultPoint } from "../../base/fault_point.ts";
import type { LogRow } from "../../protocol/log.ts";

const suffix = ".jsonl", blockBytes = 256 * 1024;

export function archivePath(folder: string, day: string): string {
  return join(folder, day + suffix);
}

export interface ArchivedDay {
  readonly day: string;
  readonly path: string;
  readonly bytes: number;
}

/** The days that have a file, oldest first; none when the folder does not exist. */
export function listArchivedDays(folder: string): ArchivedDay[] {
  const days: ArchivedDay[] = [];
  try {
    for (const { name, isFile } of Deno.readDirSync(folder)) {
      if (!isFile || !/^\d{4}-\d{2}-\d{2}\.jsonl$/.test(name)) continue;
      const path = join(folder, name);
      days.push({ day: name.slice(0, -suffix.length), path, bytes: Deno.statSync(path).size });
    }
  } catch (thrown) {
    if (!(thrown instanceof Deno.errors.NotFound)) throw thrown;
  }
  return days.sort((a, b) => a.day < b.day ? -1 : 1);
}

/** The id of a line, which comes first, without parsing the rest. Throws NerveError STORE_FAILED like `parseRow`. */
export function parseRowId(line: string, path: string): number {
  const [, id] = /^\{"id":(\d{1,16}),/.exec(line) ?? [];
  if (id === undefined) throw damagedLineError(line, path);
  return Number(id);
}

/** Throws NerveError STORE_FAILED when the line is not a log row. */
export function parseRow(line: string, path: string): LogRow {
  try {
    const row = JSON.parse(line) as LogRow;
    if (Number.isSafeInteger(row.id) && Number.isSafeInteger(row.ts) && typeof row.type === "string") return row;
  } catch {
    // Reported below.
  }
  throw damagedLineError(line, path);
}

function damagedLineError(line: string, path: string): NerveError {
  return new NerveError(
    "STORE_FAILED",
    `the archive ${path} is damaged: a line is not a log row: ${line.slice(0, 80)}`,
    {
      hint: "nerve store verify shows more; restore the file from a backup, or move it away",
    },
  );
}

/** The lines of a file that pass `wanted`, a filter on the text before the expensive parsing. */
export function* readLines(path: string, wanted?: (line: string) => boolean): Generator<string, undefined> {
  for (const lines of readLineBlocks(path, wanted)) yield* lines;
}

/** Like `readLines`; yields no lines when there is no such file. */
export function* readLinesIfPresent(path: string): Generator<string, undefined> {
  try {
    yield* readLines(path);
  } catch (thrown) {
    if (!(thrown instanceof Deno.errors.NotFound)) throw thrown;
  }
}

/** Like `readLines`, by blocks of the file: the reader can pause even where no line passes for a long time. */
export function* readLineBlocks(path: string, wanted: (line: string) => boolean = () => true): Generator<string[]> {
  using file = Deno.openSync(path);
  const block = new Uint8Array(blockBytes), decoder = new TextDecoder();
  // The parts of a line longer than a block, joined once at its end.
  let parts: string[] = [];
  for (let read = file.readSync(block); read !== null; read = file.readSync(block)) {
    const text = decoder.decode(block.subarray(0, read), { stream: true }), lines: string[] = [];
    let from = 0;
    for (let end = text.indexOf("\n"); end !== -1; end = text.indexOf("\n", from)) {
      const line = parts.length === 0 ? text.slice(from, end) : parts.join("") + text.slice(from, end);
      parts = [];
      from = end + 1;
      if (wanted(line)) lines.push(line);
    }
    if (from < text.length) parts.push(text.slice(from));
    yield lines;
  }
  const rest = parts.join("");
  if (rest !== "" && wanted(rest)) yield [rest];
}

/** The last line is searched in blocks from the end of the file. */
const tailBytes = 64 * 1024;

/** The last line; null when the file has none. `bytes`: the length of the file. */
export function readLastLine(path: string, bytes: number): string | null {
  using file = Deno.openSync(path);
  for (let length = Math.min(tailBytes, bytes);; length = Math.min(length * 8, bytes)) {
    const tail = new Uint8Array(length);
    file.seekSync(bytes - length, Deno.SeekMode.Start);
    for (let at = 0; at < length;) at += file.readSync(tail.subarray(at)) ?? length;
    const lines = new TextDecoder().decode(tail).split("\n").filter((line) => line !== "");
    if (lines.length > 1 || length === bytes) return lines.at(-1) ?? null;
  }
}

/** Writes a day's file under a temporary name; `publish` gives it its final name. */
export class DayWriter implements Disposable {
  readonly #path: string;
  readonly #tempPath: string;
  readonly #file: Deno.FsFile;
  readonly #buffer = new Uint8Array(blockBytes);
  readonly #encoder = new TextEncoder();
  #text = "";
  #published = false;
  rows = 0;
  bytes = 0;

  /** Starts the file for that path, and makes its folder if it is missing. */
  static async create(path: string): Promise<DayWriter> {
    await makeFolderDurably(dirname(path));
    return new DayWriter(path);
  }

  private constructor(path: string) {
    this.#path = path;
    this.#tempPath = `${path}.writing`;
    // Overwrites what a killed archive run left behind.
    this.#file = Deno.openSync(this.#tempPath, { write: true, create: true, truncate: true, mode: 0o600 });
  }

  /** True when a block is full and `flush` is due. */
  add(line: string): boolean {
    this.#text += line + "\n";
    this.rows++;
    return this.#text.length >= blockBytes / 4;
  }

  async flush(): Promise<void> {
    for (let text = this.#text; text !== "";) {
      // One buffer for all blocks: memory outside the heap is collected too late.
      const { read, written } = this.#encoder.encodeInto(text, this.#buffer);
      for (let at = 0; at < written;) at += await this.#file.write(this.#buffer.subarray(at, written));
      this.bytes += written;
      text = text.slice(read);
    }
    this.#text = "";
  }

  /** Turns the file into the day's file, durably. */
  async publish(): Promise<void> {
    await this.flush();
    passFaultPoint("archive.written");
    await this.#file.sync();
    passFaultPoint("archive.synced");
    await Deno.rename(this.#tempPath, this.#path);
    this.#published = true;
    passFaultPoint("archive.renamed");
    await syncFolder(dirname(this.#path));
  }

  [Symbol.dispose](): void {
    this.#file.close();
    if (!this.#published) Deno.removeSync(this.#tempPath);
  }
}
