/**
 * Reads what may not be there: a missing file, folder or process is an answer, every other failure an exception.
 */

/** Whether the system said that there is no such file or folder. */
export function isMissing(thrown: unknown): boolean {
  return thrown instanceof Deno.errors.NotFound || thrown instanceof Deno.errors.NotADirectory;
}

/** The same of a process, whose entry in /proc may vanish while it is read. */
export function isGoneProcess(thrown: unknown): boolean {
  return thrown instanceof Deno.errors.NotFound || /ESRCH|No such process/.test(String(thrown));
}

/** What `read` returns; null when the file or folder is not there. */
export function ifPresent<T>(read: () => T): T | null {
  try {
    return read();
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return null;
    throw thrown;
  }
}

/** `ifPresent` for what is read asynchronously. */
export async function ifPresentAsync<T>(read: () => Promise<T>): Promise<T | null> {
  try {
    return await read();
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return null;
    throw thrown;
  }
}
