/**
 * Ends what the user code of a process started and left running: when a compute or an attempt has ended, when the
 * process has, and when a kernel starts after one that died. Used by unit_process.ts and kernel/kernel.ts.
 * I1. A process names only its own computes and attempts, by number: whom that reaches is decided here, by the mark that
 *     the kernel gave it (base/program_mark.ts).
 * I2. One sweep at a time for each process, with pauses in between: no process can keep the kernel busy with them.
 */
import { readBootTime } from "../base/boot_time.ts";
import { systemClock } from "../base/clock.ts";
import { leftoverEndMaxMs, programEndMaxMs } from "../base/limits.ts";
import { isAlive, type ProcessStat, readOwnProcessId } from "../base/process_id.ts";
import { formatProcessMark, formatWork, identifyWorkspace, parseMark } from "../base/program_mark.ts";
import { endPrograms, type SweepResult } from "../base/program_sweep.ts";
import { delay } from "../base/time.ts";
import type { ProcessSpec } from "../protocol/message.ts";

/** The mark of a process, which that of each program begins with; null when it may start none. */
export function markProcess(
  { kind, name, permissions: { run } }: ProcessSpec,
  id: number,
  folder: string,
): string | null {
  if (run === false || (run !== true && run.length === 0)) return null;
  const { pid, startTime } = readOwnProcessId();
  if (startTime === null) return null;
  return formatProcessMark({
    workspace: identifyWorkspace(folder),
    owner: { pid, startTime },
    process: id,
    kind,
    unit: name,
  });
}

/** What is started by none of its computes or attempts: the process itself, and the top level of modules. */
export function formatOwnMark(mark: string): string {
  return mark + formatWork(0, "");
}

/** After a sweep, the next one of the same process waits for this multiple of its duration, but not longer than this. */
const pauseFactor = 3;
const pauseMaxMs = 250;
const msPerTick = 10;
/** More than the start of a process takes, until it is known here. */
const startMaxSeconds = 60;

export class ProgramEnds {
  readonly #mark: string;
  readonly #pid: number;
  readonly #since: number;
  /** By number; when no other compute or attempt was under way, in clock ticks since boot. */
  readonly #waiting = new Map<number, number>();
  readonly #onSwept: (works: readonly number[], result: SweepResult) => void;
  #sweeping = false;

  /** `onSwept` is called after each sweep. */
  constructor(mark: string, pid: number, onSwept: (works: readonly number[], result: SweepResult) => void) {
    this.#mark = mark;
    this.#pid = pid;
    // Needs no file: out of file descriptors, a process that has been started must not be forgotten here.
    this.#since = (Deno.osUptime() - startMaxSeconds) * 1_000 / msPerTick;
    this.#onSwept = onSwept;
  }

  /** Its compute or attempt of that number has ended. `aloneAt`: no other one was under way at that wall time. */
  end(work: number, aloneAt: number | null): void {
    this.#waiting.set(work, aloneAt === null ? 0 : toTicks(aloneAt));
    if (!this.#sweeping) void this.#sweepWaiting();
  }

  /** The process has ended: so does everything that it started. */
  endAll(): Promise<SweepResult> {
    const isTarget = (mark: string | null) => mark?.startsWith(`${this.#mark}.`) ?? false;
    return endPrograms({ isTarget, since: this.#since, waitMs: programEndMaxMs });
  }

  async #sweepWaiting(): Promise<void> {
    this.#sweeping = true;
    while (this.#waiting.size > 0) {
      const works = new Set(this.#waiting.keys()), aloneAt = Math.max(...this.#waiting.values());
      this.#waiting.clear();
      const from = systemClock.monotonic();
      const result = await endPrograms({
        isTarget: this.#chooseTargets(works, aloneAt),
        since: this.#since,
        waitMs: programEndMaxMs,
      });
      this.#onSwept([...works], result);
      await delay(systemClock, Math.min(pauseMaxMs, pauseFactor * (systemClock.monotonic() - from)));
    }
    this.#sweeping = false;
  }

  /**
   * What carries the mark of one of `works`; and what has left its mark behind, but not the session of the process, if it
   * was there when nothing else was under way: it is of no other compute or attempt.
   */
  #chooseTargets(works: ReadonlySet<number>, aloneAt: number): (mark: string | null, stat: ProcessStat) => boolean {
    const prefix = `${this.#mark}.`;
    return (mark, { session, startTime }) => {
      if (mark === null) return session === this.#pid && Number(startTime) < aloneAt;
      return mark.startsWith(prefix) && works.has(parseMark(mark)?.work ?? 0);
    };
  }
}

/** A wall time of just now as clock ticks since boot; 0 where the system does not tell. */
function toTicks(wallMs: number): number {
  const boot = readBootTime();
  if (boot === null) return 0;
  return Math.floor((boot.ms - Math.max(0, systemClock.now() - wallMs)) / msPerTick);
}

/** Ends the programs that processes of this workspace started whose own starter, such as an earlier kernel, is dead. */
export function endLeftovers(folder: string): Promise<SweepResult> {
  const workspace = identifyWorkspace(folder);
  const isTarget = (text: string | null) => {
    const mark = text === null ? null : parseMark(text);
    return mark !== null && mark.workspace === workspace && !isAlive(mark.owner);
  };
  return endPrograms({ isTarget, since: 0, waitMs: leftoverEndMaxMs });
}
