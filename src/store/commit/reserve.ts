/**
 * Disk space kept for the log: a file that shrinks, step by step, when a commit finds the disk full. So events on a
 * full disk are still recorded and reported, and a run that frees space can do its work. Used by group_commit.ts;
 * kernel/disk_reserve.ts fills it.
 * I1. The reserve never takes space that others need: it grows only while more than that is free.
 */
import { dirname } from "node:path";
import { ifPresent } from "../../base/if_present.ts";
import { reserveBytes, reserveSliceBytes } from "../../base/database_limits.ts";

/** The part of the reserve that the writer of the log uses. */
export interface SpareSpace {
  /** Gives some of the reserve to the disk. False: nothing is left. */
  give(): boolean;
}

export class Reserve implements SpareSpace {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  /** The size of what is left. */
  get bytes(): number {
    return ifPresent(() => Deno.statSync(this.#path).size) ?? 0;
  }

  give(): boolean {
    const left = this.bytes;
    if (left === 0 || !Deno.lstatSync(this.#path).isFile) return false;
    try {
      Deno.truncateSync(this.#path, Math.max(0, left - reserveSliceBytes));
      return true;
    } catch {
      // A file that was made unwritable cannot serve as a reserve. The writer reports that the disk is full.
      return false;
    }
  }

  /** Fills the reserve as far as there is space. Resolves with whether it is full. Throws the error of the system. */
  async fill(signal: AbortSignal): Promise<boolean> {
    const missing = reserveBytes - this.bytes;
    if (missing <= 0) return true;
    // Through a link its target would be filled, and a pipe never ends.
    if (ifPresent(() => Deno.lstatSync(this.#path).isFile) === false) {
      throw new Error("it is not a regular file: move it away");
    }
    // Loaded only here: few processes hold a reserve.
    const { statfs } = await import("node:fs/promises");
    const { bavail, bsize } = await statfs(dirname(this.#path));
    if (bavail * bsize < 2 * missing) return false;
    using file = await Deno.open(this.#path, { create: true, append: true, mode: 0o600 });
    // Zeros would take no space where the disk compresses.
    const block = crypto.getRandomValues(new Uint8Array(65_536));
    while (this.bytes < reserveBytes && !signal.aborted) await file.write(block);
    return !signal.aborted;
  }
}
