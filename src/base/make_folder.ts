/** Folders below those that must exist. */

/**
 * Makes the folder at `path`, for its owner alone, where there is none; not the folders around it: a workspace that was
 * just removed is not made again. Throws NotFound where those are missing.
 */
export function makePrivateFolder(path: string): void {
  try {
    Deno.mkdirSync(path, { mode: 0o700 });
  } catch (thrown) {
    if (!(thrown instanceof Deno.errors.AlreadyExists)) throw thrown;
  }
}
