/**
 * One daemon per workspace: an advisory lock on `nerve.lock`, which the system releases when its holder dies, however
 * it dies. Only the lock counts; the contents of its file (protocol/lock_holder.ts) and of `nerve.pid` are information.
 */
import { NerveError } from "../base/errors.ts";
import { unlockAndClose } from "../base/file_lock.ts";
import { isMissing } from "../base/if_present.ts";
import { readOwnProcessId } from "../base/process_id.ts";
import { workspaceHeld } from "../protocol/common_errors.ts";
import { formatLockHolder, type HolderName, parseLockHolder } from "../protocol/lock_holder.ts";

export interface WorkspaceLock {
  /** Removes the pid file and releases the lock. */
  release(): void;
}

/** Takes the lock for `name`, or throws NerveError DAEMON_RUNNING, which names the holder. */
export async function lockWorkspace(
  lockFile: string,
  pidFile: string,
  root: string,
  name: HolderName,
): Promise<WorkspaceLock> {
  const file = await Deno.open(lockFile, { create: true, read: true, write: true, mode: 0o600 });
  if (!(await file.tryLock(true))) {
    const holder = parseLockHolder(await new Response(file.readable).text());
    if (holder === null) {
      // A daemon that has not written its pid yet, or another program.
      throw new NerveError("DAEMON_RUNNING", `a daemon already runs in ${root}, or another program holds ${lockFile}`, {
        hint: `nerve status shows a daemon, fuser -v ${lockFile} another program`,
      });
    }
    throw workspaceHeld(root, holder, { hint: "nerve status shows it, nerve stop ends it" });
  }
  await file.truncate();
  await file.write(new TextEncoder().encode(formatLockHolder({ ...readOwnProcessId(), ...name })));
  try {
    // Not `writeTextFile`: Deno would load its streams for it, which takes 5 ms at every start.
    Deno.writeTextFileSync(pidFile, `${Deno.pid}\n`, { mode: 0o600 });
  } catch (thrown) {
    // Otherwise the file would seem to belong to a daemon that was killed.
    file.truncateSync();
    unlockAndClose(file);
    throw thrown;
  }
  return {
    release() {
      try {
        // Another workspace may have replaced this one, with its own daemon and pid file.
        const { dev, ino } = file.statSync(), there = Deno.statSync(lockFile);
        if (there.dev === dev && there.ino === ino) Deno.removeSync(pidFile);
      } catch (thrown) {
        // The workspace was removed meanwhile: there is nothing left to clean up.
        if (!isMissing(thrown)) throw thrown;
      }
      file.truncateSync();
      unlockAndClose(file);
    },
  };
}
