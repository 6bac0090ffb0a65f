/**
 * Follows a log file line by line, across its rotation (daemon/text_log.ts). The open file is read to its end before
 * the next one is opened, so that no line is lost or repeated. Used by cli/commands/logs.ts.
 */
import { readInode } from "../../base/file_identity.ts";
import { logFilesKept } from "../../base/limits.ts";

interface Reading {
  readonly file: Deno.FsFile;
  readonly ino: number | null;
}

export class LogTail implements Disposable {
  readonly #path: string;
  #reading: Reading | null = null;
  #decoder = new TextDecoder();
  #rest = "";

  /** Starts at the first line of the newest file, even if that file does not exist yet. */
  constructor(path: string) {
    this.#path = path;
    this.#reading = this.#open(path);
  }

  /** Whether the log file exists. */
  get found(): boolean {
    return this.#reading !== null;
  }

  /** The complete lines added since the last call. */
  read(): string[] {
    const lines: string[] = [];
    for (;;) {
      if (this.#reading !== null) lines.push(...this.#drain(this.#reading.file));
      const next = this.#openNext();
      if (next === null) return lines;
      // Lines added between the read above and the rotation. Nothing is appended after that.
      if (this.#reading !== null) lines.push(...this.#drain(this.#reading.file));
      this.#reading?.file.close();
      this.#reading = next;
      this.#forgetPart();
    }
  }

  /** Forgets what was read of a line that will not be finished. */
  #forgetPart(): void {
    this.#decoder = new TextDecoder();
    this.#rest = "";
  }

  close(): void {
    this.#reading?.file.close();
    this.#reading = null;
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #drain(file: Deno.FsFile): string[] {
    const bytes = new Uint8Array(64 * 1024), lines: string[] = [];
    // The file was emptied, as with `> nerve.log`: its content was written after that.
    if (file.statSync().size < file.seekSync(0, Deno.SeekMode.Current)) {
      file.seekSync(0, Deno.SeekMode.Start);
      this.#forgetPart();
    }
    for (let count = file.readSync(bytes); count !== null && count > 0; count = file.readSync(bytes)) {
      const parts = (this.#rest + this.#decoder.decode(bytes.subarray(0, count), { stream: true })).split("\n");
      this.#rest = parts.pop() ?? "";
      lines.push(...parts);
    }
    return lines;
  }

  /** Opens the file that follows the one being read. Null when the open one is the newest. */
  #openNext(): Reading | null {
    if (this.#reading === null) return this.#open(this.#path);
    const names = [this.#path, ...Array.from({ length: logFilesKept }, (_, at) => `${this.#path}.${at + 1}`)];
    const at = names.findIndex((name) => readInode(name) === this.#reading?.ino);
    if (at === 0) return null;
    // Our file was rotated away or removed: continue with the newest.
    const name = at < 0 ? this.#path : names[at - 1] ?? this.#path;
    return this.#open(name);
  }

  #open(path: string): Reading | null {
    try {
      const file = Deno.openSync(path, { read: true });
      return { file, ino: file.statSync().ino };
    } catch (thrown) {
      if (thrown instanceof Deno.errors.NotFound) return null;
      throw thrown;
    }
  }
}
