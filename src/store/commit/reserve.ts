/**
 * Space on the disk that is kept for the log: a file that is made smaller, bit by bit, when a commit finds the disk full.
 * So what happens on a full disk is still recorded and told, and a run that makes space can do its work. Used by
 * group_commit.ts; kernel/disk_reserve.ts fills it.
 * I1. It never takes the space that others need: it grows only while more than that is free.
 */
import { dirname } from "node:path";
import { ifPresent } from "../../base/if_present.ts";
import { reserveBytes, reserveSliceBytes } from "../../base/database_limits.ts";

/** What the writer of the log needs of it. */
export interface SpareSpace {
  /** Gives some of it to the disk. False: nothing is left. */
  give(): boolean;
}

export class Reserve implements SpareSpace {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  /** What is left of it. */
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
      // A file that somebody made unwritable is no reserve. The writer reports that the disk is full.
      return false;
    }
  }

  /** Fills it as far as there is space. Resolves with whether it is full. Throws the error of the system. */
  async fill(signal: AbortSignal): Promise<boolean> {
    const missing = reserveBytes - this.bytes;
    if (missing <= 0) return true;
    // A link would have its target filled, and a pipe never ends.
    if (ifPresent(() => Deno.lstatSync(this.#path).isFile) === false) {
      throw new Error("it is not a regular file: move it away");
    }
    // Not loaded at every start: few processes hold a reserve.
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
