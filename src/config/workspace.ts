/**
 * Finds the workspace and every path in it. Used by the kernel and by every command.
 * I1. Two spellings of one workspace give the same paths: every path derives from its real path.
 * I2. Every socket path is at most 107 bytes, the most that the system can bind.
 * I3. The paths depend on the workspace, the user and the machine, not on how a program was started: the daemon and a
 *     command find the same socket.
 */
import { basename, dirname, isAbsolute, join, resolve } from "node:path";
import { NerveError } from "../base/errors.ts";
import { ifPresent, isMissing } from "../base/if_present.ts";
import { nameMaxChars } from "../base/limits.ts";
import { byteLength } from "../protocol/json.ts";

export const configFileName = "nerve.yaml";
export const workspaceVariable = "NERVE_WORKSPACE";
/** A longer path cannot be bound: sockaddr_un holds 108 bytes, including the final zero. */
export const socketPathMaxBytes = 107;
/** The longest name in the runtime folder, so that I2 holds. */
export const runtimeNameMaxBytes = 32;

/** SQLite opens no path over 512 bytes, and reserves 8 of them for suffixes such as `-journal`. */
export const workspacePathMaxBytes = 512 - 8 - `/data/senses/${"x".repeat(nameMaxChars)}.db`.length;

export interface FoundWorkspace {
  /** The real, absolute path. */
  readonly root: string;
  readonly foundBy: "flag" | "env" | "folder" | "home";
}

/**
 * The workspace of a command: `flag` (--workspace), else `env` ($NERVE_WORKSPACE), else the nearest folder from `cwd`
 * upward with a nerve.yaml, else `~/.nerve`. An empty `env` counts as unset.
 * Throws NerveError WORKSPACE_MISSING when that folder has no nerve.yaml, or its path is too long for databases.
 */
export async function findWorkspace(where: {
  flag: string | null;
  env: string | null;
  cwd: string;
  home: string | null;
}): Promise<FoundWorkspace> {
  const { flag, env, cwd, home } = where;
  if (flag !== null) return await requireWorkspace(resolve(cwd, flag), "flag", "--workspace");
  if (env !== null && env !== "") return await requireWorkspace(resolve(cwd, env), "env", `$${workspaceVariable}`);
  for (let folder = resolve(cwd), below = ""; folder !== below; below = folder, folder = dirname(folder)) {
    if (await holdsConfig(folder)) return { root: await resolveRoot(folder), foundBy: "folder" };
  }
  if (home !== null && await holdsConfig(join(home, ".nerve"))) {
    return { root: await resolveRoot(join(home, ".nerve")), foundBy: "home" };
  }
  throw new NerveError("WORKSPACE_MISSING", `there is no ${configFileName} in ${cwd}, above it, or in ~/.nerve`, {
    hint: "nerve init makes a workspace here; --workspace DIR names another",
  });
}

async function requireWorkspace(folder: string, foundBy: "flag" | "env", named: string): Promise<FoundWorkspace> {
  if (await holdsConfig(folder)) return { root: await resolveRoot(folder), foundBy };
  throw new NerveError("WORKSPACE_MISSING", `${named} names ${folder}, which holds no ${configFileName}`, {
    hint: `nerve init ${folder}`,
  });
}

/** Deno opens nothing in these folders to a sandbox, whatever is granted: they can hold neither code nor sockets. */
const closedFolders = /^\/(?:dev|proc|sys)(?:\/|$)/;

async function resolveRoot(folder: string): Promise<string> {
  const root = await Deno.realPath(folder), bytes = byteLength(root);
  const closed = closedFolders.exec(root);
  if (closed !== null) {
    throw new NerveError("WORKSPACE_MISSING", `no sense or workflow can run in ${root}`, {
      hint: `move it: Deno opens nothing below ${closed[0].replace(/\/$/, "")} in a sandbox`,
    });
  }
  if (bytes <= workspacePathMaxBytes) return root;
  const message = `the path of the workspace is ${bytes} bytes long: ${root}`;
  throw new NerveError("WORKSPACE_MISSING", message, {
    hint: `move it: SQLite needs a path of at most ${workspacePathMaxBytes} bytes`,
  });
}

