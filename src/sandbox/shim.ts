/**
 * The trusted main thread of a group's or workflow's process: connects to the kernel and starts the one restricted
 * worker in which all user code runs. It holds every permission and evaluates no user code. Started by main.ts; its
 * kernel side is process/unit_process.ts.
 * The worker speaks with the kernel over a connection of its own: a thread in between would double what a message costs.
 * Only what must leave while user code holds the worker's thread goes through the shim.
 * I1. The first line to the kernel is the token of this process; the only line from it is `init`.
 * I2. When the kernel is gone, this process and the programs that it started are gone: no orphan works on.
 * I3. Nothing that the worker says is taken for the shim's own word: it is passed on as it came, if it is one line.
 * I4. Of the right to connect nothing is left when user code is loaded (worker_main.ts gives it back).
 */
import { messageOf } from "../base/errors.ts";
import { protocolLineMaxBytes } from "../base/limits.ts";
import { resolveOwnFile } from "../base/self_exec.ts";
import { LineChannel } from "../protocol/line_channel.ts";
import type { FromProcess, SandboxPermissions, ToProcess } from "../protocol/message.ts";
import type { Boot, Right } from "./runtime.ts";

/** What the launcher sets for Deno and the C library. */
const ownVariables = [
  "DENO_DIR",
  "DENO_V8_FLAGS",
  "DENO_AUDIT_PERMISSIONS",
  "DENO_NO_UPDATE_CHECK",
  "MALLOC_ARENA_MAX",
  "NO_COLOR",
];

/** Runs until the kernel closes the connection or says `end`. Never returns otherwise. */
export async function runShim(): Promise<never> {
  const path = takeVariable("NERVE_SOCKET"), token = takeVariable("NERVE_TOKEN");
  for (const name of ownVariables) Deno.env.delete(name);
  const channel = new LineChannel(await Deno.connect({ transport: "unix", path }), {
    lineMaxBytes: Number.MAX_SAFE_INTEGER,
  });
  channel.send(token);
  const lines = channel.lines();
  const first = await lines.next();
  if (first.done) Deno.exit(0);
  const init = JSON.parse(first.value) as ToProcess;
  if (init.t !== "init") throw new Error(`nerve bug: the first line is ${init.t}`);
  startWorker({ spec: init.spec, socket: path, token, rights: rightsToConnect(init.spec.permissions, path) }, channel);
  // Nothing more is said here; the end of the connection is the end of the kernel.
  await lines.next();
  endAll();
}

/** Ends this process and the programs that user code started: they share its process group (launcher.ts, detached). */
function endAll(): never {
  try {
    Deno.kill(-Deno.pid, "SIGKILL");
  } finally {
    // Only where the signal could not be sent, such as on a system without process groups.
    Deno.exit(0);
  }
}

/** Variables of the shim itself: user code with an `env` permission must not find them. */
function takeVariable(name: string): string {
  const value = Deno.env.get(name);
  if (value === undefined) throw new Error(`nerve bug: ${name} is not set; this process is started by nerve only`);
  Deno.env.delete(name);
  return value;
}

function startWorker(boot: Boot, channel: LineChannel): void {
  const permissions = mayConnect(boot) as Deno.PermissionOptionsObject;
  const worker = new Worker(resolveOwnFile("sandbox/worker_main.ts"), {
    type: "module",
    name: boot.spec.name,
    deno: { permissions },
  });
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = ({ data }) => {
    if (data === "ended") return void channel.flushed().then(() => Deno.exit(0));
    if (typeof data === "string" && data.length <= protocolLineMaxBytes && !data.includes("\n")) channel.send(data);
    else fault(channel, "the worker sent something that is not a line of the protocol");
  };
  worker.onerror = (event) => {
    event.preventDefault();
    fault(channel, event.message);
  };
  worker.postMessage(boot, [port2]);
}

/**
 * What Deno asks for before it connects to a Unix socket, and is not granted already: to give a path back would take the
 * grants of the folders above it along (measured, 2.9.6).
 */
export function rightsToConnect({ read, write, net }: SandboxPermissions, path: string): Right[] {
  const covered = (granted: readonly string[] | boolean) =>
    typeof granted === "boolean"
      ? granted
      : granted.some((entry) => `${path}/`.startsWith(`${entry}/`.replace("//", "/")));
  const rights: Right[] = [];
  if (!covered(read)) rights.push({ name: "read", path });
  if (!covered(write)) rights.push({ name: "write", path });
  if (net !== true) rights.push({ name: "net", host: `unix:${path}` });
  return rights;
}

function mayConnect({ spec: { permissions }, rights }: Boot): SandboxPermissions {
  const granted: Record<string, readonly string[] | boolean> = { ...permissions };
  for (const right of rights) {
    const before = permissions[right.name];
    granted[right.name] = [
      ...typeof before === "boolean" ? [] : before,
      right.name === "net" ? right.host : right.path,
    ];
  }
  return { ...permissions, ...granted };
}

function fault(channel: LineChannel, thrown: unknown): void {
  const last: FromProcess = { t: "fault", message: messageOf(thrown) };
  channel.send(JSON.stringify(last));
  channel.flushed().then(() => Deno.exit(1));
}

// Under Deno this file is the entry itself; in a compiled nerve main.ts calls `runShim`.
if (import.meta.main) await runShim();
