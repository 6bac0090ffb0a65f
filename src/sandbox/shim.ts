/**
 * The trusted main thread of a group's or workflow's process: connects to the kernel and starts the one restricted
 * worker in which all user code runs. It has every permission and evaluates no user code. Started by main.ts; its
 * kernel side is process/unit_process.ts. The worker has its own connection to the kernel: a thread in between would
 * double the cost of a message. Only what must be sent while user code blocks the worker's thread goes through the
 * shim.
 * I1. The first line to the kernel is the token of this process; the only line from the kernel is `init`.
 * I2. When the kernel exits, this process and the programs that it started end too: no orphan keeps running.
 * I3. A message of the worker is never taken as the shim's own: it is forwarded unchanged, if it is one line.
 * I4. Landlock restricts this process before its worker exists: the worker, and every program, inherit that. No program
 *     inherits an open file.
 * I5. When user code is loaded, no permission to connect is left (worker_main.ts revokes it).
 */
import { messageOf } from "../base/errors.ts";
import { isGoneProcess } from "../base/if_present.ts";
import { keepFilesFromPrograms } from "../base/inherited_files.ts";
import { protocolLineMaxBytes } from "../base/limits.ts";
import { prepareToRestrict, restrictSelf } from "../base/landlock.ts";
import { readProcessStat } from "../base/process_id.ts";
import { formatWork, markVariable } from "../base/program_mark.ts";
import { endPrograms } from "../base/program_sweep.ts";
import { refuseReach } from "../base/seccomp_programs.ts";
import { isSecretVariable } from "../base/secret_spellings.ts";
import { resolveSandboxModule } from "../base/self_exec.ts";
import { LineChannel } from "../protocol/line_channel.ts";
import type { SandboxPermissions } from "../protocol/confinement.ts";
import type { FromProcess, ToProcess } from "../protocol/message.ts";
import { HostServices } from "./host_services.ts";
import { cacheOwnModules } from "./module_cache.ts";
import { makeOwnFiles } from "./own_files.ts";
import { readsBegin, watchReads } from "./read_limit.ts";
import type { BootMessage, ConnectGrant } from "./runtime.ts";

/** Variables that process/launcher.ts sets for Deno, the C library and this file. */
const ownVariables = [
  markVariable,
  "DENO_DIR",
  "DENO_V8_FLAGS",
  "DENO_AUDIT_PERMISSIONS",
  "DENO_NO_UPDATE_CHECK",
  "MALLOC_ARENA_MAX",
  "NO_COLOR",
];

/** How long this process may outlive its kernel at most, to end programs. */
const escapedEndMaxMs = 500;

/** Runs until the kernel closes the connection or the worker has ended. Never returns. */
export async function runShim(): Promise<never> {
  const path = takeVariable("NERVE_SOCKET"), token = takeVariable("NERVE_TOKEN");
  const ownMark = Deno.env.get(markVariable) ?? null;
  const mark = ownMark === null ? null : ownMark.slice(0, -formatWork(0, "").length);
  const cache = Deno.env.get("DENO_DIR") ?? null;
  for (const name of ownVariables) Deno.env.delete(name);
  const channel = new LineChannel(await Deno.connect({ transport: "unix", path }), {
    lineMaxBytes: Number.MAX_SAFE_INTEGER,
  });
  channel.send(token);
  const lines = channel.lines();
  // This work overlaps with the kernel's answer.
  prepareToRestrict();
  const first = await lines.next();
  if (first.done) Deno.exit(0);
  const init = JSON.parse(first.value) as ToProcess;
  if (init.t !== "init") throw new Error(`nerve bug: the first line is ${init.t}`);
  keepFilesFromPrograms();
  let cutOff = false;
  if (init.wall !== null) {
    if (init.wall.first) await cacheOwnModules(cache);
    await makeOwnFiles(init.spec, init.wall.makes);
    cutOff = restrictSelf(init.wall.rules);
    const { run, ffi } = init.spec.permissions;
    if (run !== false || ffi !== false) refuseReach();
  }
  startWorker(
    {
      spec: init.spec,
      socket: path,
      token,
      mark,
      connectGrants: findConnectGrants(init.spec.permissions, path),
      reads: new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT),
      secrets: readSecrets(init.spec.permissions),
    },
    channel,
  );
  // The kernel sends nothing more here: when the connection ends, the kernel has exited.
  await lines.next();
  try {
    if (cutOff) endConfined();
    // A process with hosts to import from may not read /proc: the next kernel ends programs that have left its session.
    else if (mark !== null && typeof init.spec.permissions.import === "boolean") await endEscaped(mark);
  } finally {
    endAll();
  }
}

