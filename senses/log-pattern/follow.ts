/**
 * Follows a log file from one reading to the next, across rotations. Used by index.ts.
 * A place in a file is stored with the file's identity and a digest of the bytes before it. This detects that the file
 * was replaced (rename and create) or emptied (copy and truncate), even when it has since grown past the old place.
 * Not detected: a file that was emptied and then received exactly the same bytes again.
 */
import { detectEncoding, type Encoding, findLastLineEnd, lineMaxBytes, readLines } from "./lines.ts";
import { listRotated } from "./rotated.ts";

export interface Place {
  /** Device and inode. */
  readonly identity: string;
  readonly offset: number;
  /** Digest of the bytes before the offset, at most `markBytes` of them; at offset 0, which file was rotated last. */
  readonly mark: string;
}

export interface Reading {
  /** Where the next reading begins. */
  readonly place: Place;
  /** Bytes that are left for the next reading. */
  readonly behindBytes: number;
  /** Why lines before this reading were missed; null when none were. */
  readonly missed: string | null;
}

const markBytes = 1_024;

export interface Follow {
  readonly file: string;
  /** Where a rotation moves the file's content (rotated.ts). */
  readonly rotated: string;
  /** The encoding of a file without a byte order mark; null: UTF-8. */
  readonly encoding: Encoding | null;
  /** True when the reading must stop here; the next one reads the rest. */
  readonly isEnough: (bytesRead: number) => boolean;
  readonly onLine: (line: string) => void;
}

/** The place from which to follow a file for the first time. Throws when the file cannot be opened. */
export async function findFirstPlace(
  file: string,
  { rotated, encoding }: Pick<Follow, "rotated" | "encoding">,
  fromStart: boolean,
): Promise<Place> {
  using open = await Deno.open(file);
  const { size } = await open.stat();
  return await createPlace(open, fromStart ? 0 : await findEnd(open, size, encoding), rotated);
}

/**
 * Passes the lines since `from` to `onLine`, those of rotated files first. Throws when the file cannot be opened, or
 * cannot be read as text.
 */
export async function readNewLines(from: Place, follow: Follow): Promise<Reading> {
  using current = await Deno.open(follow.file);
  if (await isSameFile(current, from, follow.rotated)) return await readRest(current, from.offset, follow, 0, null);
  const { missed, place, bytes } = await readRotated(from, await readIdentity(current), follow);
  if (place !== null) {
    // This reading has used up its time or bytes: the next one reads the new file.
    const { size } = await current.stat();
    return { place, behindBytes: size, missed };
  }
  return await readRest(current, 0, follow, bytes, missed);
}

interface RotatedReading {
  readonly missed: string | null;
  /** Where to continue; null when everything was read, or nothing was found. */
  readonly place: Place | null;
  readonly bytes: number;
}

async function readRotated(from: Place, current: string, follow: Follow): Promise<RotatedReading> {
  const { rotated } = follow, lost = (missed: string) => ({ missed, place: null, bytes: 0 });
  try {
    const files = await listRotated(rotated), ours = await findOurs(files, from, current);
    if (ours === null) {
      return lost(`${files.length === 1 ? files[0] : `no file ${rotated}`} is not the file that was followed`);
    }
    let bytes = 0;
    for (const path of files.slice(ours)) {
      using old = await Deno.open(path);
      const start = path === files[ours] ? from.offset : 0;
      const end = await readLinesOf(old, start, follow, bytes, true);
      bytes += end - start;
      const { size } = await old.stat();
      if (end < size) return { missed: null, place: await createPlace(old, end, rotated), bytes };
    }
    return { missed: null, place: null, bytes };
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return lost(`${rotated} does not exist`);
    if (thrown instanceof Deno.errors.NotCapable) return lost(`read permission for ${rotated} is missing`);
    if (thrown instanceof Deno.errors.PermissionDenied) return lost(`${rotated} cannot be read`);
    throw thrown;
  }
}

/** Which of the rotated files, oldest first, contains the place `from`; null: none. */
async function findOurs(files: readonly string[], from: Place, current: string): Promise<number | null> {
  const wasEmptied = current === from.identity;
  for (const [index, path] of [...files.entries()].reverse()) {
    using old = await Deno.open(path);
    // After a rename it is the file itself; after a copy, another file with the same bytes, and the first was emptied.
    const mayBe = await readIdentity(old) === from.identity || (wasEmptied && (from.offset > 0 || files.length === 1));
    if (mayBe && await matchesMark(old, from)) return index;
  }
  // Before the first byte there is nothing to compare: it is the copy made after the last one that was known then.
  if (!wasEmptied || from.offset > 0) return null;
  const births = await Promise.all(files.map(readBirth)), next = births.indexOf(from.mark) + 1;
  return next < files.length && (next > 0 || from.mark === noFile) ? next : null;
}

