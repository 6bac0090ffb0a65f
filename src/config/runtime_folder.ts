/**
 * Folders that only this user may enter, for sockets. Others on the machine may write to the folder above (/tmp), so
 * each is checked after it was made, and whoever connects checks it as well.
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

/** For who connects: the control socket is trusted only where nobody else could have put it. */
export async function checkSocketFolder(paths: WorkspacePaths): Promise<void> {
  if (dirname(paths.socket) !== paths.runtimeFolder) return;
  for (const folder of [dirname(paths.runtimeFolder), paths.runtimeFolder]) await checkPrivateFolder(folder);
}

async function makePrivateFolder(folder: string): Promise<void> {
  try {
    await Deno.mkdir(folder, { mode: privateMode });
  } catch (thrown) {
    // Made before, by us or by somebody else: the check tells which.
    if (!(thrown instanceof Deno.errors.AlreadyExists)) {
      throw new NerveError("FOLDER_UNSAFE", `Cannot make the folder ${folder}`, {
        hint: "set XDG_RUNTIME_DIR to a folder of yours",
        cause: thrown,
      });
    }
  }
  await checkPrivateFolder(folder);
}

/**
 * Throws NerveError FOLDER_UNSAFE unless `folder` is a real folder, not a symbolic link, owned by this user, that
 * nobody else may enter.
 */
export async function checkPrivateFolder(folder: string): Promise<void> {
  const refuse = (why: string, cause?: unknown) => {
    return new NerveError("FOLDER_UNSAFE", `${folder} ${why}`, {
      hint: `look at who made it, then remove it: rm -r ${folder}`,
      cause,
    });
  };
  let info: Deno.FileInfo;
  try {
    info = await Deno.lstat(folder);
  } catch (thrown) {
    throw refuse("cannot be looked at", thrown);
  }
  if (!info.isDirectory) throw refuse("is not a folder");
  if (info.uid !== Deno.uid()) throw refuse(`belongs to another user (uid ${info.uid})`);
  if (((info.mode ?? 0o777) & 0o077) !== 0) throw refuse("may be entered by others: its mode is not 0700");
}
