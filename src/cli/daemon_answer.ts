/** Asking a daemon that may hang: every question has its time. Used by the commands of the daemon's life. */
import { daemonAnswerMaxMs } from "../base/limits.ts";
import type { WorkspacePaths } from "../config/workspace.ts";
import type { ControlClient } from "../control/client.ts";
import type { CliIo } from "./io.ts";
import { fromDaemon } from "./workspace.ts";

/** What `ask` learns, or null when no daemon answers in time. */
export async function askInTime<T>(
  io: Pick<CliIo, "clock">,
  paths: WorkspacePaths,
  ask: (client: ControlClient) => Promise<T>,
  limitMs: number = daemonAnswerMaxMs,
): Promise<T | null> {
  const { promise: late, resolve } = Promise.withResolvers<null>();
  const cancel = io.clock.after(limitMs, () => resolve(null));
  // An answer that comes too late, or never, is not waited for; its failure is nobody's business then.
  const answer = fromDaemon(paths, ask);
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
