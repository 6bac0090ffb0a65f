/**
 * Asking a daemon that may hang: every question has its time (control/client/liveness.ts), and commands that can do without an
 * answer say what they have instead.
 */
import { NerveError } from "../../base/errors.ts";
import { daemonAnswerMaxMs } from "../../base/limits.ts";
import { toPrintable } from "../../base/printable.ts";
import type { WorkspacePaths } from "../../config/workspace.ts";
import type { ControlClient } from "../../control/client/client.ts";
import { findDaemon } from "../../daemon/discovery.ts";
import type { CliIo } from "../io.ts";
import { dim, print, sign } from "../render/terminal.ts";
import { askIfRunning } from "../workspace.ts";

/** What a daemon told, or null when the databases have to do; `problem` says then why one that runs told nothing. */
export interface DaemonAnswer<T> {
  readonly live: T | null;
  readonly problem: string | null;
}

/** For commands that know most of it from the databases: a daemon that hangs keeps nobody from that. */
export async function askOrRead<T>(
  paths: WorkspacePaths,
  ask: (client: ControlClient) => Promise<T>,
): Promise<DaemonAnswer<T>> {
  try {
    const live = await askIfRunning(paths, ask), { kernel } = findDaemon(paths);
    if (live !== null || kernel === null) return { live, problem: null };
    return { live, problem: `The daemon (pid ${kernel.pid}) starts, stops or has lost its socket: nerve status` };
  } catch (thrown) {
    if (!(thrown instanceof NerveError) || thrown.code !== "DAEMON_ANSWER") throw thrown;
    return { live: null, problem: thrown.hint === null ? thrown.message : `${thrown.message}: ${thrown.hint}` };
  }
}

/** The end of a list that was made from the databases alone. */
export function printNoAnswer(io: CliIo, problem: string | null): void {
  if (problem === null) print(io, dim(io, "no daemon runs: nerve start"));
  else print(io, `${sign.warning} from the databases alone. ${toPrintable(problem)}`);
}

/** What `ask` learns, or null when no daemon answers in time. */
export async function askWithinLimit<T>(
  io: Pick<CliIo, "clock">,
  paths: WorkspacePaths,
  ask: (client: ControlClient) => Promise<T>,
  limitMs: number = daemonAnswerMaxMs,
): Promise<T | null> {
  const { promise: late, resolve } = Promise.withResolvers<null>();
  const cancel = io.clock.after(limitMs, () => resolve(null));
  // An answer that comes too late, or never, is not waited for; its failure is nobody's business then.
  const answer = askIfRunning(paths, ask);
  answer.catch(() => {});
  return await Promise.race([answer, late]).finally(cancel);
}

/** Whether somebody listens on the control socket. */
export async function socketAnswers(paths: WorkspacePaths): Promise<boolean> {
  try {
    (await Deno.connect({ transport: "unix", path: paths.socket })).close();
    return true;
  } catch {
    // Missing, refused or not ours: nobody that we could ask.
    return false;
  }
}
