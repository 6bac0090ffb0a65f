/** Reads a small file that somebody else may have put there: a pipe would stop its reader, and a huge file fill its memory. */
import { isNoFile, nodeFiles, openAtOnceFlags } from "./open_at_once.ts";

const smallFileMaxBytes = 4096;

/** Null when there is none, when it is no plain file of at most 4 KiB, or when it may not be read. */
export function readSmallFile(path: string): string | null {
  try {
    return readPlainFile(path, smallFileMaxBytes);
  } catch (thrown) {
    if (isForbidden(thrown)) return null;
    throw thrown;
  }
}

/** Null when there is none, or no plain file of at most `maxBytes`: nothing else is read or waited for. */
export function readPlainFile(path: string, maxBytes: number): string | null {
  const { closeSync, fstatSync, openSync, readSync } = nodeFiles();
  let file: number;
  try {
    file = openSync(path, openAtOnceFlags());
  } catch (thrown) {
    if (isNoFile(thrown)) return null;
    throw thrown;
  }
  try {
    const stat = fstatSync(file);
    if (!stat.isFile() || stat.size > maxBytes) return null;
    const bytes = new Uint8Array(stat.size);
    return new TextDecoder().decode(bytes.subarray(0, readSync(file, bytes, 0, bytes.length, 0)));
  } finally {
    closeSync(file);
  }
}

function isForbidden(thrown: unknown): boolean {
  return thrown instanceof Error && "code" in thrown && (thrown.code === "EACCES" || thrown.code === "EPERM");
}
