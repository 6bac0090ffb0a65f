/**
 * `nerve upgrade --from FILE`: replaces the installed executable, and the daemon of the workspace with it.
 * I1. Nothing is changed before the new file has shown that it is a nerve which runs here and takes this workspace.
 * I2. There is an executable at every moment; the old one is kept beside it.
 * I3. When the new one does not start the daemon, the old one is put back and started.
 */
import { resolve } from "node:path";
import { messageOf, NerveError } from "../../base/errors.ts";
import { toPrintable } from "../../base/printable.ts";
import { version } from "../../base/version.ts";
import type { WorkspacePaths } from "../../config/workspace.ts";
import { findDaemon, isRunning } from "../../daemon/discovery.ts";
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
    throw new NerveError("UPGRADE_FAILED", "This nerve runs from a clone, which is not one file to replace", {
      hint: "git pull, or build a file with deno task build and put it in place with install.sh",
    });
  }
  const file = resolve(io.cwd, flags.from);
  using _lock = await lockInstalled(installed);
  const candidate = await copyCandidate(installed, file);
  try {
    const { sum, known } = await checkedSum(candidate, file, flags.sha256);
    if (sum === await hashFile(installed)) {
      print(io, `${sign.ok} ${toPrintable(installed)} is this very file already`);
      return exit.ok;
    }
    const next = await readVersionOf(candidate);
    const workspace = await workspaceHere(io, flags.workspace);
    if (workspace !== null) await mustTake(io, candidate, workspace);
    const daemon = workspace?.runs === true ? workspace.paths : null;
    const kept = await replace(io, installed, candidate, daemon);
    print(io, `${sign.ok} ${toPrintable(installed)}: nerve ${version} is now ${toPrintable(next)}`);
    if (!known) print(io, `   its sum was not compared: there is no ${toPrintable(file)}.sha256`);
    if (daemon !== null) print(io, `   the daemon of ${toPrintable(daemon.root)} runs on it`);
    print(io, `   to go back: nerve upgrade --from ${toPrintable(kept)}`);
    return exit.ok;
  } finally {
    await removeIfThere(candidate);
  }
}

/** The sum of the copy that is to be installed, after it was compared with the one that was given or stands beside the file. */
async function checkedSum(
  candidate: string,
  file: string,
  given: string | undefined,
): Promise<{ sum: string; known: boolean }> {
  const sum = await hashFile(candidate), wanted = given ?? await readChecksumFile(file);
  if (wanted === null || wanted.toLowerCase() === sum) return { sum, known: wanted !== null };
  throw new NerveError("UPGRADE_FAILED", `${file} has the sum ${sum}, not ${wanted}`, {
    hint: "Nothing was changed. Download it again.",
  });
}

interface WorkspaceHere {
  readonly paths: WorkspacePaths;
  /** Whether its daemon runs in the background. */
  readonly runs: boolean;
}

/** The workspace that the command means, or null. Refuses one whose daemon only a terminal can end. */
async function workspaceHere(io: CliIo, flag: string | undefined): Promise<WorkspaceHere | null> {
  try {
    const paths = await openWorkspace(io, flag), { kernel, supervised } = findDaemon(paths);
    if (supervised !== null || kernel === null) return { paths, runs: supervised !== null };
    throw new NerveError("DAEMON_RUNNING", `nerve run holds ${paths.root} (pid ${kernel.pid})`, {
      hint: "Nothing was changed. End it (Ctrl-C in its terminal, or its service), upgrade, and run it again.",
    });
  } catch (thrown) {
    // An upgrade needs no workspace; but one that was named must be there.
    if (flag === undefined && thrown instanceof NerveError && thrown.code === "WORKSPACE_MISSING") return null;
    throw thrown;
  }
}

/** A daemon is not stopped for a nerve that will not start it; where none runs, a word about it is enough. */
async function mustTake(io: CliIo, candidate: string, { paths: { root }, runs }: WorkspaceHere): Promise<void> {
  const { success, stdout, lastLine } = await runProgram(candidate, ["validate", "--workspace", root]);
  if (success) return;
  const first = stdout.split("\n").find((line) => line.includes(" error ")) ?? lastLine;
  const what = `the new nerve does not take ${root}: ${first.trim()}`;
  if (!runs) return print(io, `${sign.warning} ${toPrintable(what)}`);
  throw new NerveError("UPGRADE_FAILED", what, {
    hint: `Nothing was changed. What it says: nerve validate, by the new file`,
  });
}

/** Stops, swaps, starts; back to the old one when that fails. Returns where the old one is kept. */
async function replace(
  io: CliIo,
  installed: string,
  candidate: string,
  daemon: WorkspacePaths | null,
): Promise<string> {
  const swap = createSwap(installed, candidate);
  const tell = (command: "start" | "stop") => runProgram(installed, [command, "--workspace", daemon?.root ?? ""]);
  // Ctrl-C ends what runs at that moment, the old daemon's wait or the new one's start; then it goes back in order.
  const forget = io.onInterrupt(() => {});
  try {
    if (daemon !== null) {
      const stopped = await tell("stop");
      // One that did not stop in time was killed, which is a failure of `nerve stop`, and no reason to stay stopped.
      if (isRunning(findDaemon(daemon))) must(stopped, "the daemon could not be stopped", "Nothing was changed.");
    }
    try {
      await swap.install();
    } catch (thrown) {
      if (daemon !== null) await tell("start");
      const message = `${installed} could not be replaced: ${messageOf(thrown)}`;
      throw new NerveError("UPGRADE_FAILED", message, { hint: "Nothing was changed.", cause: thrown });
    }
    if (daemon === null) return swap.kept;
    const started = await tell("start");
    if (started.success) return swap.kept;
    await swap.rollBack();
    const again = await tell("start");
    const state = again.success
      ? "The old one is back and runs."
      : "The old one is back, but does not start: nerve start";
    must(started, "the new nerve did not start the daemon", state);
    return swap.kept;
  } finally {
    forget();
  }
}

function must({ success, lastLine }: ExitedProgram, what: string, hint: string): void {
  if (!success) throw new NerveError("UPGRADE_FAILED", `${what}: ${lastLine}`, { hint });
}

async function removeIfThere(path: string): Promise<void> {
  try {
    await Deno.remove(path);
  } catch (thrown) {
    // It has taken the old one's place.
    if (!(thrown instanceof Deno.errors.NotFound)) throw thrown;
  }
}
