/**
 * `nerve upgrade --from FILE`: replaces the installed executable, and restarts the workspace's daemon with it.
 * I1. Nothing is changed before the new file has proved to be a nerve that runs here and accepts this workspace.
 * I2. There is an executable at every moment; the old one is kept beside the new one.
 * I3. When the new one does not start the daemon, the old one is put back and started.
 */
import { dirname, resolve } from "node:path";
import { messageOf, NerveError } from "../../base/errors.ts";
import { readTrust } from "../../base/ownership.ts";
import { toPrintable } from "../../base/printable.ts";
import { version } from "../../base/version.ts";
import { requireTrusted } from "../../config/trust.ts";
import type { WorkspacePaths } from "../../config/workspace.ts";
import { findDaemon, isRunning } from "../../daemon/discovery.ts";
import { workspaceHeld } from "../../protocol/common_errors.ts";
import {
  copyCandidate,
  createSwap,
  type ExitedProgram,
  findInstalledFile,
  hashFile,
  lockInstalled,
  readChecksumFile,
  readVersionOf,
  runProgram,
} from "../daemon/installation.ts";
import { type CliIo, exit } from "../io.ts";
import { print, sign } from "../render/terminal.ts";
import { openWorkspace } from "../workspace.ts";

interface Flags {
  readonly from: string;
  readonly sha256?: string | undefined;
  readonly workspace?: string | undefined;
}

export async function upgrade(io: CliIo, flags: Flags): Promise<number> {
  const installed = await findInstalledFile(io);
  if (installed === null) {
    throw new NerveError("UPGRADE_FAILED", "this nerve runs from a clone, which is not a single file", {
      hint: "git pull, or build a file with deno task build and put it in place with install.sh",
    });
  }
  const file = resolve(io.cwd, flags.from), trust = readTrust((name) => io.env[name]);
  requireTrusted(dirname(installed), dirname(installed), trust);
  // A checksum from elsewhere proves more than an owner; one from a file beside it proves nothing.
  if (flags.sha256 === undefined) requireTrusted(file, file, trust);
  using _lock = await lockInstalled(installed);
  const candidate = await copyCandidate(installed, file);
  try {
    const { sum, known } = await verifySum(candidate, file, flags.sha256);
    if (sum === await hashFile(installed)) {
      print(io, `${sign.ok} ${toPrintable(installed)} is already this file`);
      return exit.ok;
    }
    const next = await readVersionOf(candidate);
    const workspace = await findTargetWorkspace(io, flags.workspace);
    if (workspace !== null) await requireAccepted(io, candidate, workspace);
    const daemon = workspace?.runs === true ? workspace.paths : null;
    const kept = await replace(io, installed, candidate, daemon);
    print(io, `${sign.ok} ${toPrintable(installed)}: nerve ${version} is now ${toPrintable(next)}`);
    if (!known) print(io, `   its checksum was not verified: there is no ${toPrintable(file)}.sha256`);
    if (daemon !== null) print(io, `   the daemon of ${toPrintable(daemon.root)} runs on the new version`);
    print(io, `   to go back: nerve upgrade --from ${toPrintable(kept)}`);
    return exit.ok;
  } finally {
    await removeIfThere(candidate);
  }
}

/** Compares the copy's checksum with `given`, or else with the one in `FILE.sha256`. `known`: whether there was one. */
async function verifySum(
  candidate: string,
  file: string,
  given: string | undefined,
): Promise<{ sum: string; known: boolean }> {
  const sum = await hashFile(candidate), wanted = given ?? await readChecksumFile(file);
  if (wanted === null || wanted.toLowerCase() === sum) return { sum, known: wanted !== null };
  throw new NerveError("UPGRADE_FAILED", `${file} has the checksum ${sum}, not ${wanted}`, {
    hint: "nothing was changed; download it again",
  });
}

interface TargetWorkspace {
  readonly paths: WorkspacePaths;
  /** Whether its daemon runs in the background. */
  readonly runs: boolean;
}

/**
 * The selected workspace, or null. Throws DAEMON_RUNNING when its daemon runs in a terminal, where we cannot restart
 * it.
 */
