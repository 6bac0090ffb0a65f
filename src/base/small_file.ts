/**
 * Reads a small file that another process may have made: a pipe would block its reader, and a huge file fill its
 * memory.
 */
import { isMissing } from "./if_present.ts";
import { isNoFile, nodeFiles, nonblockingFlags } from "./open_nonblocking.ts";

const smallFileMaxBytes = 4096;

/**
 * Null when the file is missing, not a plain file of at most 4 KiB, or not readable. Safe even where a unit's program
 * may swap the file at this moment.
 */
export function readSmallFile(path: string): string | null {
  const { closeSync, fstatSync, openSync, readSync } = nodeFiles();
  let file: number;
  try {
    file = openSync(path, nonblockingFlags());
  } catch (thrown) {
    if (isNoFile(thrown) || isForbidden(thrown)) return null;
    throw thrown;
  }
  try {
    const stat = fstatSync(file);
    if (!stat.isFile() || stat.size > smallFileMaxBytes) return null;
    const bytes = new Uint8Array(stat.size);
    return new TextDecoder().decode(bytes.subarray(0, readSync(file, bytes, 0, bytes.length, 0)));
  } finally {
    closeSync(file);
  }
}

/** How often a file that was replaced between the check and the open is checked again. */
const looksMax = 100;

/**
 * Null when the file is missing, or not a plain file of at most `maxBytes`. For nerve's own folders, which no unit may
 * write: it checks first and then opens. node:fs, which can open without blocking, would cost each command 40 ms.
 */
export function readPlainFile(path: string, maxBytes: number): string | null {
  try {
    for (let look = 1; look <= looksMax; look++) {
      const found = Deno.lstatSync(path);
      if (!found.isFile || found.size > maxBytes) return null;
      using file = Deno.openSync(path);
      const { ino, dev, size } = file.statSync();
      // Writers replace the file by a rename.
      if (ino !== found.ino || dev !== found.dev || size !== found.size) continue;
      const bytes = new Uint8Array(size);
      return new TextDecoder().decode(bytes.subarray(0, file.readSync(bytes) ?? 0));
    }
    return null;
  } catch (thrown) {
    if (isMissing(thrown)) return null;
    throw thrown;
  }
}

function isForbidden(thrown: unknown): boolean {
  return thrown instanceof Error && "code" in thrown && (thrown.code === "EACCES" || thrown.code === "EPERM");
}
