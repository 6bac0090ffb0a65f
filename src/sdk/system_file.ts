/**
 * `readSystemFile` and `listSystemFolder`: read /proc and /sys. Authors import them from "nerve": in the sandbox,
 * Deno.readTextFile does not open such files, whatever is granted.
 */
import { askHost } from "./host.ts";

/**
 * Reads a file below `/proc` or `/sys` that `permissions.read` names, at most 1 MiB. `permissions.sys` also grants
 * some: `cpus` /proc/stat, `loadavg` /proc/loadavg, `networkInterfaces` /proc/net/dev, `osUptime` /proc/uptime, and
 * `systemMemoryInfo` /proc/meminfo and the memory limit of a container (/sys/fs/cgroup/memory.*). Files of single
 * processes (/proc/PID), of the system's memory and of its events stay closed. Rejects with NotCapable, NotFound or
 * another Error.
 * @example
 * ```ts
 * const load = (await readSystemFile("/proc/loadavg")).split(" ");
 * ```
 */
export function readSystemFile(path: string): Promise<string> {
  return askHost({ t: "file", path }, null) as Promise<string>;
}

/** Lists the names in a folder below `/proc` or `/sys`, sorted. Grants and errors are those of `readSystemFile`. */
export function listSystemFolder(path: string): Promise<string[]> {
  return askHost({ t: "folder", path }, null) as Promise<string[]>;
}
