/**
 * `nerve upgrade --from FILE`: replaces the installed executable, and the daemon of the workspace with it.
 * I1. Nothing is changed before the new file has shown that it is a nerve which runs here and takes this workspace.
 * I2. There is an executable at every moment; the old one is kept beside it.
 * I3. When the new one does not start the daemon, the old one is put back and started.
 */
import { resolve } from "node:path";
import { messageOf, NerveError } from "../../base/errors.ts";
import { version } from "../../base/version.ts";
import { findDaemon } from "../../daemon/whereabouts.ts";
import {
  candidateBeside,
  type Ended,
  installedFile,
  runFile,
  sha256OfFile,
  sumBeside,
  swapOf,
  versionOf,
} from "../installation.ts";
import { type CliIo, exit } from "../io.ts";
import { print, printable, sign } from "../output.ts";
import { openWorkspace } from "../workspace.ts";

interface Flags {
  readonly from: string;
  readonly sha256?: string | undefined;
  readonly workspace?: string | undefined;
}

export async function upgrade(io: CliIo, flags: Flags): Promise<number> {
  const installed = await installedFile(io);
  if (installed === null) {
    throw new NerveError("UPGRADE_FAILED", "This nerve runs from a clone, which is not one file to replace", {
      hint: "git pull, or build a file with deno task build and put it in place with install.sh",
    });
  }
  const file = resolve(io.cwd, flags.from), sum = await checkedSum(file, flags.sha256);
  if (sum === await sha256OfFile(installed)) {
    print(io, `${sign.ok} ${printable(installed)} is this very file already`);
    return exit.ok;
  }
  const candidate = await candidateBeside(installed, file);
  try {
    const next = await versionOf(candidate);
    const root = await daemonRoot(io, flags.workspace);
    if (root !== null) await mustTake(candidate, root);
    const kept = await replace(installed, candidate, root);
    print(io, `${sign.ok} ${printable(installed)}: nerve ${version} is now ${printable(next)}`);
    if (root !== null) print(io, `   the daemon of ${printable(root)} runs on it`);
    print(io, `   to go back: nerve upgrade --from ${printable(kept)}`);
    return exit.ok;
  } finally {
    await removeIfThere(candidate);
  }
}

/** The sum of the file, after it was compared with the one that was given or stands beside it. */
async function checkedSum(file: string, given: string | undefined): Promise<string> {
  let sum: string;
  try {
    sum = await sha256OfFile(file);
  } catch (thrown) {
    const message = `${file} cannot be read: ${messageOf(thrown)}`;
    throw new NerveError("UPGRADE_FAILED", message, { hint: "Nothing was changed.", cause: thrown });
  }
  const wanted = given ?? await sumBeside(file);
  if (wanted === null || wanted.toLowerCase() === sum) return sum;
  throw new NerveError("UPGRADE_FAILED", `${file} has the sum ${sum}, not ${wanted}`, {
    hint: "Nothing was changed. Download it again.",
  });
}

/** The workspace whose daemon runs in the background, or null. Refuses what only a terminal can end. */
async function daemonRoot(io: CliIo, flag: string | undefined): Promise<string | null> {
  try {
    const paths = await openWorkspace(io, flag), { kernel, supervised } = findDaemon(paths);
    if (supervised !== null) return paths.root;
    if (kernel === null) return null;
    throw new NerveError("DAEMON_RUNNING", `nerve run holds ${paths.root} (pid ${kernel.pid})`, {
      hint: "Nothing was changed. End it (Ctrl-C in its terminal, or its service), upgrade, and run it again.",
    });
  } catch (thrown) {
    // An upgrade needs no workspace; but one that was named must be there.
    if (flag === undefined && thrown instanceof NerveError && thrown.code === "WORKSPACE_MISSING") return null;
    throw thrown;
  }
}

async function mustTake(candidate: string, root: string): Promise<void> {
  const { success, lastWords } = await runFile(candidate, ["validate", "--workspace", root]);
  if (success) return;
  throw new NerveError("UPGRADE_FAILED", `the new nerve does not take ${root}: ${lastWords}`, {
    hint: `Nothing was changed. What it says: nerve validate, by the new file`,
  });
}

/** Stops, swaps, starts; back to the old one when that fails. Returns where the old one is kept. */
async function replace(installed: string, candidate: string, root: string | null): Promise<string> {
  const swap = swapOf(installed, candidate);
  const daemon = (command: "start" | "stop") => runFile(installed, [command, "--workspace", root ?? ""]);
  if (root !== null) must(await daemon("stop"), "the daemon could not be stopped", "Nothing was changed.");
  try {
    await swap.forth();
  } catch (thrown) {
    if (root !== null) await daemon("start");
    const message = `${installed} could not be replaced: ${messageOf(thrown)}`;
    throw new NerveError("UPGRADE_FAILED", message, { hint: "Nothing was changed.", cause: thrown });
  }
  if (root === null) return swap.kept;
  const started = await daemon("start");
  if (started.success) return swap.kept;
  await swap.back();
  const again = await daemon("start");
  const state = again.success
    ? "The old one is back and runs."
    : "The old one is back, but does not start: nerve start";
  must(started, "the new nerve did not start the daemon", state);
  return swap.kept;
}

function must({ success, lastWords }: Ended, what: string, hint: string): void {
  if (!success) throw new NerveError("UPGRADE_FAILED", `${what}: ${lastWords}`, { hint });
}

async function removeIfThere(path: string): Promise<void> {
  try {
    await Deno.remove(path);
  } catch (thrown) {
    // It has taken the old one's place.
    if (!(thrown instanceof Deno.errors.NotFound)) throw thrown;
  }
}
