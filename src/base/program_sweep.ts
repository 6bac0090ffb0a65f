/**
 * Finds the programs that carry a mark (program_mark.ts), and kills them. Used by process/ when a compute, an attempt
 * or a process has ended, and when the kernel starts. Reads /proc; on systems without it nothing is found.
 * I1. Each process is checked again before the signal: its pid may have been reused meanwhile.
 * I2. No process can block this one: reads that may wait for its memory run on another thread, for a limited time.
 */
import { systemClock } from "./clock.ts";
import { messageOf } from "./errors.ts";
import { isGoneProcess, isMissing } from "./if_present.ts";
import { type ProcessStat, readProcessStat } from "./process_id.ts";
import { markVariable } from "./program_mark.ts";
import { delay } from "./time.ts";

export interface Program {
  readonly pid: number;
  readonly startTime: string;
  /** The name of the program, at most 15 bytes. */
  readonly command: string;
  /** Null: the program carries none. */
  readonly mark: string | null;
}

export interface SweepResult {
  /** Programs that have ended. */
  readonly ended: readonly Program[];
  /** Programs that were still there when the time was up: they hang in a system call that no signal interrupts. */
  readonly stuck: readonly Program[];
  /** Why the search failed; null when it did not. */
  readonly problem: string | null;
}

export interface Sweep {
  /** Called after each search through all processes, with its duration in milliseconds. */
  onSearched?(tookMs: number): void;
  /** Whether to inspect a process at all, which takes 8 us. Default: yes. */
  isUnknown?(pid: number): boolean;
  /** Whether to read its mark, which takes another 70 us. */
  isCandidate(stat: ProcessStat): boolean;
  /** Whether to end a candidate. `mark`: null when it carries none. */
  isTarget(mark: string | null, stat: ProcessStat): boolean;
  /** How long to wait for all to end, from the first signal on. */
  readonly waitMs: number;
}

/** How long reading one environment may take: it waits for a process that is changing its memory. */
const readMaxMs = 500;
const retryMs = 50;
/** How long one search waits, in total, for processes that are between two programs. */
const executeMaxMs = 50;
/** The parent of the system's own threads. */
const systemThreads = 2;
/** Limits of the memory that a sweep takes, whatever programs put into their environments. */
const readAtOnce = 32;
const environmentMaxBytes = 256 * 1024;
const pollFirstMs = 1;
const pollMaxMs = 20;

/** Ends all targets, and those that they start meanwhile. Never rejects. */
export async function endPrograms(sweep: Sweep): Promise<SweepResult> {
  const until = systemClock.monotonic() + sweep.waitMs;
  for (;;) {
    try {
      return await endOnce(sweep);
    } catch (thrown) {
      // For example, no file descriptor is left.
      if (systemClock.monotonic() >= until) return { ended: [], stuck: [], problem: messageOf(thrown) };
      await delay(systemClock, retryMs);
    }
  }
}

async function endOnce(sweep: Sweep): Promise<SweepResult> {
  const seen = new Map<number, Program>();
  let until = Infinity;
  for (;;) {
    const found = (await findPrograms(sweep)).filter(kill);
    // The time starts after the search: a machine that is too busy to search fast is too busy to end programs fast.
    if (until === Infinity) until = systemClock.monotonic() + sweep.waitMs;
    for (const program of found) seen.set(program.pid, program);
    if (found.length === 0) return { ended: [...seen.values()], stuck: [], problem: null };
    const left = await waitForEnd(found, until);
    if (systemClock.monotonic() < until) continue;
    // The programs start others faster than they are killed, or cannot be killed.
    const stuck = left.length > 0 ? left : await findPrograms(sweep);
    const pids = new Set(stuck.map(({ pid }) => pid));
    return { ended: [...seen.values()].filter(({ pid }) => !pids.has(pid)), stuck, problem: null };
  }
}

async function findPrograms(sweep: Sweep): Promise<Program[]> {
  const from = systemClock.monotonic();
  const pids = listPids().filter((pid) => pid !== Deno.pid && sweep.isUnknown?.(pid) !== false),
    found: (Program | null)[] = [];
  for (let at = 0; at < pids.length; at += readAtOnce) {
    found.push(
      ...await Promise.all(pids.slice(at, at + readAtOnce).map((pid) => examine(pid, sweep, from + executeMaxMs))),
    );
    // On a machine with very many processes, yields to the other work of this one.
    if (at > 0 && at % (readAtOnce * 16) === 0) await delay(systemClock, 0);
  }
  sweep.onSearched?.(systemClock.monotonic() - from);
  return found.filter((program) => program !== null);
}

