/**
 * Looks at the resident memory of the processes: a heap limit does not see native buffers (deno-facts.md 2), and one
 * group must not eat the machine. Reads /proc; on systems without it, only V8's own limit holds.
 */
import type { CancelTimer, Clock } from "../base/clock.ts";
import { memoryWatchMs } from "../base/limits.ts";

const pageBytes = 4096;
/** What a process holds before user code: measured 47 MB resident for shim and worker (deno-facts.md 2). */
export const baselineBytes = 64 * 1024 ** 2;

/** Resident bytes of a process, or null when it is gone or the system has no /proc. */
export function residentBytes(pid: number): number | null {
  try {
    const pages = Number(Deno.readTextFileSync(`/proc/${pid}/statm`).split(" ")[1]);
    return Number.isFinite(pages) ? pages * pageBytes : null;
  } catch (thrown) {
    // Gone between the listing and the read, or no /proc on this system.
    if (thrown instanceof Deno.errors.NotFound || /ESRCH|No such process/.test(String(thrown))) return null;
    throw thrown;
  }
}

/** Calls `onOver` for each watched process that is over its limit; runs only while something is watched. */
export class MemoryWatch {
  readonly #clock: Clock;
  readonly #watched = new Map<number, { limitBytes: number; onOver: (bytes: number) => void }>();
  #cancel: CancelTimer | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Watches `pid` until `forget`. `limitBytes` is what user code may hold, on top of the process's own baseline. */
  watch(pid: number, limitBytes: number, onOver: (bytes: number) => void): void {
    this.#watched.set(pid, { limitBytes, onOver });
    this.#arm();
  }

  forget(pid: number): void {
    this.#watched.delete(pid);
    if (this.#watched.size > 0) return;
    this.#cancel?.();
    this.#cancel = null;
  }

  #arm(): void {
    this.#cancel ??= this.#clock.after(memoryWatchMs, () => {
      this.#cancel = null;
      for (const [pid, { limitBytes, onOver }] of this.#watched) {
        const bytes = residentBytes(pid);
        if (bytes !== null && bytes > limitBytes + baselineBytes) onOver(bytes);
      }
      if (this.#watched.size > 0) this.#arm();
    });
  }
}
