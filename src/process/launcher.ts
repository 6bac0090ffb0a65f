/**
 * Starts a process of the same executable and connects to its shim and its worker (sandbox/shim.ts). Used only by
 * unit_process.ts. Works the same under `deno run` and in a compiled binary.
 */
import { basename, dirname } from "node:path";
import { protocolLineMaxBytes } from "../base/limits.ts";
import { makePrivateFolder } from "../base/make_folder.ts";
import { describeSystemError } from "../base/os_error.ts";
import { markVariable } from "../base/program_mark.ts";
import {
  buildSelfArguments,
  findDenoCache,
  findOwnProgram,
  ownLock,
  ownPackages,
  smallHeap,
} from "../base/self_exec.ts";
import { LineChannel } from "../protocol/line_channel.ts";
import type { SandboxPermissions } from "../protocol/confinement.ts";
import type { ProcessSpec, ToProcess } from "../protocol/message.ts";
import type { DiskQuota } from "./disk_quota.ts";
import { applyFollowed, followGrants, holdRules, type JudgedGrants } from "./followed_grants.ts";
import { GrantWatch } from "./grant_watch.ts";
import type { Isolation } from "./isolation.ts";
import { formatOwnMark } from "./program_ends.ts";
import { buildUnitRules, listTranslations } from "./landlock_rules.ts";
import { findLandlockPlaces } from "./landlock_places.ts";

/** Where processes run, and where their sockets are. */
export interface Launch {
  /** Private folders with short paths, by preference. Each process has a socket in one of them while it starts. */
  readonly socketFolders: readonly { readonly path: string; prepare(): void }[];
  /** The working directory of the processes, against which user code resolves relative paths. */
  readonly workspace: string;
  /** Where each process behind Landlock gets a folder for temporary files; null: beside its socket. */
  readonly tempFolder: string | null;
  readonly isolation: Isolation;
}

export interface LaunchRequest {
  /** V8 heap limit of the process. */
  readonly memoryBytes: number;
  /** Variables that user code may see. */
  readonly env: Readonly<Record<string, string>>;
  /** False: none. Otherwise npm packages (sandbox/module_gate.ts decides which) and these hosts; true: all hosts. */
  readonly remoteImports: readonly string[] | boolean;
  /** Null: no limit. */
  readonly disk: DiskQuota | null;
  /** Where it may write, except the folder of blobs: files kept in memory there count as its own memory. */
  readonly written: readonly string[];
  /** A file to which Deno writes every permission request as a line of JSON; null: no audit. */
  readonly auditFile: string | null;
  /** A trial creates no files of the unit. */
  readonly trial: boolean;
  readonly grants: JudgedGrants;
}

export interface Launched {
  readonly child: Deno.ChildProcess;
  /** The first message to its shim. */
  readonly init: Extract<ToProcess, { t: "init" }>;
  /** Null: it is not confined by Landlock. */
  readonly grantWatch: GrantWatch | null;
  /** The connection of its shim, once the shim has sent its token. Null if the process ended first. Never rejects. */
  readonly shim: Promise<Link | null>;
  /** The connection of its worker, which the shim starts; otherwise like `shim`. */
  readonly worker: Promise<Link | null>;
}

export interface Link {
  readonly channel: LineChannel;
  readonly lines: AsyncGenerator<string, void, void>;
}

let sequence = 0, isFirst = true;

/**
 * Spawns the process. `mark`: the prefix of the marks of its programs (program_ends.ts); null: it may start none.
 * Throws when the executable cannot be started or no socket can be bound. Calls `onUnreachable` with the reason when
 * its connection cannot be accepted, for example for lack of file descriptors.
 */
