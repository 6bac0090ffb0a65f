/** Reads a small file that somebody else may have put there: a pipe would stop its reader, and a huge file fill its memory. */
import { ifPresent, isMissing } from "./if_present.ts";

const smallFileMaxBytes = 4096;

/** Null when there is none, when it is no plain file of at most 4 KiB, or when it may not be read. */
export function readSmallFile(path: string): string | null {
  try {
    const { isFile, size } = Deno.lstatSync(path);
    return isFile && size <= smallFileMaxBytes ? ifPresent(() => Deno.readTextFileSync(path)) : null;
  } catch (thrown) {
    if (thrown instanceof Deno.errors.PermissionDenied || isMissing(thrown)) return null;
    throw thrown;
  }
}
