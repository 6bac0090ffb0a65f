/**
 * Folders that survive a power cut: a new entry is durable only once its parent folder is synced.
 * Used by archive_file.ts, blob_store.ts and backup.ts; also in the sandbox, for the blob folder.
 */
import { dirname } from "node:path";

/** Makes the folder and its missing parents, readable by this user only, and waits until each is on disk. */
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

/** Resolves when all creations, renames and removals in the folder are on disk. */
export async function syncFolder(path: string): Promise<void> {
  using folder = await Deno.open(path);
  await folder.sync();
}

/** Syncs the folder and every folder below it. */
export async function syncFolders(path: string): Promise<void> {
  for await (const { name, isDirectory } of Deno.readDir(path)) if (isDirectory) await syncFolders(`${path}/${name}`);
  await syncFolder(path);
}
