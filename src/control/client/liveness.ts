/**
 * Waiting for a daemon that may hang: stopped by a signal, swapped out, caught in a loop. Its connections stay open then,
 * so that nothing but time tells. Used by client.ts for every answer, whether it comes at once or after hours of work.
 * I1. While the daemon is alive a wait has no end of its own; once it is not, it ends within two times
 *     `daemonAnswerMaxMs`.
 */
import { daemonAnswerMaxMs } from "../../base/limits.ts";
import type { CancelTimer, Clock } from "../../base/time.ts";

/** The daemon has answered nothing for `daemonAnswerMaxMs`. */
export class DaemonHangs extends Error {}

/**
 * `answer`, as long as every question that `probe` asks meanwhile is answered in time, with whatever. A probe that fails
 * is an answer too: the connection of `answer` fails by itself when nobody is there any more.
 */
export async function waitWhileAlive<T>(clock: Clock, answer: Promise<T>, probe: () => Promise<unknown>): Promise<T> {
  const come = answer.then(() => {}, () => {});
  for (;;) {
    if (await settlesInTime(clock, come)) return await answer;
    const seen = probe().then(() => {}, () => {});
    if (!await settlesInTime(clock, Promise.race([come, seen]))) {
      answer.catch(() => {});
      throw new DaemonHangs();
    }
  }
}

/** Whether `event` comes within `daemonAnswerMaxMs`, or `limitMs`. It must not reject. */
export async function settlesInTime(clock: Clock, event: Promise<void>, limitMs = daemonAnswerMaxMs): Promise<boolean> {
  let cancel: CancelTimer = () => {};
  const late = new Promise<false>((resolve) => cancel = clock.after(limitMs, () => resolve(false)));
  return await Promise.race([event.then(() => true), late]).finally(() => cancel());
}
