/**
 * Private folders for sockets. Other users may write to the parent folder (/tmp), so each folder is checked after it
 * was made, and clients check it before they connect.
 */
import { dirname } from "node:path";
import { NerveError } from "../base/errors.ts";
import type { WorkspacePaths } from "./workspace.ts";

const privateMode = 0o700;

/** Makes `paths.runtimeFolder` and the folder above it, both private. Throws like `checkPrivateFolder`. */
export async function makeRuntimeFolder(paths: WorkspacePaths): Promise<string> {
  for (const folder of [dirname(paths.runtimeFolder), paths.runtimeFolder]) await makePrivateFolder(folder);
  return paths.runtimeFolder;
}

/** For clients: they trust the control socket only where no other user could have put it. */
export async function checkSocketFolder(paths: WorkspacePaths): Promise<void> {
  if (dirname(paths.socket) !== paths.runtimeFolder) return;
  for (const folder of [dirname(paths.runtimeFolder), paths.runtimeFolder]) await checkPrivateFolder(folder);
}

async function makePrivateFolder(folder: string): Promise<void> {
  try {
    await Deno.mkdir(folder, { mode: privateMode });
  } catch (thrown) {
    // It exists: the check tells whether we or another user made it.
    if (!(thrown instanceof Deno.errors.AlreadyExists)) {
      throw new NerveError("FOLDER_UNSAFE", `cannot make the folder ${folder}`, {
        hint: "set XDG_RUNTIME_DIR to a folder that you own",
        cause: thrown,
      });
    }
  }
  await checkPrivateFolder(folder);
}

/**
 * Throws NerveError FOLDER_UNSAFE unless `folder` is a real folder (not a symbolic link), owned by this user, that no
 * other user may enter.
 */
export async function checkPrivateFolder(folder: string): Promise<void> {
  const refuse = (why: string, cause?: unknown) => {
    return new NerveError("FOLDER_UNSAFE", `${folder} ${why}`, {
      hint: `check who made it, then remove it: rm -r ${folder}`,
      cause,
    });
  };
  let info: Deno.FileInfo;
  try {
    info = await Deno.lstat(folder);
  } catch (thrown) {
    throw refuse("cannot be read", thrown);
  }
  if (!info.isDirectory) throw refuse("is not a folder");
  if (info.uid !== Deno.uid()) throw refuse(`belongs to another user (uid ${info.uid})`);
  if (((info.mode ?? 0o777) & 0o077) !== 0) throw refuse("is open to other users: its mode is not 0700");
}
