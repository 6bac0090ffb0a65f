/**
 * Reads files and folders below /proc and /sys for code in the sandbox: Deno opens those only to code with all
 * permissions. Called by host_services.ts, in the trusted thread.
 * I1. Only what `permissions.read` names, by its own path, and files that reveal no more than a name of
 *     `permissions.sys`.
 * I2. Nothing of a process: its environment, memory and descriptors are below /proc as well. Nothing that exposes the
 *     kernel's memory, or that waits for events.
 */
import type { SandboxPermissions } from "../protocol/confinement.ts";

/** No such file is meant to be larger; some have no end. */
const fileMaxBytes = 1024 ** 2, namesMax = 10_000;

/** Files whose content Deno gives with that permission, but from several sources, or only in part. */
const bySysName: Readonly<Record<string, string>> = {
  "/proc/loadavg": "loadavg",
  "/proc/meminfo": "systemMemoryInfo",
  "/proc/net/dev": "networkInterfaces",
  "/proc/stat": "cpus",
  "/proc/uptime": "osUptime",
};
/** The limit and the use of a container, at a path that does not exist on a machine. */
const containerMemory = /^\/sys\/fs\/cgroup\/(?:memory\/)?memory\.[\w.]+$/;

/** Files of this process that reveal nothing about it. */
const harmless = /^\/proc\/\d+\/(?:net\/(?:dev|snmp|snmp6|netstat|sockstat|sockstat6)|mounts|cgroup)$/;
const closed = [
  /^\/proc\/(?:\d+|bus|driver|fs|kallsyms|kcore|keys|key-users|kmsg|kpage\w+|sched_debug|sysrq-trigger|vmallocinfo|vmcore)(?:\/|$)/,
  /^\/sys\/(?:firmware|kernel\/(?:debug|tracing|security|config))(?:\/|$)/,
];

/** Matches a path that does not lead where it seems to. */
const detour = /\/(?:\/|\.{1,2}(?:\/|$))/;

/** The permissions that matter here. */
export type SystemGrants = Pick<SandboxPermissions, "read" | "sys">;

export async function readGrantedFile(path: string, granted: SystemGrants): Promise<string> {
  using file = await Deno.open(await resolveGranted(path, granted));
  if (!(await file.stat()).isFile) throw new TypeError(`${path} is not a file`);
  const bytes = new Uint8Array(fileMaxBytes);
  let filled = 0;
  // Such a file is generated as it is read: it has no size, and may come in parts.
  for (;;) {
    const read = await file.read(bytes.subarray(filled));
    if (read === null || read === 0) break;
    filled += read;
  }
  if (filled === fileMaxBytes) throw new RangeError(`${path} is larger than ${fileMaxBytes} bytes`);
  return new TextDecoder().decode(bytes.subarray(0, filled));
}

export async function listGrantedFolder(path: string, granted: SystemGrants): Promise<string[]> {
  const names: string[] = [];
  for await (const { name } of Deno.readDir(await resolveGranted(path, granted))) {
    if (names.push(name) >= namesMax) break;
  }
  return names.sort();
}

/** The real path. Throws when the code may not read it. */
async function resolveGranted(path: string, { read, sys }: SystemGrants): Promise<string> {
  if (!isSystem(path) || detour.test(path)) throw new TypeError(`"${path}" is no path below /proc or /sys`);
  const name = containerMemory.test(path) ? "systemMemoryInfo" : bySysName[path];
  const isNamed = sys === true || (sys !== false && name !== undefined && sys.includes(name));
  const isGranted = isNamed && name !== undefined || read === true ||
    read !== false && read.some((each) => contains(each, path));
  if (!isGranted) {
    throw new Deno.errors.NotCapable(
      // The wording is Deno's: error_text.ts adds advice to it.
      name === undefined
        ? `Requires read access to "${path}", run again with the --allow-read flag`
        : `Requires sys access to "${name}", run again with the --allow-sys flag`,
    );
  }
  const real = await Deno.realPath(path);
  const isOpen = isSystem(real) && (harmless.test(real) || !closed.some((each) => each.test(real)));
  if (!isOpen) throw new Deno.errors.NotCapable(`"${path}" is always closed in the sandbox`);
  return real;
}

function isSystem(path: string): boolean {
  return path.startsWith("/proc/") || path.startsWith("/sys/");
}

function contains(folder: string, path: string): boolean {
  return path === folder || path.startsWith(folder.endsWith("/") ? folder : `${folder}/`);
}