export function launch(
  where: Launch,
  spec: ProcessSpec,
  request: LaunchRequest,
  mark: string | null,
  onUnreachable: (why: string) => void,
): Launched {
  const { listener, name, path } = bind(where.socketFolders), lock = `${name}.lock`;
  const confined = where.isolation.landlock > 0 && !spec.unconfined;
  const temp = confined ? `${where.tempFolder ?? dirname(name)}/${basename(name)}.tmp` : null;
  const removeFolders = () => [lock, temp].forEach((folder) => folder !== null && removeFolder(folder));
  const token = crypto.randomUUID();
  let child: Deno.ChildProcess, init: Launched["init"];
  try {
    if (temp !== null) [dirname(temp), temp].forEach(makePrivateFolder);
    const environment = buildEnvironment(request, temp);
    init = buildInit(where, spec, request, environment, { temp, lock });
    child = new Deno.Command(findOwnProgram(), {
      args: buildArguments(request, lock),
      cwd: where.workspace,
      // A session of its own: Ctrl-C in the kernel's terminal does not reach it, and programs started by user code can
      // be ended together with it.
      detached: true,
      clearEnv: true,
      env: {
        ...environment,
        // For programs that do not have their own environment yet.
        ...mark === null ? {} : { [markVariable]: formatOwnMark(mark) },
        NERVE_SOCKET: path,
        NERVE_TOKEN: token,
      },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
  } catch (thrown) {
    unbind(listener, path);
    removeFolders();
    throw thrown;
  }
  // The end of the process closes the listener, so that no accept waits forever.
  const shim = acceptLink(listener, token, onUnreachable);
  const worker = shim.then((link) => link === null ? null : acceptLink(listener, token, onUnreachable))
    .finally(() => unbind(listener, path));
  child.status.then(() => {
    unbind(listener, path);
    removeFolders();
  });
  const grantWatch = init.wall === null ? null : new GrantWatch(spec);
  return { child, init, grantWatch, shim, worker };
}

/** The first message to the process: what it runs, and what confines it. */
function buildInit(
  { isolation }: Launch,
  spec: ProcessSpec,
  { remoteImports, auditFile, trial, grants }: LaunchRequest,
  environment: Readonly<Record<string, string>>,
  { temp, lock }: { readonly temp: string | null; readonly lock: string },
): Launched["init"] {
  const enforced = isolation.permissions ? spec : { ...spec, permissions: everything };
  if (temp === null) return { t: "init", spec: enforced, wall: null };
  const followed = followGrants(grants), permissions = applyFollowed(spec.permissions, followed);
  const places = findLandlockPlaces(spec, {
    cache: environment.DENO_DIR ?? null,
    temp,
    lock: remoteImports === false ? null : lock,
    written: auditFile === null ? [] : [auditFile],
    pathVariable: environment.PATH ?? "",
  });
  // Not a file of the unit, so also for a trial.
  for (const folder of listTranslations(places.cache, spec)) Deno.mkdirSync(folder, { recursive: true });
  const makes = trial ? null : typeof permissions.write === "boolean" ? [] : permissions.write;
  // The audit counts from the worker's first module on, which must not have been loaded before.
  const first = isFirst && auditFile === null;
  if (first) isFirst = false;
  const rules = holdRules(buildUnitRules({ ...spec, permissions }, places), followed.values(), grants.changeable);
  return { t: "init", spec: enforced, wall: { rules, makes, first } };
}

const everything: SandboxPermissions = {
  read: true,
  write: true,
  net: true,
  env: true,
  run: true,
  sys: true,
  ffi: true,
  import: true,
};

interface Bound {
  readonly listener: Deno.UnixListener;
  readonly name: string;
  readonly path: string;
}

/** Binds a socket in the first folder where that is possible. Throws the error of the first folder if there is none. */
function bind(folders: Launch["socketFolders"]): Bound {
  let first: unknown = null;
  for (const folder of folders) {
    const name = `${folder.path}/g${Deno.pid}-${++sequence}`, path = `${name}.sock`;
    try {
      folder.prepare();
      // Left by a killed kernel with the same pid, for example in a container.
      removeIfPresent(path);
      // Only this user can enter the folder (config/runtime_folder.ts), whatever the socket's own mode.
      return { listener: Deno.listen({ transport: "unix", path }), name, path };
    } catch (thrown) {
      first ??= thrown;
    }
  }
  throw first;
}

/** Accepts connections until one sends the token. The folder's mode is 0700: only this user's processes can connect. */
async function acceptLink(
  listener: Deno.UnixListener,
  token: string,
  onUnreachable: (why: string) => void,
): Promise<Link | null> {
  try {
    for (;;) {
      const channel = new LineChannel(await listener.accept(), { lineMaxBytes: protocolLineMaxBytes });
      const lines = channel.lines();
      const first = await lines.next().catch(() => null);
      if (first !== null && !first.done && first.value === token) return { channel, lines };
      channel.close();
    }
  } catch (thrown) {
    // unbind() ended the wait because the process ended first: its exit status explains why.
    if (!closed.has(listener)) onUnreachable(describeSystemError(thrown));
    return null;
  }
}

const closed = new WeakSet<Deno.UnixListener>();

function unbind(listener: Deno.UnixListener, path: string): void {
  if (closed.has(listener)) return;
  closed.add(listener);
  listener.close();
  // Closing may have removed it already.
  removeIfPresent(path);
}

/** The folder is no longer used: a failed removal does no harm. */
function removeFolder(path: string): void {
  Deno.remove(path, { recursive: true }).catch(() => {});
}

function removeIfPresent(path: string): void {
  try {
    Deno.removeSync(path);
  } catch (thrown) {
    if (!(thrown instanceof Deno.errors.NotFound)) throw thrown;
  }
}

function buildArguments({ remoteImports }: LaunchRequest, lock: string): string[] {
  if (remoteImports === false) return buildShimArguments([...ownPackages, "--no-remote"]);
  const flags = [copyLock(lock) ? `--lock=${lock}/deno.lock` : "--no-lock"];
  if (remoteImports === true) return buildShimArguments(flags);
  if (remoteImports.length === 0) return buildShimArguments([...flags, "--no-remote"]);
  return buildShimArguments(flags, [...allButImport, `--allow-import=${remoteImports.join(",")}`]);
}

/**
 * Without a lock file Deno asks the registry about nerve's own packages before anything runs: a group that imports a
 * single file would need a network. With nerve's own lock file, Deno would write the packages of user code into it. So
 * the process gets a copy in a folder of its own. False: nerve has no lock file.
 */
function copyLock(folder: string): boolean {
  try {
    const bytes = Deno.readFileSync(ownLock);
    Deno.mkdirSync(folder, { recursive: true, mode: 0o700 });
    Deno.writeFileSync(`${folder}/deno.lock`, bytes, { mode: 0o600 });
    return true;
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return false;
    throw thrown;
  }
}

/**
 * Deno checks a worker's import permission only for computed addresses: static imports are fetched with the permission
 * of the process (measured on 2.9.6; tests/faults/attacks/imports_test.ts). So the process must not have more.
 */
const allButImport = ["read", "write", "net", "env", "run", "sys", "ffi"].map((name) => `--allow-${name}`);

function buildShimArguments(packages: readonly string[], rights: readonly string[] = ["-A"]): string[] {
  return [...buildSelfArguments("sandbox/shim.ts", { packages, rights }), "__group"];
}

function buildEnvironment(
  { env, memoryBytes, auditFile }: LaunchRequest,
  temp: string | null,
): Record<string, string> {
  const own = Deno.env.toObject();
  const all: Record<string, string> = { ...env };
  // Programs are looked up in PATH. User code cannot use it without `run`, nor read it without `env`. If it were unset,
  // a program that was not granted would seem to be missing.
  if (own.PATH !== undefined) all.PATH ??= own.PATH;
  const heapMiB = Math.max(16, Math.floor(memoryBytes / 1024 ** 2));
  all.DENO_V8_FLAGS = [`--max-old-space-size=${heapMiB}`, ...smallHeap].join(",");
  // glibc would keep free memory for each of the nine threads, a MiB in all. Two arenas serve the two busy threads;
  // with one they would wait for each other, which costs 10 ms at the start.
  all.MALLOC_ARENA_MAX = "2";
  if (auditFile !== null) all.DENO_AUDIT_PERMISSIONS = auditFile;
  // For SQLite, and for programs: their default folders are closed.
  if (temp !== null) all.TMPDIR = temp;
  all.DENO_NO_UPDATE_CHECK = "1";
  all.NO_COLOR = "1";
  const cache = findDenoCache(own);
  if (cache !== null) all.DENO_DIR = cache;
  return all;
}
