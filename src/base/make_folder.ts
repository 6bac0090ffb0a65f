/** Makes folders whose parents must exist. */

/**
 * Makes the folder at `path`, accessible to its owner only, if it is missing. Does not make its parents, so that a
 * workspace that was just removed is not made again: throws NotFound when they are missing.
 */
export function makePrivateFolder(path: string): void {
  try {
    Deno.mkdirSync(path, { mode: 0o700 });
  } catch (thrown) {
    if (!(thrown instanceof Deno.errors.AlreadyExists)) throw thrown;
  }
}
