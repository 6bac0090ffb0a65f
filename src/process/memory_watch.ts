/**
 * Looks at the resident memory of the processes: a heap limit does not see native buffers (deno-facts.md 2), and one
 * group must not eat the machine. Reads /proc; on systems without it, only V8's own limit holds.
 */
import type { CancelTimer, Clock } from "../base/clock.ts";
import { memoryWatchMs } from "../base/limits.ts";

const pageBytes = 4096;
/**
 * What a process may hold beside what user code does: 62 MB resident when it is ready, and what V8 needs in order to
 * find that its heap is full. A smaller one would end a process here before V8 can say that it ran out of memory.
 */
export const baselineBytes = 96 * 1024 ** 2;

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
