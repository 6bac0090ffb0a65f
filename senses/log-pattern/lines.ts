/**
 * Splits the bytes of a log into lines. Used by follow.ts.
 * I1. Each byte is read once: the place after a line is where the next one begins.
 * I2. A line that is not complete is not passed on, unless the file is finished.
 */

/** How the characters of a file are encoded. */
export interface Encoding {
  /** The name that TextDecoder uses. */
  readonly label: string;
  /** Bytes of the smallest character. */
  readonly width: 1 | 2;
  /** Whether the byte that is 0 in a line break of two bytes comes first. */
  readonly zeroFirst: boolean;
}

/** Longer lines are split. */
export const lineMaxBytes = 16_384;
const blockBytes = 128 * 1024, newline = 10;

/** Throws a TypeError for an encoding that is not known. */
export function toEncoding(label: string): Encoding {
  try {
    const { encoding } = new TextDecoder(label);
    return { label: encoding, width: encoding.startsWith("utf-16") ? 2 : 1, zeroFirst: encoding === "utf-16be" };
  } catch {
    throw new TypeError(`config.encoding "${label.slice(0, 40)}" is not known: write such as utf-16le or windows-1252`);
  }
}

const packed: readonly (readonly [kind: string, ...bytes: number[]])[] = [
  ["gzip", 0x1f, 0x8b],
  ["zstd", 0x28, 0xb5, 0x2f, 0xfd],
  ["xz", 0xfd, 0x37, 0x7a, 0x58, 0x5a],
  ["bzip2", 0x42, 0x5a, 0x68],
];

/**
 * Detects the encoding by the byte order mark, else as configured, else UTF-8. Throws an Error with a remedy for a file
 * that cannot be read as text. `head`: the first bytes of the file.
 */
export function detectEncoding(head: Uint8Array, configured: Encoding | null): Encoding {
  const starts = (...bytes: number[]) => bytes.every((byte, at) => head[at] === byte);
  const kind = packed.find(([, ...bytes]) => starts(...bytes))?.[0];
  if (kind !== undefined) {
    throw new Error(`it is packed (${kind}): let the rotation pack only older files (delaycompress)`);
  }
  if (starts(0xff, 0xfe, 0, 0) || starts(0, 0, 0xfe, 0xff)) {
    throw new Error("it is UTF-32, which this sense does not read");
  }
  if (starts(0xff, 0xfe)) return toEncoding("utf-16le");
  if (starts(0xfe, 0xff)) return toEncoding("utf-16be");
  if (starts(0xef, 0xbb, 0xbf)) return toEncoding("utf-8");
  return configured ?? toEncoding("utf-8");
}

/** UTF-16 or UTF-32 without a mark would look like a log in which no pattern ever matches. */
function refuseUnmarked(bytes: Uint8Array): void {
  const units = Math.min(512, Math.floor(bytes.length / 4)), zeros = [0, 0, 0, 0];
  if (units < 4) return;
  for (let at = 0; at < 4 * units; at++) if (bytes[at] === 0) zeros[at % 4] = (zeros[at % 4] ?? 0) + 1;
  const [first = 0, second = 0, third = 0, fourth = 0] = zeros.map((count) => count / units);
  const [even, odd] = [(first + third) / 2, (second + fourth) / 2];
  if (Math.max(even, odd) >= 0.4 && Math.min(even, odd) <= 0.1) {
    throw new Error("it looks like UTF-16 without a mark: set encoding to utf-16le or utf-16be");
  }
  if ([second, third].every((share) => share > 0.9) && Math.max(first, fourth) > 0.9 && Math.min(first, fourth) < 0.1) {
    throw new Error("it looks like UTF-32, which this sense does not read");
  }
}

export interface LineReading {
  readonly encoding: Encoding;
  /** Whether the encoding is a guess. */
  readonly isGuess: boolean;
  /** True when the reading must stop here. Bytes of holes do not count. */
  readonly isEnough: (bytesRead: number) => boolean;
  readonly onLine: (line: string) => void;
  /** Whether nothing will be added to the file. */
  readonly isFinished: boolean;
}

