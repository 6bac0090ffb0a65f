/** Which file or folder a path leads to: another one may take the place of what was there before. */
import { isMissing } from "./if_present.ts";

/** Equal for the same file or folder only; null when there is none. Inodes are used again, births are not. */
export function identifyFile(path: string): string | null {
  try {
    const { dev, ino, birthtime } = Deno.statSync(path);
    return `${dev} ${ino} ${birthtime?.getTime()}`;
  } catch (thrown) {
    if (isMissing(thrown)) return null;
    throw thrown;
  }
}

/** Tells files apart that exist at the same time; null when there is none. */
export function readInode(path: string): number | null {
  try {
    return Deno.statSync(path).ino;
  } catch (thrown) {
    if (isMissing(thrown)) return null;
    throw thrown;
  }
}
