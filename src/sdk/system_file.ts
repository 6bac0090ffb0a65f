/**
 * `readSystemFile` and `listSystemFolder`: what the system tells below /proc and /sys. Authors import them from "nerve":
 * Deno.readTextFile does not open such files in the sandbox, whatever is granted.
 */
import { askHost } from "./host.ts";

/**
 * Reads a file below `/proc` or `/sys` that `permissions.read` names, at most 1 MiB. `permissions.sys` opens some as well:
 * `cpus` /proc/stat, `loadavg` /proc/loadavg, `networkInterfaces` /proc/net/dev, `osUptime` /proc/uptime, and
 * `systemMemoryInfo` /proc/meminfo and the memory limit of a container (/sys/fs/cgroup/memory.*). Files of single
 * processes (/proc/PID), of the kernel's memory and of its events stay closed. Throws NotCapable, NotFound or an Error.
 * @example
 * ```ts
 * const load = (await readSystemFile("/proc/loadavg")).split(" ");
 * ```
 */
export function readSystemFile(path: string): Promise<string> {
  return askHost({ t: "file", path }, null) as Promise<string>;
}

/** The names in a folder below `/proc` or `/sys`, sorted; as `readSystemFile`. */
export function listSystemFolder(path: string): Promise<string[]> {
  return askHost({ t: "folder", path }, null) as Promise<string[]>;
}
