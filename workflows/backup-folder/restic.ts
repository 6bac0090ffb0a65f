/**
 * Backups with restic. Used by index.ts.
 * I1. The lock of another restic that is working is never removed: only locks whose process is gone, or that were not
 *     refreshed for longer than restic itself allows.
 * I2. The password is only in the environment of the program.
 */
import { command, type CommandResult, formatSize } from "nerve";
import { hideUserinfo } from "../../lib/url.ts";
import type { Backup, Step, Tool } from "./settings.ts";

export interface ResticSettings {
  readonly password: string;
  /** Whether to create the repository when there is none. */
  readonly init: boolean;
  /** `--keep-daily` and the like, with their numbers; empty: all are kept. */
  readonly keep: readonly string[];
  /** The part of the data to read again, such as `5%`; null: only the structure is checked. */
  readonly verifyData: string | null;
  /** The mark of this workflow's backups. */
  readonly tag: string;
}

export function createRestic(backup: Backup, settings: ResticSettings): Tool {
  const restic = new Restic(backup, settings);
  return {
    prepare: () => restic.prepare(),
    backup: () => restic.backup(),
    forget: settings.keep.length === 0 ? null : () => restic.forget(),
    verify: () => restic.verify(),
  };
}

/** restic refreshes a lock every 5 minutes, and considers one of this age abandoned. */
const staleMs = 30 * 60_000;
/** Time to remove the lock of an aborted backup, before its role must have ended. */
const unlockMs = 3_500;
/** Some files could not be read: there is a backup of the others. */
const partialCode = 3;

class Restic {
  readonly #backup: Backup;
  readonly #settings: ResticSettings;

  constructor(backup: Backup, settings: ResticSettings) {
    this.#backup = backup;
    this.#settings = settings;
  }

  async prepare(): Promise<Step> {
    const found = await this.#run(["cat", "config", "--no-lock"], { logged: false });
    const isMissing = /unable to open config file|no such file|does not exist|NoSuchKey/i.test(found.output);
    if (found.success) return await this.#removeLeftLocks(this.#backup.signal);
    // A wrong password, or the server cannot be reached.
    if (!isMissing && found.code !== 10) throw this.#failure("restic cat config", found);
    if (!this.#settings.init) {
      throw new Error(
        `there is no repository at ${
          hideUserinfo(this.#backup.target)
        }: is it mounted? To make one, set config.init: true`,
      );
    }
    const made = await this.#run(["init"], {});
    if (!made.success) throw this.#failure("restic init", made);
    return { content: "made the repository", meta: { made: true, removedLocks: 0 } };
  }

  /** Removes locks of backups that were interrupted. */
  async #removeLeftLocks(signal: AbortSignal): Promise<Step> {
    const locks = await this.#listLocks(signal);
    for (const lock of locks) {
      if (await this.#isLeft(lock, signal)) continue;
      const { hostname, pid, time } = lock;
      throw new Error(`the repository is in use: process ${pid} on ${hostname} has had a lock since ${time}`);
    }
    if (locks.length > 0) {
      const done = await this.#run(["unlock"], { signal });
      if (!done.success) throw this.#failure("restic unlock", done);
    }
    const content = locks.length === 0
      ? "the repository is free"
      : `removed ${locks.length} locks that were left behind`;
    return { content, meta: { made: false, removedLocks: locks.length } };
  }

