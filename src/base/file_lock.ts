/** Advisory locks on open files. */

/**
 * Releases the lock, then closes the file. Closing alone would leave the lock for a moment to a child that another thread
 * has just forked, until it runs its program.
 */
export function unlockAndClose(file: Deno.FsFile): void {
  file.unlockSync();
  file.close();
}