async function holdsConfig(folder: string): Promise<boolean> {
  try {
    return (await Deno.stat(join(folder, configFileName))).isFile;
  } catch (thrown) {
    if (isMissing(thrown)) return false;
    throw new NerveError("WORKSPACE_MISSING", `cannot read ${folder}`, {
      hint: "make it readable to this user, or name another folder with --workspace",
      cause: thrown,
    });
  }
}

/** What the paths depend on besides the workspace. */
export interface Host {
  readonly uid: number;
  /** The user's private folder for sockets; null when there is none. */
  readonly runtimeDir: string | null;
  readonly tempDir: string;
  /** The user's folders for sockets in temp folders, by preference; default: `nerve-UID` in `tempDir`, then in /tmp. */
  readonly privateFolders?: readonly string[];
}

/**
 * `$XDG_RUNTIME_DIR`, or /run/user/UID where the variable is not set (cron, sudo -u): otherwise a daemon and a command
 * with different environments would use different folders. A folder that another user owns or may write to does not
 * count, nor does one that is closed to sandboxes.
 */
export function readHost(env: (name: string) => string | undefined = (name) => Deno.env.get(name)): Host {
  const uid = Deno.uid() ?? 0;
  const candidates = [env("XDG_RUNTIME_DIR"), `/run/user/${uid}`];
  const runtimeDir = candidates.find((folder) => folder !== undefined && isOwnFolder(folder, uid)) ?? null;
  const named = env("TMPDIR") ?? "", isUsable = isAbsolute(named) && !closedFolders.test(resolve(named));
  const tempDir = isUsable ? resolve(named) : "/tmp";
  const usual = listPrivateFolders(uid, tempDir), privateFolders = usual.map((folder) => passForeign(folder, uid));
  const passed = privateFolders.some((folder, at) => folder !== usual[at]);
  return { uid, runtimeDir, tempDir, ...passed && { privateFolders } };
}

function listPrivateFolders(uid: number, tempDir: string): string[] {
  return [join(tempDir, `nerve-${uid}`), `/tmp/nerve-${uid}`];
}

/** A suffix that no one can guess: no other user can have taken the name beforehand. */
const unguessable = crypto.randomUUID().slice(0, 8);

/**
 * The folder itself, unless another user took its name, as anyone can in /tmp: then the one that this user's processes
 * made instead, or else one that no one has taken. A client finds the daemon's folder by its link (runtime_folder.ts).
 */
function passForeign(folder: string, uid: number): string {
  const there = lookAt(folder), temp = dirname(folder);
  if (there === null || (there.isDirectory && there.uid === uid)) return folder;
  const prefix = `${basename(folder)}.`, names = ifPresent(() => [...Deno.readDirSync(temp)].map(({ name }) => name));
  const own = (names ?? []).filter((name) => name.startsWith(prefix)).sort().map((name) => join(temp, name))
    .find((path) => {
      const info = lookAt(path);
      return info?.isDirectory === true && info.uid === uid && ((info.mode ?? 0) & 0o077) === 0;
    });
  return own ?? join(temp, prefix + unguessable);
}

function lookAt(path: string): Deno.FileInfo | null {
  try {
    return Deno.lstatSync(path);
  } catch (thrown) {
    if (isMissing(thrown) || thrown instanceof Deno.errors.PermissionDenied) return null;
    throw thrown;
  }
}

function isOwnFolder(folder: string, uid: number): boolean {
  if (!isAbsolute(folder) || closedFolders.test(resolve(folder))) return false;
  try {
    const info = Deno.statSync(folder);
    return info.isDirectory && info.uid === uid && ((info.mode ?? 0) & 0o022) === 0;
  } catch {
    // Missing or not accessible: either way it cannot hold a socket.
    return false;
  }
}

