/**
 * One daemon a workspace: an advisory lock on `nerve.lock`, which the system releases when the holder dies, however it
 * dies. The lock is the truth; the pid written into it, and into `nerve.pid`, only tells people who holds it.
 */
import { NerveError } from "../base/errors.ts";
import { isMissing } from "../base/if_present.ts";
import { readOwnProcessId } from "../base/process_id.ts";
import { daemonRunning } from "../protocol/common_errors.ts";

export interface WorkspaceLock {
  /** Removes the pid file and lets go of the lock. */
  release(): void;
}

/** Takes the lock, or throws NerveError DAEMON_RUNNING with the pid of the daemon that holds it. */
export async function lockWorkspace(lockFile: string, pidFile: string, root: string): Promise<WorkspaceLock> {
  const file = await Deno.open(lockFile, { create: true, read: true, write: true, mode: 0o600 });
  if (!(await file.tryLock(true))) {
    const holder = (await new Response(file.readable).text()).split(" ")[0]?.trim();
    if (!holder) {
      // One that has the lock but has not written itself into it yet, or no daemon at all.
      throw new NerveError("DAEMON_RUNNING", `a daemon already runs in ${root}, or another program holds ${lockFile}`, {
        hint: `nerve status shows it, fuser -v ${lockFile} another program`,
      });
    }
    throw daemonRunning(root, holder, { hint: "nerve status shows it, nerve stop ends it" });
  }
  await file.truncate();
  await file.write(new TextEncoder().encode(`${Deno.pid} ${readOwnProcessId().startTime ?? ""}\n`));
  try {
    // Not `writeTextFile`, for which Deno would load its streams: 5 ms of every start.
    Deno.writeTextFileSync(pidFile, `${Deno.pid}\n`, { mode: 0o600 });
  } catch (thrown) {
    // Else it would say that a daemon held it and was killed.
    file.truncateSync();
    file.close();
    throw thrown;
  }
  return {
    release() {
      try {
        // Another workspace may be in the place of ours by now, with a daemon and a pid file of its own.
        const { dev, ino } = file.statSync(), there = Deno.statSync(lockFile);
        if (there.dev === dev && there.ino === ino) Deno.removeSync(pidFile);
      } catch (thrown) {
        // Somebody removed the workspace while we ran: there is nothing left to clean.
        if (!isMissing(thrown)) throw thrown;
      }
      file.truncateSync();
      file.close();
    },
  };
}
