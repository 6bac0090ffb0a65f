/** Detects from the first bytes of an executable which machine it is for. Used by compile.ts. */

/** The targets of `deno compile`. */
export const targets = [
  "x86_64-unknown-linux-gnu",
  "aarch64-unknown-linux-gnu",
  "x86_64-apple-darwin",
  "aarch64-apple-darwin",
  "x86_64-pc-windows-msvc",
] as const;
export type Target = (typeof targets)[number];
/** How many bytes of the file are needed. */
export const headBytes = 4_096;

/** Null when the machine is not one of `targets`, or the file is not an executable. */
export function detectTarget(head: Uint8Array): Target | null {
  const bytes = new Uint8Array(headBytes), view = new DataView(bytes.buffer);
  bytes.set(head.subarray(0, headBytes));
  const first = view.getUint32(0);
  if (first === 0x7f454c46) return elf[view.getUint16(18, true)] ?? null;
  if (first === 0xcffaedfe) return machO[view.getUint32(4, true)] ?? null;
  const portableExecutable = view.getUint32(0x3c, true);
  if (first >>> 16 !== 0x4d5a || portableExecutable > headBytes - 6) return null;
  const isIntel = view.getUint32(portableExecutable) === 0x50450000 &&
    view.getUint16(portableExecutable + 4, true) === 0x8664;
  return isIntel ? "x86_64-pc-windows-msvc" : null;
}

const elf: Readonly<Record<number, Target>> = { 0x3e: "x86_64-unknown-linux-gnu", 0xb7: "aarch64-unknown-linux-gnu" };
const machO: Readonly<Record<number, Target>> = { 0x1000007: "x86_64-apple-darwin", 0x100000c: "aarch64-apple-darwin" };
