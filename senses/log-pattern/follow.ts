/**
 * Follows a log file from one reading to the next across its rotations. Used by index.ts.
 * A place in a file is remembered with the file's identity and a digest of the bytes before it. So it is noticed when the
 * file was replaced (rename and create), emptied (copy and truncate), also when it has since grown past the old place.
 * Not noticed: one that was emptied and then got the very bytes again which it had before the place.
 */

export interface Place {
  /** Device and inode. */
  readonly identity: string;
  readonly offset: number;
  /** Digest of the bytes before the offset, at most `markBytes` of them; at the beginning, which file was rotated last. */
  readonly mark: string;
}

export interface Reading {
  /** Where the next reading goes on. */
  readonly place: Place;
  /** Bytes that were there and are left to the next reading. */
  readonly behindBytes: number;
  /** Why lines before this reading were not seen; null when none are missing. */
  readonly missed: string | null;
}

/** Longer lines are cut into several. */
export const lineMaxBytes = 16_384;
const blockBytes = 128 * 1024, markBytes = 1_024;

export interface Follow {
  readonly file: string;
  /** Where the file's content goes when it is rotated. */
  readonly rotated: string;
  /** True when the reading must end here: what is left is for the next one. */
  readonly isEnough: (bytesRead: number) => boolean;
  readonly onLine: (line: string) => void;
}

/** The place from which to follow a file for the first time. Throws when the file cannot be opened. */
export async function firstPlace(file: string, rotated: string, fromStart: boolean): Promise<Place> {
  using open = await Deno.open(file);
  const { size } = await open.stat();
  return await placeAt(open, fromStart ? 0 : await lastLineEnd(open, size), rotated);
}

/** Hands the lines since `from` to `onLine`, those of the rotated file first. Throws when the file cannot be opened. */
export async function readOn(from: Place, follow: Follow): Promise<Reading> {
  using current = await Deno.open(follow.file);
  if (await goesOn(current, from, follow.rotated)) return await readRest(current, from.offset, follow, 0, null);
  const { missed, place, bytes } = await readRotated(from, await identityOf(current), follow);
  if (place !== null) {
    // The time or the bytes for one reading are used up: the new file waits.
    const { size } = await current.stat();
    return { place, behindBytes: size, missed };
  }
  return await readRest(current, 0, follow, bytes, missed);
}

/** `place`: where to go on in the rotated file, or null when it is read to its end, or is not the one we followed. */
async function readRotated(
  from: Place,
  current: string,
  { rotated, isEnough, onLine }: Follow,
): Promise<{ missed: string | null; place: Place | null; bytes: number }> {
  const lost = (missed: string) => ({ missed, place: null, bytes: 0 });
  try {
    using old = await Deno.open(rotated);
    const identity = await identityOf(old);
    // Renamed, it is the very file; copied, another one with the same bytes, and the one we followed was emptied.
    const isOurs = (identity === from.identity || current === from.identity) && await holds(old, from);
    if (!isOurs) return lost(`${rotated} is not the file that was followed until now`);
    const end = await readLines(old, from.offset, { isEnough, onLine, isFinished: true });
    const { size } = await old.stat();
    return { missed: null, place: end < size ? await placeAt(old, end, rotated) : null, bytes: end - from.offset };
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return lost(`${rotated} is not there`);
    if (thrown instanceof Deno.errors.NotCapable) return lost(`the permission read of ${rotated} is missing`);
    if (thrown instanceof Deno.errors.PermissionDenied) return lost(`${rotated} may not be read`);
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
  // A last line without its end is not behind: it is still being written.
  const behindBytes = isEnoughNow(end - offset) ? Math.max(0, size - end) : 0;
  return { place: await placeAt(file, end, rotated), behindBytes, missed };
}

/** Returns the offset behind the last whole line; of a finished file, behind its last byte. */
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
      const length = lineLength(bytes.subarray(taken, taken + lineMaxBytes));
      if (length === null) break;
      onLine(textOf(bytes.subarray(taken, taken + length)));
      taken += length;
    }
    offset += taken;
    pending = bytes.slice(taken);
  }
  return offset;
}

/** With its end; null when the line is not whole yet. */
function lineLength(bytes: Uint8Array): number | null {
  const end = bytes.indexOf(newline);
  return end >= 0 ? end + 1 : bytes.length >= lineMaxBytes ? bytes.length : null;
}

/** Bytes that are no UTF-8 become replacement characters. */
function textOf(line: Uint8Array): string {
  return new TextDecoder().decode(line).replace(/\r?\n$/, "");
}

/** Where the last whole line ends: what stands behind it belongs to a line that is still being written. */
async function lastLineEnd(file: Deno.FsFile, size: number): Promise<number> {
  const start = Math.max(0, size - lineMaxBytes);
  const end = (await bytesAt(file, start, size - start)).lastIndexOf(newline);
  return end >= 0 ? start + end + 1 : start === 0 ? 0 : size;
}

const newline = 10;

async function goesOn(file: Deno.FsFile, from: Place, rotated: string): Promise<boolean> {
  if (await identityOf(file) !== from.identity || !await holds(file, from)) return false;
  if (from.offset > 0) return true;
  // No bytes tell whether a file that was empty was written, copied and emptied again: only that there is a new copy.
  const last = await birthOf(rotated);
  return last === noFile || last === from.mark;
}

/** Whether the bytes before the place are the ones that were read. */
async function holds(file: Deno.FsFile, { offset, mark }: Place): Promise<boolean> {
  return offset === 0 || ((await file.stat()).size >= offset && await markAt(file, offset) === mark);
}

async function placeAt(file: Deno.FsFile, offset: number, rotated: string): Promise<Place> {
  const mark = offset === 0 ? await birthOf(rotated) : await markAt(file, offset);
  return { identity: await identityOf(file), offset, mark };
}

const noFile = "none";

/** Tells one file from the next of the same name, also where the system uses an inode again. */
async function birthOf(path: string): Promise<string> {
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

async function identityOf(file: Deno.FsFile): Promise<string> {
  const { dev, ino } = await file.stat();
  return `${dev}:${ino}`;
}

async function markAt(file: Deno.FsFile, offset: number): Promise<string> {
  const length = Math.min(offset, markBytes);
  const digest = await crypto.subtle.digest("SHA-256", await bytesAt(file, offset - length, length));
  return new Uint8Array(digest).toHex();
}

/** Fewer when the file ends before. */
async function bytesAt(file: Deno.FsFile, at: number, length: number): Promise<Uint8Array<ArrayBuffer>> {
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
