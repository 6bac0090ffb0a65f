/**
 * Writes the text log, `logs/nerve.log`: appends lines, rotates the file when it is full, and removes the oldest. Only
 * the supervisor writes it.
 * I1. Writing never throws. Lines that cannot be written are counted, and reported when writing works again.
 * I2. No file exceeds its limit. At most `logFilesKept` older files are kept; `nerve.log.1` is the newest of them.
 */
import { dirname } from "node:path";
import { messageOf } from "../base/errors.ts";
import { readInode } from "../base/file_identity.ts";
import { logFileMaxBytes, logFilesKept } from "../base/limits.ts";
import { formatLogLine, type LogLine } from "../base/log_line.ts";
import type { Clock } from "../base/time.ts";

interface OpenFile {
  readonly file: Deno.FsFile;
  readonly ino: number | null;
  size: number;
}

export class TextLog {
  readonly #path: string;
  readonly #clock: Clock;
  readonly #maxBytes: number;
  readonly #kept: number;
  readonly #encoder = new TextEncoder();
  #open: OpenFile | null = null;
  #lost = 0;
  #lostWhy = "";

  constructor(path: string, clock: Clock, limits: { maxBytes?: number; kept?: number } = {}) {
    this.#path = path;
    this.#clock = clock;
    this.#maxBytes = limits.maxBytes ?? logFileMaxBytes;
    this.#kept = limits.kept ?? logFilesKept;
  }

  write(line: LogLine): void {
    try {
      if (this.#lost > 0) this.#append(this.#createLossLine());
      this.#lost = 0;
      this.#append(line);
    } catch (thrown) {
      // A full disk or a missing folder: the daemon keeps running without its log.
      this.#lost++;
      this.#lostWhy = messageOf(thrown);
      this.close();
    }
  }

  close(): void {
    this.#open?.file.close();
    this.#open = null;
  }

  #createLossLine(): LogLine {
    const message = `${this.#lost} lines could not be written: ${this.#lostWhy}`;
    return { ts: this.#clock.now(), level: "warn", source: "daemon", event: "log.lost", message };
  }

  #append(line: LogLine): void {
    const bytes = this.#encoder.encode(`${formatLogLine(line)}\n`);
    let open = this.#openCurrent();
    if (open.size > 0 && open.size + bytes.length > this.#maxBytes) {
      this.close();
      this.#rotate();
      open = this.#openCurrent();
    }
    for (let at = 0; at < bytes.length;) at += open.file.writeSync(bytes.subarray(at));
    open.size += bytes.length;
  }

  /** Returns the open file, or opens a new one if the open one was removed or moved. */
  #openCurrent(): OpenFile {
    if (this.#open !== null && this.#open.ino === readInode(this.#path)) return this.#open;
    this.close();
    createFolder(dirname(this.#path));
    const file = Deno.openSync(this.#path, { create: true, append: true, mode: 0o600 });
    const { size, ino } = file.statSync();
    this.#open = { file, size, ino };
    return this.#open;
  }

  #rotate(): void {
    const name = (number: number) => number === 0 ? this.#path : `${this.#path}.${number}`;
    for (let number = this.#kept; number > 0; number--) {
      if (readInode(name(number - 1)) !== null) Deno.renameSync(name(number - 1), name(number));
    }
  }
}

/** Does not create parents: a workspace that was removed must not come back as an empty folder. */
function createFolder(folder: string): void {
  try {
    Deno.mkdirSync(folder, { mode: 0o700 });
  } catch (thrown) {
    if (!(thrown instanceof Deno.errors.AlreadyExists)) throw thrown;
  }
}
