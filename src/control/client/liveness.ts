/**
 * Waits for a daemon that may hang: stopped by a signal, swapped out, stuck in a loop. Its connections then stay open,
 * so only a timeout can detect that. Used by client.ts for every answer, whether it comes at once or after hours of
 * work.
 * I1. While the daemon is alive, a wait has no limit. When the daemon hangs, the wait ends within twice
 *     `daemonAnswerMaxMs`.
 */
import { NerveError } from "../../base/errors.ts";
import { daemonAnswerMaxMs } from "../../base/limits.ts";
import { readProcessStat } from "../../base/process_id.ts";
import type { CancelTimer, Clock } from "../../base/time.ts";

/** What is known about a kernel that does not answer; `root` is null when only the socket is known. */
export interface SilentKernel {
  /** The process that should be listening. */
  readonly pid: number | null;
  /** Whether a supervisor is starting or restarting it. */
  readonly starts: boolean;
  readonly root: string | null;
}

/** The daemon has not answered a probe for `daemonAnswerMaxMs`. */
export class DaemonHangs extends Error {}

/**
 * Waits for `answer` as long as every `probe` settles in time, else throws DaemonHangs. A probe that fails counts as
 * settled: when the daemon has ended, the connection of `answer` fails too.
 */
export async function waitWhileAlive<T>(clock: Clock, answer: Promise<T>, probe: () => Promise<unknown>): Promise<T> {
  const answered = answer.then(() => {}, () => {});
  for (;;) {
    if (await settlesInTime(clock, answered)) return await answer;
    const probed = probe().then(() => {}, () => {});
    if (!await settlesInTime(clock, Promise.race([answered, probed]))) {
      answer.catch(() => {});
      throw new DaemonHangs();
    }
  }
}

/** Whether `event` resolves within `limitMs`. It must not reject. */
export async function settlesInTime(clock: Clock, event: Promise<void>, limitMs = daemonAnswerMaxMs): Promise<boolean> {
  let cancel: CancelTimer = () => {};
  const late = new Promise<false>((resolve) => cancel = clock.after(limitMs, () => resolve(false)));
  return await Promise.race([event.then(() => true), late]).finally(() => cancel());
}

/** The daemon hangs, as far as a client can tell. */
export function createHangingError({ pid }: SilentKernel): NerveError {
  const stopped = pid !== null && readProcessStat(pid)?.state === "T";
  const who = pid === null ? "the daemon" : `the daemon (pid ${pid})`;
  return new NerveError("DAEMON_ANSWER", `${who} ${stopped ? "was stopped by a signal" : "does not answer"}`, {
    hint: stopped
      ? `kill -CONT ${pid} resumes it; it may then still execute the request`
      : "nerve status shows its state, nerve restart replaces it",
  });
}
