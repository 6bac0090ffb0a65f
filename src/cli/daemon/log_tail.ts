/**
 * Reads what is added to a log file, line by line, across its turning over (daemon/text_log.ts): the open file is read
 * to its end before the next one is begun, so that no line is lost or shown twice.
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

  /** Begins with the first line of the newest file, also of one that is yet to be made. */
  constructor(path: string) {
    this.#path = path;
    this.#reading = this.#open(path);
  }

  /** Whether there is a file at all. */
  get found(): boolean {
    return this.#reading !== null;
  }

  /** The whole lines that were added since the last call. */
  read(): string[] {
    const lines: string[] = [];
    for (;;) {
      if (this.#reading !== null) lines.push(...this.#drain(this.#reading.file));
      const next = this.#next();
      if (next === null) return lines;
      // What was added between our last look and its turning over; nothing comes after that.
      if (this.#reading !== null) lines.push(...this.#drain(this.#reading.file));
      this.#reading?.file.close();
      this.#reading = next;
      this.#decoder = new TextDecoder();
      this.#rest = "";
    }
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
    for (let count = file.readSync(bytes); count !== null && count > 0; count = file.readSync(bytes)) {
      const parts = (this.#rest + this.#decoder.decode(bytes.subarray(0, count), { stream: true })).split("\n");
      this.#rest = parts.pop() ?? "";
      lines.push(...parts);
    }
    return lines;
  }

  /** The file that follows the one being read; null when that is the newest. */
  #next(): Reading | null {
    if (this.#reading === null) return this.#open(this.#path);
    const names = [this.#path, ...Array.from({ length: logFilesKept }, (_, at) => `${this.#path}.${at + 1}`)];
    const at = names.findIndex((name) => readInode(name) === this.#reading?.ino);
    if (at === 0) return null;
    // Turned over so often that ours is gone, or removed by somebody: go on with the newest.
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
