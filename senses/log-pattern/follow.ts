/**
 * Follows a log file from one reading to the next, across rotations. Used by index.ts.
 * A place in a file is stored with the file's identity and a digest of the bytes before it. This detects that the file
 * was replaced (rename and create) or emptied (copy and truncate), even when it has since grown past the old place.
 * Not detected: a file that was emptied and then received the very same bytes again.
 */

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

/** Longer lines are split. */
export const lineMaxBytes = 16_384;
const blockBytes = 128 * 1024, markBytes = 1_024;

export interface Follow {
  readonly file: string;
  /** Where a rotation moves the file's content. */
  readonly rotated: string;
  /** True when the reading must end here; the rest is for the next one. */
  readonly isEnough: (bytesRead: number) => boolean;
  readonly onLine: (line: string) => void;
}

/** The place from which to follow a file for the first time. Throws when the file cannot be opened. */
export async function findFirstPlace(file: string, rotated: string, fromStart: boolean): Promise<Place> {
  using open = await Deno.open(file);
  const { size } = await open.stat();
  return await createPlace(open, fromStart ? 0 : await findLastLineEnd(open, size), rotated);
}

/**
 * Passes the lines since `from` to `onLine`, those of the rotated file first. Throws when the file cannot be opened.
 */
export async function readNewLines(from: Place, follow: Follow): Promise<Reading> {
  using current = await Deno.open(follow.file);
  if (await isSameFile(current, from, follow.rotated)) return await readRest(current, from.offset, follow, 0, null);
  const { missed, place, bytes } = await readRotated(from, await readIdentity(current), follow);
  if (place !== null) {
    // This reading has used up its time or bytes: the new file is for the next one.
    const { size } = await current.stat();
    return { place, behindBytes: size, missed };
  }
  return await readRest(current, 0, follow, bytes, missed);
}

/** `place`: where to continue in the rotated file; null when it was read to its end or is not the file we followed. */
async function readRotated(
  from: Place,
  current: string,
  { rotated, isEnough, onLine }: Follow,
): Promise<{ missed: string | null; place: Place | null; bytes: number }> {
  const lost = (missed: string) => ({ missed, place: null, bytes: 0 });
  try {
    using old = await Deno.open(rotated);
    const identity = await readIdentity(old);
    // After a rename it is the file itself; after a copy another one with the same bytes, and ours was emptied.
    const isOurs = (identity === from.identity || current === from.identity) && await matchesMark(old, from);
    if (!isOurs) return lost(`${rotated} is not the file that was followed`);
    const end = await readLines(old, from.offset, { isEnough, onLine, isFinished: true });
    const { size } = await old.stat();
    return { missed: null, place: end < size ? await createPlace(old, end, rotated) : null, bytes: end - from.offset };
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return lost(`${rotated} does not exist`);
    if (thrown instanceof Deno.errors.NotCapable) return lost(`read permission for ${rotated} is missing`);
    if (thrown instanceof Deno.errors.PermissionDenied) return lost(`${rotated} cannot be read`);
    throw thrown;
  }
}

async function readRest(
  file: Deno.FsFile,
  offset: number,
  { rotated, isEnough, onLine }: Follow,
  bytesBefore: number,
  missed: string | null,
): Promise<Reading> {
  const isEnoughNow = (bytes: number) => isEnough(bytesBefore + bytes);
  const end = await readLines(file, offset, { isEnough: isEnoughNow, onLine, isFinished: false });
  const { size } = await file.stat();
  // A last line without its line break does not count: it is still being written.
  const behindBytes = isEnoughNow(end - offset) ? Math.max(0, size - end) : 0;
  return { place: await createPlace(file, end, rotated), behindBytes, missed };
}

/** Returns the offset after the last complete line; in a finished file, after its last byte. */
async function readLines(
  file: Deno.FsFile,
  from: number,
  { isEnough, onLine, isFinished }: Pick<Follow, "isEnough" | "onLine"> & { isFinished: boolean },
): Promise<number> {
  const block = new Uint8Array(blockBytes);
  let pending = new Uint8Array(), offset = from;
  await file.seek(from, Deno.SeekMode.Start);
  while (!isEnough(offset - from)) {
    const read = await file.read(block);
    if (read === null) {
      if (!isFinished || pending.length === 0) return offset;
      onLine(textOf(pending));
      return offset + pending.length;
    }
    const bytes = new Uint8Array(pending.length + read);
    bytes.set(pending);
    bytes.set(block.subarray(0, read), pending.length);
    let taken = 0;
    while (!isEnough(offset + taken - from)) {
      const length = measureLine(bytes.subarray(taken, taken + lineMaxBytes));
      if (length === null) break;
      onLine(textOf(bytes.subarray(taken, taken + length)));
      taken += length;
    }
    offset += taken;
    pending = bytes.slice(taken);
  }
  return offset;
}

/** Includes the line break; null when the line is not complete yet. */
function measureLine(bytes: Uint8Array): number | null {
  const end = bytes.indexOf(newline);
  return end >= 0 ? end + 1 : bytes.length >= lineMaxBytes ? bytes.length : null;
}

/** Bytes that are not UTF-8 become replacement characters. */
function textOf(line: Uint8Array): string {
  return new TextDecoder().decode(line).replace(/\r?\n$/, "");
}

/** Where the last complete line ends: what follows belongs to a line that is still being written. */
async function findLastLineEnd(file: Deno.FsFile, size: number): Promise<number> {
  const start = Math.max(0, size - lineMaxBytes);
  const end = (await readBytes(file, start, size - start)).lastIndexOf(newline);
  return end >= 0 ? start + end + 1 : start === 0 ? 0 : size;
}

const newline = 10;

async function isSameFile(file: Deno.FsFile, from: Place, rotated: string): Promise<boolean> {
  if (await readIdentity(file) !== from.identity || !await matchesMark(file, from)) return false;
  if (from.offset > 0) return true;
  // For an empty file there are no bytes to compare; a new copy shows that it was written, copied and emptied.
  const last = await readBirth(rotated);
  return last === noFile || last === from.mark;
}

/** Whether the bytes before the place are those that were read. */
async function matchesMark(file: Deno.FsFile, { offset, mark }: Place): Promise<boolean> {
  return offset === 0 || ((await file.stat()).size >= offset && await computeMark(file, offset) === mark);
}

async function createPlace(file: Deno.FsFile, offset: number, rotated: string): Promise<Place> {
  const mark = offset === 0 ? await readBirth(rotated) : await computeMark(file, offset);
  return { identity: await readIdentity(file), offset, mark };
}

const noFile = "none";

/** Distinguishes files of one name, also where the system reuses an inode. */
async function readBirth(path: string): Promise<string> {
  try {
    const { dev, ino, birthtime } = await Deno.stat(path);
    return `${dev}:${ino}:${birthtime?.getTime() ?? ""}`;
  } catch (thrown) {
    const isUnknown = thrown instanceof Deno.errors.NotFound || thrown instanceof Deno.errors.NotCapable ||
      thrown instanceof Deno.errors.PermissionDenied;
    if (isUnknown) return noFile;
    throw thrown;
  }
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

/** Fewer when the file ends earlier. */
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
