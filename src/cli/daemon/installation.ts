/**
 * The nerve that is installed, as a file: what it says of itself, and how it is replaced without a moment in which there
 * is none. Used by `nerve upgrade`, and by systemd.ts.
 */
import { basename, dirname, join, resolve } from "node:path";
import { messageOf, NerveError } from "../../base/errors.ts";
import { ifPresentAsync } from "../../base/if_present.ts";
import { buildSelfArguments, findOwnProgram, isCompiled } from "../../base/self_exec.ts";
import type { CliIo } from "../io.ts";

// Where a static import would load it at every start of a built nerve (tools/build/bundle.ts).
const { createHash } = await import("node:crypto");

/** Set by the header of the portable form (tools/build/header.sh): its own path. */
const executableVariable = "NERVE_EXECUTABLE";

/** The real path of the executable that runs now; null for a clone, which is no single file. */
export async function findInstalledFile(io: CliIo): Promise<string | null> {
  const file = isCompiled ? findOwnProgram() : io.env[executableVariable];
  return file === undefined ? null : await Deno.realPath(resolve(io.cwd, file));
}

/**
 * The command that starts the installed nerve, also tomorrow: the portable file itself, not what it unpacked, which the
 * next version leaves behind.
 */
export function buildInstalledCommand(env: CliIo["env"]): string[] {
  const file = isCompiled ? undefined : env[executableVariable];
  return file === undefined ? [findOwnProgram(), ...buildSelfArguments()] : [file];
}

export interface ExitedProgram {
  readonly success: boolean;
  readonly stdout: string;
  /** What it printed last, for a reader. */
  readonly lastLine: string;
}

/** Runs a nerve to its end. Throws when the file is no program. */
export async function runProgram(file: string, args: readonly string[]): Promise<ExitedProgram> {
  const command = new Deno.Command(file, { args: [...args], stdin: "null", stdout: "piped", stderr: "piped" });
  const { success, stdout, stderr } = await command.output();
  const decoder = new TextDecoder(), out = decoder.decode(stdout);
  const lastWords = (decoder.decode(stderr).trim() || out.trim()).split("\n").at(-1) ?? "";
  return { success, stdout: out, lastLine: lastWords.trim() };
}

/** What `file` says it is. Throws UPGRADE_FAILED when it is no nerve that runs on this machine. */
export async function readVersionOf(file: string): Promise<string> {
  const refuse = (cause: unknown) =>
    new NerveError("UPGRADE_FAILED", `${basename(file)} is no nerve that runs on this machine`, {
      hint: "Nothing was changed. Download it again, for this system and processor.",
      cause,
    });
  try {
    const { success, stdout, lastLine } = await runProgram(file, ["version", "--json"]);
    const { nerve } = Object(success ? JSON.parse(stdout) : null);
    if (typeof nerve !== "string") throw refuse(lastLine);
    return nerve;
  } catch (thrown) {
    throw thrown instanceof NerveError ? thrown : refuse(thrown);
  }
}

export async function hashFile(path: string): Promise<string> {
  const hash = createHash("sha256");
  using file = await Deno.open(path);
  for await (const chunk of file.readable) hash.update(chunk);
  return hash.digest("hex");
}

/** The sum that stands beside a file, as `sha256sum` writes it; null when there is none. */
export async function readChecksumFile(path: string): Promise<string | null> {
  const text = await ifPresentAsync(() => Deno.readTextFile(`${path}.sha256`));
  return text === null ? null : text.trim().split(/\s+/)[0] ?? "";
}

export interface Swap {
  /** Puts the new file in the place of the old one, which stays as `kept`. */
  install(): Promise<void>;
  /** Undoes it. */
  rollBack(): Promise<void>;
  readonly kept: string;
}

/** Both files must be in one folder, so that a rename is all it takes: whoever starts nerve finds one of the two. */
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
 * Held while the file is replaced: two upgrades at once would take each other's half for the old one. Throws UPGRADE_FAILED
 * when another one holds it.
 */
export async function lockInstalled(installed: string): Promise<Disposable> {
  const file = await Deno.open(installed);
  const [locked, held, present] = [await file.tryLock(true), await file.stat(), await Deno.stat(installed)];
  // The lock is the file's, not the name's: an upgrade that has just ended has left the name to another file.
  if (locked && held.ino === present.ino) return file;
  file.close();
  throw new NerveError("UPGRADE_FAILED", `another upgrade is replacing ${installed}`, {
    hint: "Nothing was changed. Wait until it has ended.",
  });
}

/** A copy beside the installed file, ready to be tried and to take its place. Throws UPGRADE_FAILED. */
export async function copyCandidate(installed: string, file: string): Promise<string> {
  const folder = dirname(installed), candidate = join(folder, `.${basename(installed)}.${Deno.pid}.new`);
  await tryTo(`${file} cannot be read`, async () => {
    if (!(await Deno.stat(file)).isFile) throw new Error("it is no file");
    (await Deno.open(file)).close();
  });
  await tryTo(`${folder} cannot be written to`, async () => {
    for await (const { name } of Deno.readDir(folder)) {
      // Of an upgrade that was killed: with the lock held, nobody else's.
      if (isCandidate(name, installed)) await Deno.remove(join(folder, name));
    }
    await Deno.copyFile(file, candidate);
    await Deno.chmod(candidate, 0o755);
  });
  return candidate;
}

function isCandidate(name: string, installed: string): boolean {
  const own = `.${basename(installed)}.`;
  return name.startsWith(own) && /^\d+\.new$/.test(name.slice(own.length));
}

async function tryTo(otherwise: string, act: () => Promise<void>): Promise<void> {
  try {
    await act();
  } catch (thrown) {
    const message = `${otherwise}: ${messageOf(thrown)}`;
    throw new NerveError("UPGRADE_FAILED", message, { hint: "Nothing was changed.", cause: thrown });
  }
}
