/**
 * Finds the installed executable, asks it for its version, and replaces it so that there is an executable at every
 * moment. Used by cli/commands/upgrade.ts and systemd.ts.
 */
import { basename, dirname, join, resolve } from "node:path";
import { messageOf, NerveError } from "../../base/errors.ts";
import { unlockAndClose } from "../../base/file_lock.ts";
import { ifPresentAsync } from "../../base/if_present.ts";
import { buildSelfArguments, findOwnProgram, isCompiled } from "../../base/self_exec.ts";
import type { CliIo } from "../io.ts";

// Imported dynamically: a static import would load it at every start of a built nerve (tools/build/bundle.ts).
const { createHash } = await import("node:crypto");

/** Set by the header of the portable form (tools/build/header.sh) to the executable's own path. */
const executableVariable = "NERVE_EXECUTABLE";

/** The real path of the executable that runs now. Null for a clone, which is not a single file. */
export async function findInstalledFile(io: CliIo): Promise<string | null> {
  const file = isCompiled ? findOwnProgram() : io.env[executableVariable];
  return file === undefined ? null : await Deno.realPath(resolve(io.cwd, file));
}

/**
 * The command that starts the installed nerve, and still does after an upgrade. For the portable form this is the file
 * itself; the folder that it was unpacked to changes with each version.
 */
export function buildInstalledCommand(env: CliIo["env"]): string[] {
  const file = isCompiled ? undefined : env[executableVariable];
  return file === undefined ? [findOwnProgram(), ...buildSelfArguments()] : [file];
}

export interface ExitedProgram {
  readonly success: boolean;
  readonly stdout: string;
  /** The last line that it printed, for an error message. */
  readonly lastLine: string;
}

/** Runs an executable to its end. Throws when the file is not one. */
export async function runProgram(file: string, args: readonly string[]): Promise<ExitedProgram> {
  const command = new Deno.Command(file, { args: [...args], stdin: "null", stdout: "piped", stderr: "piped" });
  const { success, stdout, stderr } = await command.output();
  const decoder = new TextDecoder(), out = decoder.decode(stdout);
  const lastWords = (decoder.decode(stderr).trim() || out.trim()).split("\n").at(-1) ?? "";
  return { success, stdout: out, lastLine: lastWords.trim() };
}

/** The version that `file` reports. Throws UPGRADE_FAILED when it is not a nerve executable for this machine. */
export async function readVersionOf(file: string): Promise<string> {
  const createError = (cause: unknown) =>
    new NerveError("UPGRADE_FAILED", `${basename(file)} is not a nerve executable for this machine`, {
      hint: "nothing was changed; download it again, for this system and processor",
      cause,
    });
  try {
    const { success, stdout, lastLine } = await runProgram(file, ["version", "--json"]);
    const { nerve } = Object(success ? JSON.parse(stdout) : null);
    if (typeof nerve !== "string") throw createError(lastLine);
    return nerve;
  } catch (thrown) {
    throw thrown instanceof NerveError ? thrown : createError(thrown);
  }
}

export async function hashFile(path: string): Promise<string> {
  const hash = createHash("sha256");
  using file = await Deno.open(path);
  for await (const chunk of file.readable) hash.update(chunk);
  return hash.digest("hex");
}

/** The checksum in `PATH.sha256`, as `sha256sum` writes it. Null when there is no such file. */
export async function readChecksumFile(path: string): Promise<string | null> {
  const text = await ifPresentAsync(() => Deno.readTextFile(`${path}.sha256`));
  return text === null ? null : text.trim().split(/\s+/)[0] ?? "";
}

export interface Swap {
  /** Puts the new file in the place of the old one, which is kept as `kept`. */
  install(): Promise<void>;
  /** Puts the old file back. */
  rollBack(): Promise<void>;
  readonly kept: string;
}

/** Both files must be in one folder, so that a rename replaces one with the other and an executable is always there. */
export function createSwap(installed: string, candidate: string): Swap {
  const kept = `${installed}.old`;
  return {
    kept,
    async install() {
      await Deno.copyFile(installed, `${kept}.new`);
      await Deno.rename(`${kept}.new`, kept);
      await Deno.rename(candidate, installed);
    },
    rollBack: () => Deno.rename(kept, installed),
  };
}

/**
 * Locks the executable while it is replaced: if two upgrades ran at once, each could keep the other's new file as the
 * old one. Throws UPGRADE_FAILED when another upgrade holds the lock.
 */
export async function lockInstalled(installed: string): Promise<Disposable> {
  const file = await Deno.open(installed);
  const [locked, held, present] = [await file.tryLock(true), await file.stat(), await Deno.stat(installed)];
  // The lock belongs to the inode. If an upgrade has just ended, the name already leads to another file.
  if (locked && held.ino === present.ino) return { [Symbol.dispose]: () => unlockAndClose(file) };
  unlockAndClose(file);
  throw new NerveError("UPGRADE_FAILED", `another upgrade is replacing ${installed}`, {
    hint: "nothing was changed; wait until it has ended",
  });
}

/** Copies `file` beside the installed one, ready to be tried and to replace it. Throws UPGRADE_FAILED. */
export async function copyCandidate(installed: string, file: string): Promise<string> {
  const folder = dirname(installed), candidate = join(folder, `.${basename(installed)}.${Deno.pid}.new`);
  await failWith(`${file} cannot be read`, async () => {
    if (!(await Deno.stat(file)).isFile) throw new Error("it is not a file");
    (await Deno.open(file)).close();
  });
  await failWith(`${folder} cannot be written to`, async () => {
    for await (const { name } of Deno.readDir(folder)) {
      // Left by an upgrade that was killed. We hold the lock, so no running upgrade owns it.
      if (isCandidate(name, installed)) await Deno.remove(join(folder, name));
    }
    await Deno.copyFile(file, candidate);
    await Deno.chmod(candidate, 0o755);
  });
  return candidate;
}

/** Files that upgrades left beside the installed one: the version before, and files of upgrades that were killed. */
export function listUpgradeFiles(installed: string): string[] {
  const own = basename(installed), kept = [`${own}.old`, `${own}.old.new`];
  return [...Deno.readDirSync(dirname(installed))].map(({ name }) => name)
    .filter((name) => kept.includes(name) || isCandidate(name, installed))
    .map((name) => join(dirname(installed), name)).sort();
}

function isCandidate(name: string, installed: string): boolean {
  const own = `.${basename(installed)}.`;
  return name.startsWith(own) && /^\d+\.new$/.test(name.slice(own.length));
}

async function failWith(problem: string, act: () => Promise<void>): Promise<void> {
  try {
    await act();
  } catch (thrown) {
    const message = `${problem}: ${messageOf(thrown)}`;
    throw new NerveError("UPGRADE_FAILED", message, { hint: "nothing was changed", cause: thrown });
  }
}