  async #listLocks(signal: AbortSignal): Promise<Lock[]> {
    const listed = await this.#run(["list", "locks", "--no-lock"], { logged: false, signal });
    if (!listed.success) throw this.#failure("restic list locks", listed);
    const locks: Lock[] = [];
    for (const id of listed.output.match(/^[\da-f]{64}$/gm) ?? []) {
      const one = await this.#run(["cat", "lock", id, "--no-lock"], { logged: false, signal });
      // It was released meanwhile.
      if (one.success) locks.push(parseLock(one.output));
    }
    return locks;
  }

  /**
   * restic itself sends a signal to check whether a process exists, and behind Landlock no signal arrives: it would
   * consider every lock of this machine abandoned.
   */
  async #isLeft({ hostname, pid, time }: Lock, signal: AbortSignal): Promise<boolean> {
    if (Date.now() - Date.parse(time) > staleMs) return true;
    if (hostname !== Deno.hostname()) return false;
    // Where the first process cannot be seen, no other can.
    return await isRunning(1, signal) && !await isRunning(pid, signal);
  }

  async backup(): Promise<Step> {
    const { folder, exclude, oneFileSystem, signal } = this.#backup;
    const args = [
      ...["backup", "--json", "--tag", this.#settings.tag],
      ...exclude.map((pattern) => `--exclude=${pattern}`),
      ...oneFileSystem ? ["--one-file-system"] : [],
      ...["--", folder],
    ];
    try {
      const done = await this.#run(args, { logged: false });
      if (!done.success && done.code !== partialCode) throw this.#failure("restic backup", done);
      return toStep(parseSummary(done.output), done.code !== partialCode);
    } catch (thrown) {
      if (signal.aborted) await this.#releaseLock();
      throw thrown;
    }
  }

  /** Removes the lock of an aborted backup, so that the run can be run again at once; else the next run removes it. */
  async #releaseLock(): Promise<void> {
    try {
      await this.#removeLeftLocks(AbortSignal.timeout(unlockMs));
    } catch (thrown) {
      this.#backup.log("warn", `a lock is left: ${thrown instanceof Error ? thrown.message : String(thrown)}`);
    }
  }

  async forget(): Promise<Step> {
    const { keep, tag } = this.#settings;
    const done = await this.#run(["forget", "--tag", tag, ...keep, "--prune"], {});
    if (!done.success) throw this.#failure("restic forget", done);
    const kept = countKept(done.output);
    return { content: `${kept} backups are kept`, meta: { kept } };
  }

  async verify(): Promise<Step> {
    const { verifyData } = this.#settings;
    const subset = verifyData === null ? [] : [`--read-data-subset=${verifyData}`];
    const done = await this.#run(["check", ...subset], {});
    if (!done.success) throw this.#failure("restic check", done);
    const stats = await this.#run(["stats", "--mode", "raw-data", "--json", "--no-lock"], { logged: false });
    const size = /"total_size":\s*(\d+)/.exec(stats.output)?.[1], bytes = size === undefined ? null : Number(size);
    const whole = verifyData === null ? "" : `, and read ${verifyData} of its data`;
    const content = `checked the repository${whole}${bytes === null ? "" : `: ${formatSize(bytes)}`}`;
    return { content, meta: { repositoryBytes: bytes, readAgain: verifyData } };
  }

  #run(
    args: readonly string[],
    { logged = true, signal }: { logged?: boolean; signal?: AbortSignal },
  ): Promise<CommandResult> {
    const { target, timeoutMs, log } = this.#backup;
    // Without a home there is no cache. The address may contain a password, so it is in the environment, too.
    const env = { RESTIC_REPOSITORY: target, RESTIC_PASSWORD: this.#settings.password, LC_ALL: "C.UTF-8" };
    return command("restic", ["--no-cache", ...args], {
      signal: signal ?? this.#backup.signal,
      env: { ...env, RESTIC_PROGRESS_FPS: "0.016" },
      timeout: timeoutMs,
      ...logged ? { log: (level, message, data) => log(level, hideUserinfo(message), data) } : {},
    });
  }

  #failure(what: string, { code, output }: CommandResult): Error {
    const said = output.split("\n").filter((line) => line.trim() !== "" && !line.startsWith("{")).slice(0, 3).join(" ");
    const text = hideUserinfo(`${what} ended with exit code ${code}: ${said.slice(0, 500)}`);
    return new Error(text.replaceAll(this.#settings.password, "***"));
  }
}

/** restic prints the number for each folder and machine. */
export function countKept(output: string): number {
  return [...output.matchAll(/^keep (\d+) snapshots:/gm)].reduce((sum, [, count]) => sum + Number(count), 0);
}

/** Landlock lets a program check whether a file exists. */
async function isRunning(pid: number, signal: AbortSignal): Promise<boolean> {
  return (await command("test", ["-e", `/proc/${pid}`], { signal })).success;
}

interface Lock {
  readonly time: string;
  readonly hostname: string;
  readonly pid: number;
}

/** Throws when the text is not a lock. */
export function parseLock(text: string): Lock {
  const { time, hostname, pid } = JSON.parse(text.slice(text.indexOf("{")));
  if (typeof time !== "string" || typeof pid !== "number") {
    throw new Error(`restic told a lock in an unknown form: ${text.slice(0, 200)}`);
  }
  return { time, hostname: String(hostname ?? ""), pid };
}

export interface Summary {
  readonly snapshot: string;
  readonly files: number;
  readonly bytes: number;
  readonly addedBytes: number;
}

/** The last line that is not about progress. Throws when there is none. */
export function parseSummary(output: string): Summary {
  const line = output.split("\n").findLast((each) => each.includes('"message_type":"summary"'));
  if (line === undefined) throw new Error("restic printed no summary");
  const told = JSON.parse(line);
  return {
    snapshot: String(told.snapshot_id ?? ""),
    files: Number(told.total_files_processed ?? 0),
    bytes: Number(told.total_bytes_processed ?? 0),
    addedBytes: Number(told.data_added ?? 0),
  };
}

function toStep({ snapshot, files, bytes, addedBytes }: Summary, complete: boolean): Step {
  const partial = complete ? "" : "; some files could not be read";
  const content = `${files} files (${formatSize(bytes)}), ${
    formatSize(addedBytes)
  } of them new, in backup ${snapshot}${partial}`;
  return { content, meta: { snapshot, files, bytes, addedBytes, complete } };
}
