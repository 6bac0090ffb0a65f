/** One daemon per workspace: the lock decides, and it is released when its holder ends, in whatever way. */
import assert from "node:assert/strict";
import { NerveError } from "../../../src/base/errors.ts";
import { lockWorkspace } from "../../../src/store/workspace_lock.ts";
import { fromFileUrl, join } from "../../support/paths.ts";

const daemon = { kind: "daemon", program: "nerve" } as const;
const lockModule = fromFileUrl(new URL("../../../src/store/workspace_lock.ts", import.meta.url));

async function inFolder(body: (lockFile: string, pidFile: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await body(join(folder, "nerve.lock"), join(folder, "nerve.pid"));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** A process that takes the lock, reports it, and holds it until it is killed. */
function holder(lockFile: string, pidFile: string): Deno.ChildProcess {
  const code = `import { lockWorkspace } from ${JSON.stringify(lockModule)};
    await lockWorkspace(${JSON.stringify(lockFile)}, ${JSON.stringify(pidFile)}, "/ws", ${JSON.stringify(daemon)});
    console.log("held"); setInterval(() => {}, 60_000);`;
  return new Deno.Command(Deno.execPath(), {
    args: ["eval", "--no-lock", code],
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
}

Deno.test("a second daemon is refused with the first one's pid, and the lock is free again after kill -9", async () => {
  await inFolder(async (lockFile, pidFile) => {
    const child = holder(lockFile, pidFile);
    const reader = child.stdout.getReader();
    await reader.read();
    await assert.rejects(lockWorkspace(lockFile, pidFile, "/ws", daemon), (thrown) => {
      assert.ok(thrown instanceof NerveError);
      assert.equal(thrown.code, "DAEMON_RUNNING");
      assert.match(thrown.message, new RegExp(`pid ${child.pid}`));
      return true;
    });
    child.kill("SIGKILL");
    await child.status;
    await reader.cancel();
    const lock = await lockWorkspace(lockFile, pidFile, "/ws", daemon);
    assert.equal(Deno.readTextFileSync(pidFile).trim(), String(Deno.pid));
    lock.release();
    assert.deepEqual([...Deno.readDirSync(join(lockFile, ".."))].map((entry) => entry.name), ["nerve.lock"]);
  });
});

Deno.test("a lock held by another program is not reported as a daemon with an unknown pid", async () => {
  await inFolder(async (lockFile, pidFile) => {
    using other = await Deno.open(lockFile, { create: true, write: true });
    await other.lock(true);
    await assert.rejects(lockWorkspace(lockFile, pidFile, "/ws", daemon), (thrown) => {
      assert.ok(thrown instanceof NerveError);
      assert.equal(thrown.code, "DAEMON_RUNNING");
      assert.match(thrown.message, /another program holds .*nerve\.lock/);
      assert.match(thrown.hint ?? "", /fuser -v .*nerve\.lock/);
      return true;
    });
  });
});

Deno.test("a lock whose pid file cannot be written is released, and no daemon is reported", async () => {
  await inFolder(async (lockFile, pidFile) => {
    await Deno.mkdir(pidFile);
    await assert.rejects(lockWorkspace(lockFile, pidFile, "/ws", daemon), Deno.errors.IsADirectory);
    assert.equal(Deno.readTextFileSync(lockFile), "");
    await Deno.remove(pidFile);
    (await lockWorkspace(lockFile, pidFile, "/ws", daemon)).release();
  });
});
