/**
 * Writes a tar archive (ustar) whose bytes depend only on its content: no times, no owners, files in the given order.
 * Used by portable.ts, because the options for this differ between the tar programs of different systems.
 */
import { assert } from "../../src/base/errors.ts";

export interface ArchiveFile {
  /** Relative, with `/`. */
  readonly path: string;
  readonly bytes: Uint8Array;
  readonly executable: boolean;
}

const blockBytes = 512;

export function* tarChunks(files: Iterable<ArchiveFile>): Generator<Uint8Array<ArrayBuffer>, void, void> {
  for (const file of files) {
    yield createFileHeader(file);
    yield new Uint8Array(file.bytes);
    yield new Uint8Array((blockBytes - file.bytes.length % blockBytes) % blockBytes);
  }
  yield new Uint8Array(2 * blockBytes);
}

function createFileHeader({ path, bytes, executable }: ArchiveFile): Uint8Array<ArrayBuffer> {
  const block = new Uint8Array(blockBytes), encoder = new TextEncoder();
  const put = (at: number, text: string) => block.set(encoder.encode(text), at);
  const octal = (value: number, digits: number) => `${value.toString(8).padStart(digits, "0")}\0`;
  const [prefix, name] = splitPath(path);
  put(0, name);
  put(100, octal(executable ? 0o755 : 0o644, 7));
  put(108, octal(0, 7));
  put(116, octal(0, 7));
  put(124, octal(bytes.length, 11));
  put(136, octal(0, 11));
  put(148, " ".repeat(8));
  put(156, "0");
  put(257, "ustar\x0000");
  put(345, prefix);
  put(148, `${octal(block.reduce((sum, byte) => sum + byte, 0), 6)} `);
  return block;
}

/** The format has 100 bytes for a name and 155 bytes for the folders before it. */
function splitPath(path: string): [prefix: string, name: string] {
  const size = (text: string) => new TextEncoder().encode(text).length;
  if (size(path) <= 100) return ["", path];
  for (let cut = path.indexOf("/"); cut !== -1; cut = path.indexOf("/", cut + 1)) {
    const prefix = path.slice(0, cut), name = path.slice(cut + 1);
    if (size(prefix) <= 155 && size(name) <= 100) return [prefix, name];
  }
  assert(false, `the path ${path} is too long for the archive`);
}
