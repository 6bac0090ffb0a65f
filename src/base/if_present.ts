/**
 * Reads what may be absent: a missing file, folder or process is a result; every other failure throws.
 */

/** Whether the error says that a file or folder does not exist. */
export function isMissing(thrown: unknown): boolean {
  return thrown instanceof Deno.errors.NotFound || thrown instanceof Deno.errors.NotADirectory;
}

/** The same for a process, whose entry in /proc may vanish while it is read. */
export function isGoneProcess(thrown: unknown): boolean {
  return thrown instanceof Deno.errors.NotFound || /ESRCH|No such process/.test(String(thrown));
}

/** The result of `read`; null when the file or folder does not exist. */
export function ifPresent<T>(read: () => T): T | null {
  try {
    return read();
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return null;
    throw thrown;
  }
}

/** `ifPresent` for an asynchronous `read`. */
export async function ifPresentAsync<T>(read: () => Promise<T>): Promise<T | null> {
  try {
    return await read();
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return null;
    throw thrown;
  }
}
