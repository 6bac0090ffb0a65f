/**
 * Private folders for sockets. Other users may write to the parent folder (/tmp), so each folder is checked after it
 * was made, and clients check it before they connect.
 */
import { basename, dirname, join } from "node:path";
import { NerveError } from "../base/errors.ts";
import { ifPresent, isMissing } from "../base/if_present.ts";
import { byteLength } from "../protocol/json.ts";
import { runtimeNameMaxBytes, socketPathMaxBytes, type WorkspacePaths } from "./workspace.ts";

const privateMode = 0o700;

/** Makes `paths.runtimeFolder` and the folder above it, both private. Throws like `checkPrivateFolder`. */
export function makeRuntimeFolder({ runtimeFolder }: Pick<WorkspacePaths, "runtimeFolder">): string {
  for (const folder of [dirname(runtimeFolder), runtimeFolder]) makePrivateFolder(folder);
  return runtimeFolder;
}

/** A folder for the sockets of processes. */
export interface SocketFolder {
  readonly path: string;
  /** Makes it if it is missing. Throws when it cannot be made, or is not private. */
  prepare(): void;
}

/**
 * Where the kernel puts the sockets of its processes, in order of preference. The system removes a user's runtime
 * directory at the last logout. A daemon that stays then uses a folder in `data/`, unless its path is too long.
 */
export function listSocketFolders(paths: WorkspacePaths): SocketFolder[] {
  const own = join(paths.data, "run"), runtime = paths.runtimeFolder;
  const folders: SocketFolder[] = [{ path: runtime, prepare: () => void makeRuntimeFolder(paths) }];
  if (byteLength(own) + 1 + runtimeNameMaxBytes <= socketPathMaxBytes) {
    folders.push({ path: own, prepare: () => makePrivateFolder(own) });
  }
  return folders;
}

/** For clients: throws unless they can trust the control socket, which no other user may have put there. */
export function checkSocketFolder(paths: WorkspacePaths): void {
  if (dirname(paths.socket) !== paths.runtimeFolder) return;
  for (const folder of [dirname(paths.runtimeFolder), paths.runtimeFolder]) checkPrivateFolder(folder);
}

/**
 * For the daemon, once its socket is bound: leaves a link to it in the workspace if the socket is elsewhere. Commands
 * with another runtime directory, such as those of cron, find it there. Returns a function that removes the link.
 */
export function linkSocket(paths: WorkspacePaths): () => void {
  if (dirname(paths.socket) !== paths.runtimeFolder) return () => {};
  const link = socketLink(paths);
  const remove = () => {
    if (readLink(link) === paths.socket) Deno.removeSync(link);
  };
  // A link that a killed daemon left behind.
  if (readLink(link) !== null) Deno.removeSync(link);
  Deno.symlinkSync(paths.socket, link);
  return remove;
}

/** For clients: the paths with the socket and the runtime folder of the daemon that has left a link. */
export function followSocketLink(paths: WorkspacePaths): WorkspacePaths {
  if (dirname(paths.socket) !== paths.runtimeFolder) return paths;
  const socket = readLink(socketLink(paths));
  if (socket === null || basename(socket) !== basename(paths.socket)) return paths;
  // A socket of another user does not count: `checkSocketFolder` would refuse its folder.
  try {
    const { isSocket, uid } = Deno.lstatSync(socket);
    return isSocket && uid === Deno.uid() ? { ...paths, socket, runtimeFolder: dirname(socket) } : paths;
  } catch (thrown) {
    // The socket is gone, or its folder belongs to another user.
    if (isMissing(thrown) || thrown instanceof Deno.errors.PermissionDenied) return paths;
    throw thrown;
  }
}

function socketLink({ root }: WorkspacePaths): string {
  return join(root, "nerve.sock");
}

function readLink(path: string): string | null {
  return ifPresent(() => Deno.lstatSync(path))?.isSymlink === true ? Deno.readLinkSync(path) : null;
}

function makePrivateFolder(folder: string): void {
  try {
    Deno.mkdirSync(folder, { mode: privateMode });
  } catch (thrown) {
    // The folder exists: the check shows whether we or another user made it.
    if (!(thrown instanceof Deno.errors.AlreadyExists)) {
      throw new NerveError("FOLDER_UNSAFE", `cannot make the folder ${folder}`, {
        hint: "set XDG_RUNTIME_DIR to a folder that you own",
        cause: thrown,
      });
    }
  }
  checkPrivateFolder(folder);
}

/**
 * Throws NerveError FOLDER_UNSAFE unless `folder` is a real folder (not a symbolic link), owned by this user, that no
 * other user may enter.
 */
export function checkPrivateFolder(folder: string): void {
  const refuse = (why: string, cause?: unknown) => {
    return new NerveError("FOLDER_UNSAFE", `${folder} ${why}`, {
      hint: `check who made it, then remove it: rm -r ${folder}`,
      cause,
    });
  };
  let info: Deno.FileInfo;
  try {
    info = Deno.lstatSync(folder);
  } catch (thrown) {
    throw refuse("cannot be read", thrown);
  }
  if (!info.isDirectory) throw refuse("is not a folder");
  if (info.uid !== Deno.uid()) throw refuse(`belongs to another user (uid ${info.uid})`);
  if (((info.mode ?? 0o777) & 0o077) !== 0) throw refuse("is open to other users: its mode is not 0700");
}
