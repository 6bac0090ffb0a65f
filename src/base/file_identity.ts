/** Identifies the file or folder at a path, to detect that another one has replaced it. */
import { isMissing } from "./if_present.ts";

/** Equal only for the same file or folder; null when there is none. Inodes are reused, birth times are not. */
export function identifyFile(path: string): string | null {
  try {
    const { dev, ino, birthtime } = Deno.statSync(path);
    return `${dev} ${ino} ${birthtime?.getTime()}`;
  } catch (thrown) {
    if (isMissing(thrown)) return null;
    throw thrown;
  }
}

/** Distinguishes files that exist at the same time; null when there is none. */
export function readInode(path: string): number | null {
  try {
    return Deno.statSync(path).ino;
  } catch (thrown) {
    if (isMissing(thrown)) return null;
    throw thrown;
  }
}