async function readRest(
  file: Deno.FsFile,
  offset: number,
  follow: Follow,
  bytesBefore: number,
  missed: string | null,
): Promise<Reading> {
  const end = await readLinesOf(file, offset, follow, bytesBefore, false);
  const { size } = await file.stat();
  // A last line without its line break does not count: it is still being written.
  const behindBytes = follow.isEnough(bytesBefore + end - offset) ? Math.max(0, size - end) : 0;
  return { place: await createPlace(file, end, follow.rotated), behindBytes, missed };
}

async function readLinesOf(
  file: Deno.FsFile,
  from: number,
  { encoding, isEnough, onLine }: Follow,
  bytesBefore: number,
  isFinished: boolean,
): Promise<number> {
  const found = detectEncoding(await readBytes(file, 0, 8), encoding);
  return await readLines(file, from, {
    encoding: found,
    isGuess: encoding === null && found.label === "utf-8",
    isEnough: (bytes) => isEnough(bytesBefore + bytes),
    onLine,
    isFinished,
  });
}

/** Where the last complete line ends; the rest belongs to a line that is still being written. */
async function findEnd(file: Deno.FsFile, size: number, configured: Encoding | null): Promise<number> {
  const encoding = detectEncoding(await readBytes(file, 0, 8), configured);
  const from = Math.max(0, size - lineMaxBytes), start = from + from % encoding.width;
  const end = findLastLineEnd(await readBytes(file, start, size - start), encoding);
  return end !== null ? start + end : start === 0 ? 0 : size;
}

async function isSameFile(file: Deno.FsFile, from: Place, rotated: string): Promise<boolean> {
  if (await readIdentity(file) !== from.identity || !await matchesMark(file, from)) return false;
  if (from.offset > 0) return true;
  // An empty file has no bytes to compare; a new copy shows that it was written, copied and emptied.
  const last = await readLastBirth(rotated);
  return last === noFile || last === from.mark;
}

/** Whether the bytes before the place are those that were read. */
async function matchesMark(file: Deno.FsFile, { offset, mark }: Place): Promise<boolean> {
  return offset === 0 || ((await file.stat()).size >= offset && await computeMark(file, offset) === mark);
}

async function createPlace(file: Deno.FsFile, offset: number, rotated: string): Promise<Place> {
  const mark = offset === 0 ? await readLastBirth(rotated) : await computeMark(file, offset);
  return { identity: await readIdentity(file), offset, mark };
}

const noFile = "none";

/** Identifies the newest rotated file. Distinguishes files of one name, even where the system reuses an inode. */
async function readLastBirth(rotated: string): Promise<string> {
  try {
    const path = (await listRotated(rotated)).at(-1);
    return path === undefined ? noFile : await readBirth(path);
  } catch (thrown) {
    if (isUnreadable(thrown)) return noFile;
    throw thrown;
  }
}

async function readBirth(path: string): Promise<string> {
  try {
    const { dev, ino, birthtime } = await Deno.stat(path);
    return `${dev}:${ino}:${birthtime?.getTime() ?? ""}`;
  } catch (thrown) {
    if (isUnreadable(thrown)) return noFile;
    throw thrown;
  }
}

function isUnreadable(thrown: unknown): boolean {
  return thrown instanceof Deno.errors.NotFound || thrown instanceof Deno.errors.NotCapable ||
    thrown instanceof Deno.errors.PermissionDenied;
}

async function readIdentity(file: Deno.FsFile): Promise<string> {
  const { dev, ino } = await file.stat();
  return `${dev}:${ino}`;
}

async function computeMark(file: Deno.FsFile, offset: number): Promise<string> {
  const length = Math.min(offset, markBytes);
  const digest = await crypto.subtle.digest("SHA-256", await readBytes(file, offset - length, length));
  return new Uint8Array(digest).toHex();
}

/** Returns fewer bytes when the file ends earlier. */
async function readBytes(file: Deno.FsFile, at: number, length: number): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(length);
  await file.seek(at, Deno.SeekMode.Start);
  let filled = 0;
  while (filled < length) {
    const read = await file.read(bytes.subarray(filled));
    if (read === null) break;
    filled += read;
  }
  return bytes.subarray(0, filled);
}
