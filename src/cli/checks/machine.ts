/** Checks this machine: the version of Deno, isolation, disk space, the limits of inotify and of open files. */
import { formatSize } from "../../base/duration.ts";
import { ifPresent } from "../../base/if_present.ts";
import { readDescriptorLimit } from "../../base/descriptor_limit.ts";
import { describeUnheld, landlockHint, newerLinuxHint, systemLandlock } from "../../base/landlock.ts";
import { isCompiled } from "../../base/self_exec.ts";
import { denoVersion } from "../../base/version.ts";
import type { WorkspacePaths } from "../../config/workspace.ts";
import { findDaemon } from "../../daemon/discovery.ts";
import { type Check, failed, type Finding, passed, warning } from "./check.ts";

const { statfsSync } = await import("node:fs");

export const machineChecks: readonly Check[] = [checkDeno, checkIsolation, checkDisk, checkInotify, checkDescriptors];

function checkDeno(): Finding[] {
  const found = Deno.version.deno;
  if (found === denoVersion) return [passed("deno", `Deno ${found}${isCompiled ? ", inside this nerve" : ""}`)];
  const older = found.localeCompare(denoVersion, "en", { numeric: true }) < 0;
  const message = `Deno ${found}; nerve is made and tested with ${denoVersion}`;
  return [(older ? failed : warning)("deno", message, `deno upgrade --version ${denoVersion}`)];
}

/** Checks the wall that the system puts around the processes of senses and workflows. */
function checkIsolation(): Finding[] {
  const version = systemLandlock(), unheld = describeUnheld(version);
  return [
    unheld === null
      ? passed("isolation", `Landlock of version ${version}, beside Deno's permissions`)
      : warning("isolation", unheld, version === 0 ? landlockHint : newerLinuxHint),
  ];
}

const MiB = 1024 ** 2;

function checkDisk(paths: { readonly root: string }): Finding[] {
  const { bavail, blocks, bsize, ffree, files } = statfsSync(paths.root);
  const free = bavail * bsize, total = blocks * bsize;
  const message = `${formatSize(free)} of ${formatSize(total)} free`;
  const hint = "free some space; nerve store archive shortens the log";
  if (free < 64 * MiB) return [failed("disk", message, hint)];
  // Some file systems have no fixed number of files, and report 0.
  if (files > 0 && ffree < 1_000) {
    return [failed("disk", `${message}, but only ${ffree} more files`, "remove some files")];
  }
  return [free < 512 * MiB || free < total / 50 ? warning("disk", message, hint) : passed("disk", message)];
}

/** The daemon watches the workspace's folders: one inotify instance for each daemon, one watch for each folder. */
function checkInotify(): Finding[] {
  const limit = (name: string) => readNumber(`/proc/sys/fs/inotify/max_user_${name}`);
  const watches = limit("watches"), instances = limit("instances");
  if (watches === null || instances === null) return [passed("inotify", "this system has no inotify limits")];
  const used = countInstances();
  const message = `${watches} watches, ${used} of ${instances} instances in use`;
  const raise = (name: string, value: number) => `sudo sysctl fs.inotify.max_user_${name}=${value}`;
  if (used >= instances - 2) return [warning("inotify", message, raise("instances", 1024))];
  return [watches < 8_192 ? warning("inotify", message, raise("watches", 65_536)) : passed("inotify", message)];
}

/** A process of a sense or workflow takes about 8 descriptors of the daemon; clients of its API take more. */
const descriptorsMin = 1_024;

/** The limit of the daemon, or of one that would be started from here. */
function checkDescriptors(paths: WorkspacePaths): Finding[] {
  const { kernel } = findDaemon(paths), limit = readDescriptorLimit(kernel?.pid ?? "self");
  if (limit === null) return [passed("descriptors", "this system tells no limit of open files")];
  const message = `${kernel === null ? "a daemon started here" : "the daemon"} may have ${limit} files open`;
  if (limit >= descriptorsMin) return [passed("descriptors", message)];
  return [
    warning("descriptors", message, `raise the limit to ${descriptorsMin} or more: ulimit -n, LimitNOFILE of its unit`),
  ];
}

/** Inotify instances that this user's processes hold. */
function countInstances(): number {
  let count = 0;
  for (const { name } of Deno.readDirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    try {
      for (const { name: fd } of Deno.readDirSync(`/proc/${name}/fd`)) {
        if (Deno.readLinkSync(`/proc/${name}/fd/${fd}`) === "anon_inode:inotify") count++;
      }
    } catch {
      // The process has ended, or belongs to another user.
    }
  }
  return count;
}

function readNumber(path: string): number | null {
  return ifPresent(() => Number(Deno.readTextFileSync(path)));
}