/** After the variables above are removed, the environment of this process contains only what the unit was granted. */
function readSecrets({ env }: SandboxPermissions): Record<string, string> {
  const variables = Object.entries(Deno.env.toObject());
  return Object.fromEntries(variables.filter(([name]) => isSecretVariable(name, env !== true)));
}

/**
 * Kills every process to which this one may send a signal: behind Landlock these are its own programs, in whatever
 * session they are, and no others.
 */
function endConfined(): void {
  try {
    Deno.kill(-1, "SIGKILL");
  } catch (thrown) {
    // There are no programs.
    if (!isGoneProcess(thrown)) throw thrown;
  }
}

/** Ends the programs that have left the session of this process. */
async function endEscaped(mark: string): Promise<void> {
  const since = Number(readProcessStat(Deno.pid)?.startTime ?? 0);
  await endPrograms({
    isCandidate: ({ session, startTime }) => session !== Deno.pid && Number(startTime) >= since,
    isTarget: (text) => text !== null && text.startsWith(`${mark}.`),
    waitMs: escapedEndMaxMs,
  });
}

/** Kills this process and the programs that user code started: they share its process group (launcher.ts, detached). */
function endAll(): never {
  try {
    Deno.kill(-Deno.pid, "SIGKILL");
  } finally {
    // Reached only if the signal could not be sent, such as on a system without process groups.
    Deno.exit(0);
  }
}

/** Reads and removes one of the shim's own variables: user code with an `env` permission must not see it. */
function takeVariable(name: string): string {
  const value = Deno.env.get(name);
  if (value === undefined) throw new Error(`nerve bug: ${name} is not set; this process is started by nerve only`);
  Deno.env.delete(name);
  return value;
}

function startWorker(boot: BootMessage, channel: LineChannel): void {
  const permissions = addConnectGrants(boot) as Deno.PermissionOptionsObject;
  const worker = new Worker(resolveSandboxModule("sandbox/worker_main.ts"), {
    type: "module",
    name: boot.spec.name,
    deno: { permissions },
  });
  const { port1, port2 } = new MessageChannel(), services = new MessageChannel();
  new HostServices(boot.spec.permissions, services.port1);
  port1.onmessage = ({ data }) => {
    if (data === readsBegin) return watchReads(new Int32Array(boot.reads), (message) => reportFault(channel, message));
    if (data === "ended") return void channel.flushed().then(() => Deno.exit(0));
    if (typeof data === "string" && data.length <= protocolLineMaxBytes && !data.includes("\n")) channel.send(data);
    else reportFault(channel, "the worker sent something that is not a line of the protocol");
  };
  worker.onerror = (event) => {
    event.preventDefault();
    reportFault(channel, event.message);
  };
  worker.postMessage(boot, [port2, services.port2]);
}

/**
 * The permissions that Deno requires for connecting to a Unix socket and that are not granted yet. Only those are
 * added: revoking a path would also revoke the grants of the folders above it (measured on 2.9.6).
 */
export function findConnectGrants({ read, write, net }: SandboxPermissions, path: string): ConnectGrant[] {
  const covered = (granted: readonly string[] | boolean) =>
    typeof granted === "boolean"
      ? granted
      : granted.some((entry) => `${path}/`.startsWith(`${entry}/`.replace("//", "/")));
  const grants: ConnectGrant[] = [];
  if (!covered(read)) grants.push({ name: "read", path });
  if (!covered(write)) grants.push({ name: "write", path });
  if (net !== true) grants.push({ name: "net", host: `unix:${path}` });
  return grants;
}

function addConnectGrants({ spec: { permissions }, connectGrants }: BootMessage): SandboxPermissions {
  const granted: Record<string, readonly string[] | boolean> = { ...permissions };
  for (const grant of connectGrants) {
    const before = permissions[grant.name];
    granted[grant.name] = [
      ...typeof before === "boolean" ? [] : before,
      grant.name === "net" ? grant.host : grant.path,
    ];
  }
  return { ...permissions, ...granted };
}

function reportFault(channel: LineChannel, thrown: unknown): void {
  const last: FromProcess = { t: "fault", message: messageOf(thrown) };
  channel.send(JSON.stringify(last));
  channel.flushed().then(() => Deno.exit(1));
}

// Under Deno this file is the entry point; in a compiled nerve, main.ts calls `runShim`.
if (import.meta.main) await runShim();
