/**
 * Ends what the user code of a process started and left running: when a compute or an attempt has ended, when the
 * process has, and when a kernel starts after one that died. Used by unit_process.ts and kernel/kernel.ts.
 * I1. A process names only its own computes and attempts, by number: whom that reaches is decided here, by the mark that
 *     the kernel gave it (base/program_mark.ts).
 * I2. One sweep at a time for each process, and a budget for them: no process can keep the kernel busy with them.
 */
import { systemClock } from "../base/clock.ts";
import { ifPresent } from "../base/if_present.ts";
import { programEndMaxMs } from "../base/limits.ts";
import { isAlive, type ProcessStat, readOwnProcessId } from "../base/process_id.ts";
import { formatProcessMark, formatWork, identifyWorkspace, parseMark } from "../base/program_mark.ts";
import { endPrograms, isLocal, type Sweep, type SweepResult } from "../base/program_sweep.ts";
import { delay } from "../base/time.ts";
import { TokenBucket } from "../base/token_bucket.ts";
import type { FromProcess, ProcessSpec } from "../protocol/message.ts";

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

/** What the searches for one process may cost, in milliseconds; further sweeps wait. One that hangs counts as 50 ms. */
const searchMsPerSecondMax = 250;
const searchMsBurstMax = 1_000;
const searchMsMax = 50;
const msPerTick = 10;

type ProgramsEnd = Extract<FromProcess, { t: "programs_end" }>;

export class ProgramEnds {
  readonly #mark: string;
  readonly #pid: number;
  /** Its programs started no earlier, in clock ticks since boot. */
  readonly #since: number;
  /** By number; when no other compute or attempt was under way, in clock ticks since boot. */
  readonly #waiting = new Map<number, number>();
  readonly #budget = new TokenBucket(systemClock, searchMsPerSecondMax, searchMsBurstMax);
  readonly #strangers = new Strangers();
  readonly #onSwept: (works: readonly number[], result: SweepResult) => void;
  #sweeping = false;

  /** `onSwept` is called after each sweep. */
  constructor(mark: string, pid: number, onSwept: (works: readonly number[], result: SweepResult) => void) {
    this.#mark = mark;
    this.#pid = pid;
    // This needs no file: out of file descriptors, the new process must not be forgotten here.
    this.#since = (Deno.osUptime() - 1) * 1_000 / msPerTick;
    this.#onSwept = onSwept;
  }

  /** One of its computes or attempts has ended. */
  end({ work, aloneAt }: ProgramsEnd): void {
    this.#waiting.set(work, aloneAt === null ? 0 : toTicks(aloneAt));
    if (!this.#sweeping) void this.#sweepWaiting();
  }

  /** The process has ended: so does everything that it started. */
  endAll(): Promise<SweepResult> {
    return endPrograms({
      isCandidate: ({ startTime }) => Number(startTime) >= this.#since,
      isTarget: (mark) => this.#isOwn(mark),
      waitMs: programEndMaxMs,
    });
  }

  async #sweepWaiting(): Promise<void> {
    this.#sweeping = true;
    while (this.#waiting.size > 0) {
      const works = new Set(this.#waiting.keys()), aloneAt = Math.max(...this.#waiting.values());
      this.#waiting.clear();
      let pauseMs = 0;
      const result = await endPrograms({
        ...this.#chooseTargets(works, aloneAt),
        onSearched: (tookMs) => pauseMs = this.#budget.charge(Math.min(searchMsMax, tookMs)),
        waitMs: programEndMaxMs,
      });
      this.#onSwept([...works], result);
      if (pauseMs > 0) await delay(systemClock, pauseMs);
    }
    this.#sweeping = false;
  }

  /**
   * What carries the mark of one of `works`; and what has left its mark behind, but not the session of the process, if it
   * was there when nothing else was under way: it is of no other compute or attempt.
   */
  #chooseTargets(works: ReadonlySet<number>, aloneAt: number): Omit<Sweep, "waitMs"> {
    const strangers = this.#strangers.current(), isInSession = ({ session }: ProcessStat) => session === this.#pid;
    const settledAt = toTicks(systemClock.now() - settledMs);
    const note = (stat: ProcessStat) => {
      if (!isInSession(stat) && Number(stat.startTime) < settledAt) strangers.add(stat.pid);
      return false;
    };
    return {
      isUnknown: (pid) => !strangers.has(pid),
      isCandidate: (stat) => Number(stat.startTime) >= this.#since || note(stat),
      isTarget: (mark, stat) => {
        if (this.#isOwn(mark)) return works.has(parseMark(mark ?? "")?.work ?? 0);
        if (mark !== null || !isInSession(stat)) return note(stat);
        return Number(stat.startTime) < aloneAt;
      },
    };
  }

  #isOwn(mark: string | null): boolean {
    return mark?.startsWith(`${this.#mark}.`) ?? false;
  }
}

/** Pids ascend until the highest was given. No machine makes processes so fast that one is given twice within this span. */
const pidsPerMs = 100;
const fewestPids = 32_768;
/** While a program is being executed, its environment seems empty for a moment. */
const settledMs = 1_000;

/**
 * The pids of processes that a sweep has found to be none of this process's programs: the next sweeps need not read them
 * again, for as long as no other process can have got one of these pids.
 */
class Strangers {
  #pids = new Set<number>();
  #until = -Infinity;

  current(): Set<number> {
    const now = systemClock.monotonic();
    if (now >= this.#until) {
      this.#pids = new Set();
      this.#until = now + readHighestPid() / pidsPerMs;
    }
    return this.#pids;
  }
}

function readHighestPid(): number {
  const text = ifPresent(() => Deno.readTextFileSync("/proc/sys/kernel/pid_max"));
  return text === null ? fewestPids : Number(text);
}

/** A wall time of just now as clock ticks since boot; 0 where the system does not tell. */
function toTicks(wallMs: number): number {
  const boot = systemClock.boot();
  return boot === null ? 0 : Math.floor((boot.ms - Math.max(0, systemClock.now() - wallMs)) / msPerTick);
}

/** Ends the programs that processes of this workspace started whose own starter, such as an earlier kernel, is dead. */
export function endLeftovers(folder: string): Promise<SweepResult> {
  const workspace = identifyWorkspace(folder);
  const isTarget = (text: string | null, { pid }: ProcessStat) => {
    const mark = text === null ? null : parseMark(text);
    // A container may hold the same workspace, with a daemon of its own: its pids mean nothing here.
    return mark !== null && mark.workspace === workspace && !isAlive(mark.owner) && isLocal(pid);
  };
  return endPrograms({ isCandidate: () => true, isTarget, waitMs: programEndMaxMs });
}
