/**
 * Folders that are there after a power cut: a new entry counts only once the folder that holds it is on disk.
 * Used by archive_file.ts, blob_store.ts and backup.ts; also inside the sandbox, for the folder of blobs.
 */
import { dirname } from "node:path";

/** Makes the folder and those above it that are missing, for this user only, and waits until each is on disk. */
export async function makeFolderDurably(path: string): Promise<void> {
  try {
    await Deno.mkdir(path, { mode: 0o700 });
  } catch (thrown) {
    if (thrown instanceof Deno.errors.AlreadyExists) return;
    if (!(thrown instanceof Deno.errors.NotFound)) throw thrown;
    await makeFolderDurably(dirname(path));
    return await makeFolderDurably(path);
  }
  await syncFolder(dirname(path));
}

/** Resolves when what was made, renamed and removed in the folder is on disk. */
export async function syncFolder(path: string): Promise<void> {
  using folder = await Deno.open(path);
  await folder.sync();
}

/** The same for every folder below it as well. */
export async function syncFolders(path: string): Promise<void> {
  for await (const { name, isDirectory } of Deno.readDir(path)) if (isDirectory) await syncFolders(`${path}/${name}`);
  await syncFolder(path);
}
