/** Advisory locks on open files. */

/**
 * Releases the lock, then closes the file. After closing alone, a child that another thread has just forked would hold
 * the lock until it runs its program.
 */
export function unlockAndClose(file: Deno.FsFile): void {
  file.unlockSync();
  file.close();
}