async function findTargetWorkspace(io: CliIo, flag: string | undefined): Promise<TargetWorkspace | null> {
  try {
    const paths = await openWorkspace(io, flag), { kernel, supervised } = findDaemon(paths);
    if (supervised !== null || kernel === null) return { paths, runs: supervised !== null };
    if (kernel.kind === "embedded") return { paths, runs: false };
    if (kernel.kind === "command") throw workspaceHeld(paths.root, kernel, { hint: "nerve status" });
    throw new NerveError("DAEMON_RUNNING", `nerve run holds ${paths.root} (pid ${kernel.pid})`, {
      hint: "nothing was changed; end it (Ctrl-C in its terminal, or its service), upgrade, and run it again",
    });
  } catch (thrown) {
    // An upgrade needs no workspace, but one that was named must exist.
    if (flag !== undefined || !(thrown instanceof NerveError)) throw thrown;
    if (thrown.code === "OWNER_UNTRUSTED") print(io, `${sign.warning} ${toPrintable(thrown.message)}`);
    else if (thrown.code !== "WORKSPACE_MISSING") throw thrown;
    return null;
  }
}

/** Throws when the new nerve does not accept the workspace of a running daemon; warns when no daemon runs. */
async function requireAccepted(
  io: CliIo,
  candidate: string,
  { paths: { root }, runs }: TargetWorkspace,
): Promise<void> {
  const { success, stdout, lastLine } = await runProgram(candidate, ["validate", "--workspace", root]);
  if (success) return;
  const first = stdout.split("\n").find((line) => line.includes(" error ")) ?? lastLine;
  const what = `the new nerve does not accept ${root}: ${first.trim()}`;
  if (!runs) return print(io, `${sign.warning} ${toPrintable(what)}`);
  throw new NerveError("UPGRADE_FAILED", what, {
    hint: "nothing was changed; to see all errors: nerve validate, with the new file",
  });
}

/**
 * Stops the daemon, swaps the files, starts the daemon; rolls back when that fails. Returns the path of the old file.
 */
async function replace(
  io: CliIo,
  installed: string,
  candidate: string,
  daemon: WorkspacePaths | null,
): Promise<string> {
  const swap = createSwap(installed, candidate);
  const runInstalled = (command: "start" | "stop") =>
    runProgram(installed, [command, "--workspace", daemon?.root ?? ""]);
  // Ctrl-C reaches the child that currently runs, `nerve stop` or `nerve start`; this function then rolls back.
  const cancelInterrupt = io.onInterrupt(() => {});
  try {
    if (daemon !== null) {
      const stopped = await runInstalled("stop");
      // `nerve stop` also fails when it had to kill the daemon. The upgrade then continues, since the daemon has ended.
      if (isRunning(findDaemon(daemon))) {
        requireSuccess(stopped, "the daemon could not be stopped", "nothing was changed");
      }
    }
    try {
      await swap.install();
    } catch (thrown) {
      if (daemon !== null) await runInstalled("start");
      const message = `${installed} could not be replaced: ${messageOf(thrown)}`;
      throw new NerveError("UPGRADE_FAILED", message, { hint: "nothing was changed", cause: thrown });
    }
    if (daemon === null) return swap.kept;
    const started = await runInstalled("start");
    if (started.success) return swap.kept;
    await swap.rollBack();
    const restarted = await runInstalled("start");
    const state = restarted.success
      ? "the old one is back and runs"
      : "the old one is back, but does not start: nerve start";
    requireSuccess(started, "the new nerve did not start the daemon", state);
    return swap.kept;
  } finally {
    cancelInterrupt();
  }
}

function requireSuccess({ success, lastLine }: ExitedProgram, what: string, hint: string): void {
  if (!success) throw new NerveError("UPGRADE_FAILED", `${what}: ${lastLine}`, { hint });
}

async function removeIfThere(path: string): Promise<void> {
  try {
    await Deno.remove(path);
  } catch (thrown) {
    // The copy was renamed to the installed file.
    if (!(thrown instanceof Deno.errors.NotFound)) throw thrown;
  }
}
