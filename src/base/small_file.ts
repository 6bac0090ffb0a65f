/** Reads a small file that somebody else may have put there: a pipe would stop its reader, and a huge file fill its memory. */
import { isMissing } from "./if_present.ts";
import { isNoFile, nodeFiles, nonblockingFlags } from "./open_nonblocking.ts";

const smallFileMaxBytes = 4096;

/**
 * Null when there is none, when it is no plain file of at most 4 KiB, or when it may not be read. Also where a program of a
 * unit may swap it at this moment.
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

/** How often a file is looked at anew that was replaced between the look and its opening. */
const looksMax = 100;

/**
 * Null when there is none, or no plain file of at most `maxBytes`. For nerve's own folders, which no unit may write: it looks
 * first and opens then. node:fs, which can open without waiting, would take each command 40 ms.
 */
export function readPlainFile(path: string, maxBytes: number): string | null {
  try {
    for (let look = 1; look <= looksMax; look++) {
      const found = Deno.lstatSync(path);
      if (!found.isFile || found.size > maxBytes) return null;
      using file = Deno.openSync(path);
      const { ino, dev, size } = file.statSync();
      // What is written anew is renamed into its place.
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
