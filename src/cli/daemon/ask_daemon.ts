/**
 * Asks a daemon that may hang. Every request has a time limit (control/client/liveness.ts); commands that can do
 * without an answer report what they show instead.
 */
import { NerveError } from "../../base/errors.ts";
import { daemonAnswerMaxMs } from "../../base/limits.ts";
import { toPrintable } from "../../base/printable.ts";
import type { WorkspacePaths } from "../../config/workspace.ts";
import type { ControlClient } from "../../control/client/client.ts";
import { findDaemon } from "../../daemon/discovery.ts";
import { describeLockHolder } from "../../protocol/lock_holder.ts";
import type { CliIo } from "../io.ts";
import { dim, print, sign } from "../render/terminal.ts";
import { askIfRunning } from "../workspace.ts";

/** The daemon's answer, or null when there is none; `problem`: why a running daemon did not answer. */
export interface DaemonAnswer<T> {
  readonly live: T | null;
  readonly problem: string | null;
}

/** For commands that can read most of their answer from the databases when the daemon hangs. */
export async function askOrRead<T>(
  paths: WorkspacePaths,
  ask: (client: ControlClient) => Promise<T>,
): Promise<DaemonAnswer<T>> {
  try {
    const live = await askIfRunning(paths, ask), { kernel } = findDaemon(paths);
    if (live !== null || kernel === null) return { live, problem: null };
    const problem = kernel.kind === "embedded"
      ? `${describeLockHolder(kernel)}, serves no control API`
      : `${describeLockHolder(kernel)} is starting, stopping or has lost its socket: nerve status`;
    return { live, problem };
  } catch (thrown) {
    if (!(thrown instanceof NerveError) || thrown.code !== "DAEMON_ANSWER") throw thrown;
    return { live: null, problem: thrown.hint === null ? thrown.message : `${thrown.message}: ${thrown.hint}` };
  }
}

/** Printed below a list that was read from the databases alone. */
export function printNoAnswer(io: CliIo, problem: string | null): void {
  if (problem === null) print(io, dim(io, "no daemon runs: nerve start"));
  else print(io, `${sign.warning} read from the databases alone: ${toPrintable(problem)}`);
}

/** Calls `ask`. Null when no daemon answers within `limitMs`. */
export async function askWithinLimit<T>(
  io: Pick<CliIo, "clock">,
  paths: WorkspacePaths,
  ask: (client: ControlClient) => Promise<T>,
  limitMs: number = daemonAnswerMaxMs,
): Promise<T | null> {
  const { promise: late, resolve } = Promise.withResolvers<null>();
  const cancel = io.clock.after(limitMs, () => resolve(null));
  // After the limit, no caller waits for the answer, so its failure must not count as unhandled.
  const answer = askIfRunning(paths, ask);
  answer.catch(() => {});
  return await Promise.race([answer, late]).finally(cancel);
}

/** Whether a process listens on the control socket. */
export async function socketAnswers(paths: WorkspacePaths): Promise<boolean> {
  try {
    (await Deno.connect({ transport: "unix", path: paths.socket })).close();
    return true;
  } catch {
    // Missing, refused or not ours: no daemon that we could ask.
    return false;
  }
}
