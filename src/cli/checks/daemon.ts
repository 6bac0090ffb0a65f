/** Checks the daemon: its lock, pid file and socket, and processes that a dead kernel left behind. */
import { ifPresent } from "../../base/if_present.ts";
import { countUnreaped, describeMissingInit, missingInitHint } from "../../base/init_process.ts";
import { readProcessStat } from "../../base/process_id.ts";
import type { Clock } from "../../base/time.ts";
import type { WorkspacePaths } from "../../config/workspace.ts";
import { describeLockHolder } from "../../protocol/lock_holder.ts";
import { findDaemon, findLeftovers, isRunning, readLockHolder } from "../../daemon/discovery.ts";
import { askWithinLimit, socketAnswers } from "../daemon/ask_daemon.ts";
import { type Check, failed, type Finding, passed, warning } from "./check.ts";

export const daemonChecks: readonly Check[] = [checkLock, checkSocket, checkLeftovers, checkInit];

/** Up to this many zombies, process 1 may just be busy. */
const unreapedMax = 10;

function checkLock(paths: WorkspacePaths): Finding[] {
  const found = findDaemon(paths), { kernel, supervised, lastState } = found, holder = readLockHolder(paths);
  const pidFile = readPid(paths.pidFile), findings: Finding[] = [];
  if (kernel !== null) findings.push(passed("lock", `held by ${describeLockHolder(kernel)}`));
  else if (supervised !== null) {
    findings.push(warning("lock", `free: the kernel died and is being restarted`, "nerve status, nerve logs"));
  } else if (holder !== null) {
    const message = `free; the daemon that held it (pid ${holder.pid}) was killed`;
    findings.push(warning("lock", message, "nerve start; no cleanup is needed"));
  } else findings.push(passed("lock", "free; no daemon runs"));
  if (pidFile !== null && !isRunning(found)) {
    findings.push(warning("pid file", `stale: it contains ${pidFile}`, "nerve start replaces it"));
  } else if (kernel !== null && pidFile !== kernel.pid) {
    findings.push(
      failed("pid file", `it contains ${pidFile ?? "nothing"}, the daemon is ${kernel.pid}`, "nerve restart"),
    );
  }
  if (lastState?.state === "gave up") {
    findings.push(failed("daemon", `stays down: ${lastState.problem ?? ""}`, "nerve logs shows why; then nerve start"));
  }
  return findings;
}

async function checkSocket(paths: WorkspacePaths, clock: Clock): Promise<Finding[]> {
  if (isFolder(paths.socket)) return [failed("socket", "there is a folder in its place", `move ${paths.socket} away`)];
  const { kernel } = findDaemon(paths), mode = modeOf(paths.socket), answers = await socketAnswers(paths);
  if (mode === null && kernel?.kind === "embedded") {
    const message = `none: ${describeLockHolder(kernel)}, serves no control API`;
    return [warning("socket", message, "commands work with the option `control` of createKernel")];
  }
  if (mode === null) {
    return [
      kernel === null ? passed("socket", `none at ${paths.socket}; no daemon runs`) : failed(
        "socket",
        `the daemon (pid ${kernel.pid}) runs without one`,
        "it may be starting or stopping; if it stays so: nerve restart",
      ),
    ];
  }
  if (!answers) {
    return [
      kernel === null
        ? warning("socket", "stale: no process listens", "nerve start replaces it")
        : failed("socket", `the daemon (pid ${kernel.pid}) does not listen`, "nerve restart"),
    ];
  }
  if ((mode & 0o077) !== 0) {
    return [failed("socket", `others may connect: mode ${formatMode(mode)}`, `chmod 600 ${paths.socket}`)];
  }
  // A process that was suspended by a signal, or is stuck in a loop, still accepts connections.
  if (kernel !== null && await askWithinLimit({ clock }, paths, (client) => client.health()) === null) {
    const stopped = readProcessStat(kernel.pid)?.state === "T";
    return [
      failed(
        "socket",
        `the daemon (pid ${kernel.pid}) ${stopped ? "was stopped by a signal" : "does not answer"}`,
        stopped ? `kill -CONT ${kernel.pid}` : "nerve restart",
      ),
    ];
  }
  return [passed("socket", `${paths.socket} answers; only this user may connect`)];
}

function checkLeftovers(paths: WorkspacePaths): Finding[] {
  const pids = findLeftovers(paths.root).map(({ pid }) => pid);
  if (pids.length === 0) return [passed("processes", "no process is left over")];
  const message = `${pids.length} left over from a kernel that is gone: ${pids.join(", ")}`;
  return [failed("processes", message, `kill -9 ${pids.join(" ")}`)];
}

function checkInit(paths: WorkspacePaths): Finding[] {
  const missing = describeMissingInit(findDaemon(paths).kernel?.pid ?? 0);
  if (missing !== null) return [warning("init", missing, missingInitHint)];
  const { zombies, init } = countUnreaped();
  if (zombies <= unreapedMax) return [passed("init", "ended processes are reaped")];
  return [warning("init", `${zombies} zombies: process 1 (${init}) reaps nothing`, missingInitHint)];
}

function modeOf(path: string): number | null {
  return ifPresent(() => (Deno.lstatSync(path).mode ?? 0) & 0o777);
}

function isFolder(path: string): boolean {
  return ifPresent(() => Deno.lstatSync(path).isDirectory) ?? false;
}

function readPid(path: string): number | null {
  return ifPresent(() => Number(Deno.readTextFileSync(path).trim()));
}

export function formatMode(mode: number): string {
  return `0${mode.toString(8).padStart(3, "0")}`;
}