export interface WorkspacePaths {
  readonly root: string;
  readonly configFile: string;
  readonly senses: string;
  readonly workflows: string;
  readonly lib: string;
  readonly data: string;
  readonly logDatabase: string;
  readonly senseDatabases: string;
  readonly blobs: string;
  /** Temporary files of units, in a folder for each process. */
  readonly temp: string;
  readonly archive: string;
  /** The transcripts of agent sessions. */
  readonly transcripts: string;
  /** Where workflows may keep what they work on; the only folder of `data/` that can be granted. */
  readonly worktrees: string;
  /** The folder of the daemon's text log, and its file. */
  readonly logs: string;
  readonly textLog: string;
  readonly lockFile: string;
  readonly pidFile: string;
  /** The control socket: in the workspace, or in `runtimeFolder` when its path there would be too long. */
  readonly socket: string;
  /** For the kernel's own sockets; names in it are at most 32 bytes long. `makeRuntimeFolder` makes it. */
  readonly runtimeFolder: string;
  /** The folder of the code `use`, which several senses may share. */
  readonly senseFolder: (use: string) => string;
  readonly senseEntry: (use: string) => string;
  readonly migrations: (use: string) => string;
  /** The source of the types of `nerve/peers/NAME`. */
  readonly senseSchema: (use: string) => string;
  /** The database of the sense `name` alone. */
  readonly senseDatabase: (name: string) => string;
  readonly workflowFolder: (use: string) => string;
  readonly workflowEntry: (use: string) => string;
}

/** Every path of the workspace with the real path `root` (from `findWorkspace`). Does not access the disk below it. */
export function workspacePaths(root: string, host: Host = readHost()): WorkspacePaths {
  const inside = (...parts: string[]) => join(root, ...parts);
  const runtimeFolder = chooseRuntimeFolder(root, host);
  const socket = inside("nerve.sock");
  return {
    root,
    configFile: inside(configFileName),
    senses: inside("senses"),
    workflows: inside("workflows"),
    lib: inside("lib"),
    data: inside("data"),
    logDatabase: inside("data", "logs.db"),
    senseDatabases: inside("data", "senses"),
    blobs: inside("data", "blobs"),
    temp: inside("data", "tmp"),
    archive: inside("data", "archive", "logs"),
    transcripts: inside("data", "sessions"),
    worktrees: inside("data", "worktrees"),
    logs: inside("logs"),
    textLog: inside("logs", "nerve.log"),
    lockFile: inside("nerve.lock"),
    pidFile: inside("nerve.pid"),
    socket: byteLength(socket) <= socketPathMaxBytes ? socket : join(runtimeFolder, "nerve.sock"),
    runtimeFolder,
    senseFolder: (use) => inside("senses", use),
    senseEntry: (use) => inside("senses", use, "index.ts"),
    senseSchema: (use) => inside("senses", use, "schema.ts"),
    migrations: (use) => inside("senses", use, "migrations"),
    senseDatabase: (name) => inside("data", "senses", `${name}.db`),
    workflowFolder: (use) => inside("workflows", use),
    workflowEntry: (use) => inside("workflows", use, "index.ts"),
  };
}

/** `$XDG_RUNTIME_DIR/nerve/HASH`, or `nerve-UID/HASH` in the temp folder, or in /tmp if that path is too long. */
function chooseRuntimeFolder(root: string, host: Host): string {
  const hash = hashPath(root);
  const bases = [...host.privateFolders ?? listPrivateFolders(host.uid, host.tempDir)], last = bases.at(-1) ?? "";
  if (host.runtimeDir !== null) bases.unshift(join(host.runtimeDir, "nerve"));
  const fits = (base: string) => byteLength(join(base, hash)) + 1 + runtimeNameMaxBytes <= socketPathMaxBytes;
  return join(bases.find(fits) ?? last, hash);
}

/**
 * FNV-1a, 64 bits, as hex: enough to distinguish one user's workspaces. Loading node:crypto would cost every command
 * 20 ms, a fifth of its time.
 */
function hashPath(text: string): string {
  let hash = 0xcbf29ce484222325n;
  for (const byte of new TextEncoder().encode(text)) {
    hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n);
  }
  return hash.toString(16).padStart(16, "0");
}