/** Returns the offset after the last complete line; in a finished file, after its last byte. */
export async function readLines(file: Deno.FsFile, from: number, reading: LineReading): Promise<number> {
  const { encoding, isEnough, onLine, isFinished } = reading;
  const block = new Uint8Array(blockBytes), decoder = new TextDecoder(encoding.label);
  const pass = (bytes: Uint8Array) => onLine(decoder.decode(bytes).replace(/\r?\n$/, ""));
  let pending = new Uint8Array(), offset = from - from % encoding.width, skipped = 0, isFirst = reading.isGuess;
  const count = (taken: number) => offset + taken - from - skipped;
  await file.seek(offset, Deno.SeekMode.Start);
  while (!isEnough(count(0))) {
    const read = await file.read(block);
    if (read === null) {
      if (!isFinished || pending.length === 0) return offset;
      pass(pending);
      return offset + pending.length;
    }
    const bytes = new Uint8Array(pending.length + read);
    bytes.set(pending);
    bytes.set(block.subarray(0, read), pending.length);
    let taken = 0;
    for (;;) {
      const hole = measureHole(bytes, taken, encoding);
      taken += hole;
      skipped += hole;
      if (isFirst && taken < bytes.length) {
        refuseUnmarked(bytes.subarray(taken));
        isFirst = false;
      }
      if (isEnough(count(taken))) break;
      const length = measureLine(bytes.subarray(taken, taken + lineMaxBytes), encoding);
      if (length === null) break;
      pass(bytes.subarray(taken, taken + length));
      taken += length;
    }
    offset += taken;
    pending = bytes.slice(taken);
  }
  return offset;
}

/**
 * The length of a run of zeros where a line should begin: a writer that keeps its place in a file that was emptied
 * leaves a hole before its next line.
 */
function measureHole(bytes: Uint8Array, from: number, { width }: Encoding): number {
  let at = from;
  while (at < bytes.length && bytes[at] === 0) at++;
  const length = at - from;
  // In UTF-16 the last zero may belong to the first letter.
  return length - length % width;
}

/** The length of the first line with its line break; null when the line is not complete yet. */
function measureLine(bytes: Uint8Array, { label, width, zeroFirst }: Encoding): number | null {
  let end = bytes.indexOf(newline);
  if (width === 2) {
    const at = zeroFirst ? 1 : 0;
    while (end >= 0 && (end % 2 !== at || bytes[zeroFirst ? end - 1 : end + 1] !== 0)) {
      end = bytes.indexOf(newline, end + 1);
    }
    if (end >= 0 && !zeroFirst) end++;
  }
  return end >= 0 ? end + 1 : bytes.length >= lineMaxBytes ? bytes.length - measureCut(bytes, label) : null;
}

/** The number of bytes at the end that begin one more character. */
function measureCut(bytes: Uint8Array, label: string): number {
  if (label !== "utf-8") return 0;
  const [last = 0, second = 0, third = 0] = bytes.slice(-3).reverse();
  return last >= 0xc0 ? 1 : second >= 0xe0 ? 2 : third >= 0xf0 ? 3 : 0;
}

/** Where the last complete line ends; null when there is none. `bytes` begin where a character does. */
export function findLastLineEnd(bytes: Uint8Array, { width, zeroFirst }: Encoding): number | null {
  for (let end = bytes.lastIndexOf(newline); end >= 0; end = end === 0 ? -1 : bytes.lastIndexOf(newline, end - 1)) {
    if (width === 1) return end + 1;
    const isBreak = zeroFirst ? end % 2 === 1 && bytes[end - 1] === 0 : end % 2 === 0 && bytes[end + 1] === 0;
    if (isBreak) return zeroFirst ? end + 1 : end + 2;
  }
  return null;
}
