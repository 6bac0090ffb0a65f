/**
 * Copies the folder with rsync. Used by index.ts.
 * I1. A file of the copy is complete: rsync writes it in a folder beside the copy, and renames it. What an interrupted
 *     run left there is removed by the next one.
 */
import { command, type CommandResult, formatSize } from "nerve";
import type { Backup, Step, Tool } from "./settings.ts";

export interface RsyncSettings {
  /** Whether to remove from the copy what is gone from the folder. */
  readonly remove: boolean;
  /** A file that must exist in the target, and is neither copied nor removed. */
  readonly marker: string | null;
}

export function createRsync(backup: Backup, settings: RsyncSettings): Tool {
  const rsync = new Rsync(backup, settings);
  return { prepare: () => rsync.prepare(), backup: () => rsync.backup(), forget: null, verify: () => rsync.verify() };
}

/** A folder in the target. */
const beside = ".nerve-backup";
/** Files vanished while they were copied. */
const vanishedCode = 24, partialCode = 23;

class Rsync {
  readonly #backup: Backup;
  readonly #settings: RsyncSettings;

  constructor(backup: Backup, settings: RsyncSettings) {
    this.#backup = backup;
    this.#settings = settings;
  }

  async prepare(): Promise<Step> {
    const { target } = this.#backup,
      { marker } = this.#settings,
      wanted = marker === null ? target : `${target}/${marker}`;
    try {
      await Deno.stat(wanted);
    } catch (thrown) {
      if (!(thrown instanceof Deno.errors.NotFound)) throw thrown;
      // If a share is not mounted, a copy would fill the disk below its mount point.
      throw new Error(`there is no ${wanted}: is the target mounted?`);
    }
    const left = await this.#clean();
    return {
      content: left ? "removed what an interrupted run had left" : "the target is ready",
      meta: { removedRest: left },
    };
  }

  async #clean(): Promise<boolean> {
    try {
      await Deno.remove(`${this.#backup.target}/${beside}`, { recursive: true });
      return true;
    } catch (thrown) {
      if (thrown instanceof Deno.errors.NotFound) return false;
      throw thrown;
    }
  }

  async backup(): Promise<Step> {
    await Deno.mkdir(`${this.#backup.target}/${beside}`, { recursive: true });
    const done = await this.#run(["--stats", "--no-human-readable", `--temp-dir=${beside}`]);
    if (!done.success && done.code !== vanishedCode && done.code !== partialCode) throw failure(done);
    await this.#clean();
    const { files, bytes, addedBytes } = parseStats(done.output), complete = done.code !== partialCode;
    const partial = complete ? "" : "; some files could not be copied";
    const content = `${files} files (${formatSize(bytes)}), ${formatSize(addedBytes)} of them copied${partial}`;
    return { content, meta: { files, bytes, addedBytes, complete } };
  }

  /** Compares the contents of every file. */
  async verify(): Promise<Step> {
    const done = await this.#run(["--checksum", "--dry-run", "--itemize-changes"]);
    if (!done.success && done.code !== vanishedCode) throw failure(done);
    const differing = parseDifferences(done.output);
    if (differing.length > 0) {
      const names = differing.slice(0, 5).join(", ");
      throw new Error(`${differing.length} files of the copy differ, such as ${names}: did they change meanwhile?`);
    }
    return { content: "every file of the copy is as the original", meta: {} };
  }

  #run(more: readonly string[]): Promise<CommandResult> {
    const { folder, target, exclude, oneFileSystem, timeoutMs, signal, log } = this.#backup;
    const { remove, marker } = this.#settings;
    const args = [
      ...["--archive", "--hard-links", `--exclude=/${beside}`],
      ...marker === null ? [] : [`--exclude=/${marker}`],
      ...exclude.map((pattern) => `--exclude=${pattern}`),
      ...oneFileSystem ? ["--one-file-system"] : [],
      ...remove ? ["--delete-delay"] : [],
      ...more,
      ...["--", `${folder.replace(/\/+$/, "")}/`, `${target.replace(/\/+$/, "")}/`],
    ];
    return command("rsync", args, { signal, log, timeout: timeoutMs, env: { LC_ALL: "C.UTF-8" } });
  }
}

function failure({ code, output }: CommandResult): Error {
  const said = output.split("\n").find((line) => line.startsWith("rsync")) ?? output.slice(0, 200);
  return new Error(`rsync ended with exit code ${code}: ${said.slice(0, 500)}`);
}

export interface Stats {
  readonly files: number;
  readonly bytes: number;
  readonly addedBytes: number;
}

/** Throws when the text has no statistics. */
export function parseStats(output: string): Stats {
  const number = (title: string) => {
    const found = new RegExp(`^${title}: ([\\d,.]+)`, "m").exec(output)?.[1];
    if (found === undefined) throw new Error("rsync printed no statistics");
    return Number(found.replaceAll(/[,.]/g, ""));
  };
  const regular = /^Number of files: .*?\breg: ([\d,.]+)/m.exec(output)?.[1];
  return {
    files: regular === undefined ? 0 : Number(regular.replaceAll(/[,.]/g, "")),
    bytes: number("Total file size"),
    addedBytes: number("Total transferred file size"),
  };
}

/** Names of files whose contents differ or are missing, and of those that should not exist. */
export function parseDifferences(output: string): string[] {
  return output.split("\n").flatMap((line) => {
    const found = /^(?:[<>]f\S* |\*deleting +)(.+)$/.exec(line)?.[1];
    return found === undefined ? [] : [found];
  });
}