function examine(
  pid: number,
  { isCandidate, isTarget }: Sweep,
  settledBy: number,
): Promise<Program | null> | null {
  const stat = readProcessStat(pid);
  if (stat === null || isOver(stat) || !isCandidate(stat)) return null;
  if (stat.environmentBytes > environmentMaxBytes) return null;
  return readSettledMark(stat, settledBy).then((mark) => {
    if (mark === unreadable || !isTarget(mark, stat)) return null;
    return { pid, startTime: stat.startTime, command: stat.command, mark };
  });
}

const unreadable: unique symbol = Symbol();

/**
 * The mark, read once the process is not between two programs, where it briefly has neither an environment nor
 * arguments. On a busy machine that moment can last as long as a search.
 */
async function readSettledMark(
  { pid, parent }: ProcessStat,
  settledBy: number,
): Promise<string | null | typeof unreadable> {
  for (;;) {
    const mark = await readMark(pid);
    // System threads never have a mark.
    if (mark !== null || parent === systemThreads || systemClock.monotonic() >= settledBy) return mark;
    if (!isBetweenPrograms(pid)) return await readMark(pid);
    await delay(systemClock, pollFirstMs);
  }
}

function isBetweenPrograms(pid: number): boolean {
  try {
    return Deno.readTextFileSync(`/proc/${pid}/cmdline`) === "";
  } catch (thrown) {
    if (isGoneProcess(thrown) || thrown instanceof Deno.errors.PermissionDenied) return false;
    throw thrown;
  }
}

/** Null: the process has no mark. */
async function readMark(pid: number): Promise<string | null | typeof unreadable> {
  const read: Promise<Uint8Array | typeof unreadable> = Deno.readFile(`/proc/${pid}/environ`).catch((thrown) => {
    // The process is gone, belongs to another user, or hides its memory.
    if (isGoneProcess(thrown) || thrown instanceof Deno.errors.PermissionDenied) return unreadable;
    throw thrown;
  });
  const { promise: late, resolve } = Promise.withResolvers<typeof unreadable>();
  const cancel = systemClock.after(readMaxMs, () => resolve(unreadable));
  const bytes = await Promise.race([read, late]).finally(cancel);
  if (typeof bytes === "symbol") return bytes;
  const entry = decoder.decode(bytes).split("\0").find((each) => each.startsWith(`${markVariable}=`));
  return entry?.slice(markVariable.length + 1) ?? null;
}

const decoder = new TextDecoder();

/** Whether the process belongs to this user and shares this process's pid namespace: not one in a container. */
export function isLocal(pid: number): boolean {
  try {
    return Deno.statSync(`/proc/${pid}`).uid === Deno.uid() &&
      Deno.readLinkSync(`/proc/${pid}/ns/pid`) === Deno.readLinkSync("/proc/self/ns/pid");
  } catch (thrown) {
    if (isGoneProcess(thrown) || thrown instanceof Deno.errors.PermissionDenied) return false;
    throw thrown;
  }
}

function listPids(): number[] {
  try {
    return [...Deno.readDirSync("/proc")].map(({ name }) => Number(name)).filter(Number.isInteger);
  } catch (thrown) {
    if (isMissing(thrown)) return [];
    throw thrown;
  }
}

/** Returns false when the program is gone. */
function kill(program: Program): boolean {
  if (!isThere(program)) return false;
  try {
    Deno.kill(program.pid, "SIGKILL");
    return true;
  } catch (thrown) {
    if (isGoneProcess(thrown)) return false;
    // The program has changed its user: it still runs, and cannot be killed.
    if (thrown instanceof Deno.errors.PermissionDenied) return true;
    throw thrown;
  }
}

/** Waits, and returns the programs that are still there when the time is up. */
async function waitForEnd(programs: readonly Program[], until: number): Promise<Program[]> {
  for (let waitMs = pollFirstMs;; waitMs = Math.min(2 * waitMs, pollMaxMs)) {
    const left = programs.filter(isThere);
    if (left.length === 0 || systemClock.monotonic() >= until) return left;
    await delay(systemClock, waitMs);
  }
}

/** Whether the program has not ended. */
export function isThere({ pid, startTime }: Program): boolean {
  const stat = readProcessStat(pid);
  return stat !== null && !isOver(stat) && stat.startTime === startTime;
}

/** Whether the process has ended; it may still wait for its parent to reap it. */
function isOver({ state }: ProcessStat): boolean {
  return state === "Z" || state === "X";
}
