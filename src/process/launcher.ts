/**
 * Starts one process of the same executable and gives back the channels to its shim and its worker (sandbox/shim.ts).
 * Used by unit_process.ts only. Works the same under `deno run` and in a compiled binary.
 */
import { protocolLineMaxBytes } from "../base/limits.ts";
import { buildSelfArguments, findOwnProgram, ownLock, ownPackages, smallHeap } from "../base/self_exec.ts";
import { LineChannel } from "../protocol/line_channel.ts";
import type { DiskQuota } from "./disk_quota.ts";

/** How to start ourselves again, and where the sockets of our processes go. */
export interface Launch {
  /** A private folder with a short path; each process gets a socket there for the moment of its start. */
  readonly runtimeFolder: string;
  /** The working directory of the processes: relative paths in user code start here. */
  readonly workspace: string;
}

export interface LaunchRequest {
  /** V8 heap limit of the process. */
  readonly memoryBytes: number;
  /** Variables that user code may see. */
  readonly env: Readonly<Record<string, string>>;
  /** False: nothing from elsewhere. Else npm packages (sandbox/module_gate.ts says which), and these hosts; true: all. */
  readonly remoteImports: readonly string[] | boolean;
  /** Null: it may fill the disk. */
  readonly disk: DiskQuota | null;
  /** A file to which Deno writes every permission that is asked for, a line of JSON each; null: nothing is noted. */
  readonly auditFile: string | null;
}

export interface Launched {
  readonly child: Deno.ChildProcess;
  /** The connection of its shim. Resolves when it has shown its token; rejects never: null when it ended before. */
  readonly shim: Promise<Link | null>;
  /** The connection of its worker, which comes once the shim has started it; as `shim`. */
  readonly worker: Promise<Link | null>;
}

export interface Link {
  readonly channel: LineChannel;
  readonly lines: AsyncGenerator<string, void, void>;
}

let sequence = 0;

/** Spawns the process. Throws when the executable cannot be started or the socket cannot be bound. */
export function launch({ runtimeFolder, workspace }: Launch, request: LaunchRequest): Launched {
  const name = `${runtimeFolder}/g${Deno.pid}-${++sequence}`, path = `${name}.sock`, lock = `${name}.lock`;
  const token = crypto.randomUUID();
  Deno.mkdirSync(runtimeFolder, { recursive: true, mode: 0o700 });
  // Nobody else can enter the folder (config/runtime_folder.ts), whatever the socket's own mode is.
  const listener = Deno.listen({ transport: "unix", path });
  let child: Deno.ChildProcess;
  try {
    child = new Deno.Command(findOwnProgram(), {
      args: ownArguments(request, lock),
      cwd: workspace,
      // A session of its own: Ctrl-C in the kernel's terminal does not reach it, and the programs that user code
      // started can be ended together with it.
      detached: true,
      clearEnv: true,
      env: { ...environment(request), NERVE_SOCKET: path, NERVE_TOKEN: token },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
  } catch (thrown) {
    unbind(listener, path);
    removeIfThere(lock);
    throw thrown;
  }
  // Its end closes the listener, so that no accept can wait for ever.
  const shim = accept(listener, token);
  const worker = shim.then((link) => link === null ? null : accept(listener, token))
    .finally(() => unbind(listener, path));
  child.status.then(() => {
    unbind(listener, path);
    removeIfThere(lock);
  });
  return { child, shim, worker };
}

/** Accepts until somebody shows the token: with the folder's mode 0700, only this user's processes can try at all. */
async function accept(listener: Deno.UnixListener, token: string): Promise<Link | null> {
  try {
    for (;;) {
      const channel = new LineChannel(await listener.accept(), { lineMaxBytes: protocolLineMaxBytes });
      const lines = channel.lines();
      const first = await lines.next().catch(() => null);
      if (first !== null && !first.done && first.value === token) return { channel, lines };
      channel.close();
    }
  } catch {
    // unbind() ended the wait because the process ended first; its exit status tells the rest. Or the kernel has no file
    // descriptor left: then the process does not get ready in time, and is told to have died of that.
    return null;
  }
}

const closed = new WeakSet<Deno.UnixListener>();

function unbind(listener: Deno.UnixListener, path: string): void {
  if (closed.has(listener)) return;
  closed.add(listener);
  listener.close();
  // Closing may have removed it already.
  removeIfThere(path);
}

function removeIfThere(path: string): void {
  try {
    Deno.removeSync(path);
  } catch (thrown) {
    if (!(thrown instanceof Deno.errors.NotFound)) throw thrown;
  }
}

function ownArguments({ remoteImports }: LaunchRequest, lock: string): string[] {
  if (remoteImports === false) return groupArguments([...ownPackages, "--no-remote"]);
  const flags = [copyLock(lock) ? `--lock=${lock}` : "--no-lock"];
  if (remoteImports === true) return groupArguments(flags);
  if (remoteImports.length === 0) return groupArguments([...flags, "--no-remote"]);
  return groupArguments(flags, [...allButImport, `--allow-import=${remoteImports.join(",")}`]);
}

/**
 * Without a lock Deno asks the registry about our own packages before anything runs, so that a group which imports one
 * file would need a network; with ours it would write the packages of user code into it. False: we have none.
 */
function copyLock(path: string): boolean {
  try {
    Deno.writeFileSync(path, Deno.readFileSync(ownLock), { mode: 0o600 });
    return true;
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return false;
    throw thrown;
  }
}

/**
 * Deno asks a worker's import permission only for addresses that are computed: what is imported statically is fetched on
 * the process's own (measured on 2.9.6; tests/faults/attacks/imports_test.ts). So the process must not have more.
 */
const allButImport = ["read", "write", "net", "env", "run", "sys", "ffi"].map((name) => `--allow-${name}`);

function groupArguments(packages: readonly string[], rights: readonly string[] = ["-A"]): string[] {
  return [...buildSelfArguments("sandbox/shim.ts", { packages, rights }), "__group"];
}

function environment({ env, memoryBytes, auditFile }: LaunchRequest): Record<string, string> {
  const own = Deno.env.toObject();
  const all: Record<string, string> = { ...env };
  // Programs are looked up in PATH. Without `run` it is of no use to user code and without `env` unreadable; without it
  // a program that was not granted would seem to be missing.
  if (own.PATH !== undefined) all.PATH = own.PATH;
  const heapMiB = Math.max(16, Math.floor(memoryBytes / 1024 ** 2));
  all.DENO_V8_FLAGS = [`--max-old-space-size=${heapMiB}`, ...smallHeap].join(",");
  // glibc would keep free memory for each of the nine threads: a MiB in all. One for both that work; with a single one
  // they wait for each other, which is 10 ms of their start.
  all.MALLOC_ARENA_MAX = "2";
  if (auditFile !== null) all.DENO_AUDIT_PERMISSIONS = auditFile;
  all.DENO_NO_UPDATE_CHECK = "1";
  all.NO_COLOR = "1";
  const cache = own.DENO_DIR ?? cacheFolder(own);
  if (cache !== null) all.DENO_DIR = cache;
  return all;
}

/** Where Deno keeps its cache, said aloud because the process has no HOME to find it by. */
function cacheFolder(env: Record<string, string>): string | null {
  if (env.XDG_CACHE_HOME !== undefined) return `${env.XDG_CACHE_HOME}/deno`;
  if (env.HOME === undefined) return null;
  return Deno.build.os === "darwin" ? `${env.HOME}/Library/Caches/deno` : `${env.HOME}/.cache/deno`;
}
