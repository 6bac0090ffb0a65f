/**
 * Finds the programs that carry a mark (program_mark.ts), and ends them. Used by process/ when a compute, an attempt or
 * a process has ended, and when the kernel starts. Reads /proc; on systems without it nothing is found.
 * I1. Each process is read again before the signal: its pid may have been given to another one meanwhile.
 * I2. No process can hold this one up: what might wait for its memory is read by another thread, for a limited time.
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
  /** Null: it carries none. */
  readonly mark: string | null;
}

export interface SweepResult {
  /** Those that are gone. */
  readonly ended: readonly Program[];
  /** Those that were still there when the time was up: they hang in a call of the system that no signal interrupts. */
  readonly stuck: readonly Program[];
  /** Why it could not look for programs; null when it could. */
  readonly problem: string | null;
}

export interface Sweep {
  /** Told how long each look through all processes took, in milliseconds. */
  onSearched?(tookMs: number): void;
  /** Whether to look at a process at all, which takes 8 us. Default: yes. */
  isUnknown?(pid: number): boolean;
  /** Whether to read its mark, which takes another 70 us. */
  isCandidate(stat: ProcessStat): boolean;
  /** Whether to end a candidate. `mark`: null when it carries none. */
  isTarget(mark: string | null, stat: ProcessStat): boolean;
  /** How long to wait for the end of all, from the first signal on. */
  readonly waitMs: number;
}

/** How long reading one environment may take: it waits for a process that is changing its memory. */
const readMaxMs = 500;
const retryMs = 50;
/** How long a look waits for processes that are between two programs, all together. */
const executeMaxMs = 50;
/** The parent of the system's own threads. */
const systemThreads = 2;
/** Both bound the memory that a sweep takes, whatever programs put into their environments. */
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
      // Such as no file descriptor left.
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
    // A machine that is so busy that the look takes as long does not end programs any faster.
    if (until === Infinity) until = systemClock.monotonic() + sweep.waitMs;
    for (const program of found) seen.set(program.pid, program);
    if (found.length === 0) return { ended: [...seen.values()], stuck: [], problem: null };
    const left = await waitForEnd(found, until);
    if (systemClock.monotonic() < until) continue;
    // It starts others faster than they are ended, or cannot be ended.
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
    // On a machine with very many processes, the rest of this one goes on in between.
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
 * The mark, once the process is not between two programs: there it has neither an environment nor arguments for a moment.
 * On a busy machine that moment can last as long as a look.
 */
async function readSettledMark(
  { pid, parent }: ProcessStat,
  settledBy: number,
): Promise<string | null | typeof unreadable> {
  for (;;) {
    const mark = await readMark(pid);
    // Threads of the system never have any.
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

/** Null: it has none. */
async function readMark(pid: number): Promise<string | null | typeof unreadable> {
  const read: Promise<Uint8Array | typeof unreadable> = Deno.readFile(`/proc/${pid}/environ`).catch((thrown) => {
    // It is gone, or another user's, or hides its memory.
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

/** Whether it is a process of this user to which pids mean the same as to this one: not in a container. */
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

/** False when it is gone. */
function kill(program: Program): boolean {
  if (!isThere(program)) return false;
  try {
    Deno.kill(program.pid, "SIGKILL");
    return true;
  } catch (thrown) {
    if (isGoneProcess(thrown)) return false;
    // It has taken on another user: it is there, and cannot be ended.
    if (thrown instanceof Deno.errors.PermissionDenied) return true;
    throw thrown;
  }
}

/** Those that are still there when the time is up. */
async function waitForEnd(programs: readonly Program[], until: number): Promise<Program[]> {
  for (let waitMs = pollFirstMs;; waitMs = Math.min(2 * waitMs, pollMaxMs)) {
    const left = programs.filter(isThere);
    if (left.length === 0 || systemClock.monotonic() >= until) return left;
    await delay(systemClock, waitMs);
  }
}

/** Whether it has not ended. */
export function isThere({ pid, startTime }: Program): boolean {
  const stat = readProcessStat(pid);
  return stat !== null && !isOver(stat) && stat.startTime === startTime;
}

/** It has ended, and waits for its parent to take note. */
function isOver({ state }: ProcessStat): boolean {
  return state === "Z" || state === "X";
}
