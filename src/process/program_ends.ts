/**
 * Ends the programs that user code started and left running: after a compute or an attempt, after the process itself,
 * and when a kernel starts after a crash. Used by unit_process.ts, launcher.ts and kernel/kernel.ts.
 * I1. A process names only its own computes and attempts, by number: this file decides which programs that includes, by
 *     the mark that the kernel gave the process (base/program_mark.ts).
 * I2. Each process has one sweep at a time, and a budget for them: no process can keep the kernel busy with sweeps.
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

/** The mark of a process, a prefix of the marks of its programs; null when it may start none. */
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

/** The mark of programs started outside of any compute or attempt: by the process, or at the top level of modules. */
export function formatOwnMark(mark: string): string {
  return mark + formatWork(0, "");
}

/** The time that searches for one process may take; further sweeps wait. One that hangs counts as 50 ms. */
const searchMsPerSecondMax = 250;
const searchMsBurstMax = 1_000;
const searchMsMax = 50;
const msPerTick = 10;

type ProgramsEnd = Extract<FromProcess, { t: "programs_end" }>;

export class ProgramEnds {
  readonly #mark: string;
  readonly #pid: number;
  /** The earliest start of its programs, in clock ticks since boot. */
  readonly #since: number;
  /** By number: a time when no other compute or attempt was in progress, in clock ticks since boot. */
  readonly #waiting = new Map<number, number>();
  readonly #budget = new TokenBucket(systemClock, searchMsPerSecondMax, searchMsBurstMax);
  readonly #strangers = new Strangers();
  readonly #onSwept: (works: readonly number[], result: SweepResult) => void;
  #sweeping = false;

  /** `onSwept` is called after each sweep. */
  constructor(mark: string, pid: number, onSwept: (works: readonly number[], result: SweepResult) => void) {
    this.#mark = mark;
    this.#pid = pid;
    // This needs no file: without free file descriptors, the new process must not be forgotten here.
    this.#since = (Deno.osUptime() - 1) * 1_000 / msPerTick;
    this.#onSwept = onSwept;
  }

  /** One of its computes or attempts has ended. */
  end({ work, aloneAt }: ProgramsEnd): void {
    this.#waiting.set(work, aloneAt === null ? 0 : toTicks(aloneAt));
    if (!this.#sweeping) void this.#sweepWaiting();
  }

  /** The process has ended: ends everything that it started. */
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
   * Programs with the mark of one of `works`; also programs that dropped their mark but stayed in the session of the
   * process, if they started before a moment when nothing else was in progress: they belong to no other compute or
   * attempt.
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

/** Pids ascend up to the highest, then repeat: no machine creates processes faster than this. */
const pidsPerMs = 100;
const fewestPids = 32_768;
/** While a program is being executed, its environment briefly seems empty. */
const settledMs = 1_000;

/**
 * The pids that a sweep has found not to be this process's programs: the next sweeps need not read them again, until
 * another process may have got one of these pids.
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

/** A recent wall time as clock ticks since boot; 0 where the system does not provide them. */
function toTicks(wallMs: number): number {
  const boot = systemClock.boot();
  return boot === null ? 0 : Math.floor((boot.ms - Math.max(0, systemClock.now() - wallMs)) / msPerTick);
}

/** Ends programs started by this workspace's processes whose kernel or other starter is dead. */
export function endLeftovers(folder: string): Promise<SweepResult> {
  const workspace = identifyWorkspace(folder);
  const isTarget = (text: string | null, { pid }: ProcessStat) => {
    const mark = text === null ? null : parseMark(text);
    // A container may hold the same workspace, with its own daemon: its pids mean nothing here.
    return mark !== null && mark.workspace === workspace && !isAlive(mark.owner) && isLocal(pid);
  };
  return endPrograms({ isCandidate: () => true, isTarget, waitMs: programEndMaxMs });
}
