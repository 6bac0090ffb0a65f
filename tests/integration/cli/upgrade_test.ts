/** `nerve upgrade` and install.sh on files that only pretend to be a nerve: what is swapped, and when nothing is. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { NerveError } from "../../../src/base/errors.ts";
import { readProcessStat } from "../../../src/base/process_id.ts";
import { upgrade as upgradeOnce } from "../../../src/cli/commands/upgrade.ts";
import { hashFile, lockInstalled } from "../../../src/cli/daemon/installation.ts";
import { workspacePaths } from "../../../src/config/workspace.ts";
import { supervisorArgument } from "../../../src/daemon/arguments.ts";
import { writeState } from "../../../src/daemon/state_file.ts";
import { lockWorkspace } from "../../../src/store/workspace_lock.ts";
import { CapturedIo } from "../../support/captured_io.ts";
import { fakeNerve } from "../../support/fake_nerve.ts";
import { canMount, smallDisk } from "../../support/mounts.ts";
import { whileBusy } from "../../support/programs.ts";
import { inTempDir, writeWorkspace } from "../../support/temp_workspace.ts";

const upgrade: typeof upgradeOnce = (io, flags) => whileBusy(() => upgradeOnce(io, flags));

interface World {
  readonly folder: string;
  readonly io: CapturedIo;
  readonly installed: string;
  /** The version of the installed file. */
  now(): Promise<string>;
  calls(): Promise<string[]>;
}

async function withInstalled(test: (world: World) => Promise<void>): Promise<void> {
  await inTempDir(async (folder) => {
    const installed = fakeNerve(folder, "nerve", "0.1.0");
    await test({
      folder,
      installed,
      io: new CapturedIo({ cwd: folder, env: { NERVE_EXECUTABLE: installed } }),
      now: async () => /nerve": "([^"]+)/.exec(await Deno.readTextFile(installed))?.[1] ?? "none",
      calls: async () => (await Deno.readTextFile(join(folder, "calls"))).trim().split("\n"),
    });
  });
}

/** What a background supervisor leaves on the disk, with a process that was started like one. */
async function pretendDaemon(folder: string): Promise<AsyncDisposable> {
  await writeWorkspace(folder, { "nerve.yaml": "senses: {}\n" });
  const paths = workspacePaths(folder);
  await Deno.mkdir(paths.logs, { recursive: true });
  const args = ["-c", "read line; :", supervisorArgument, paths.root];
  const child = new Deno.Command("/bin/sh", { args, stdin: "piped" }).spawn();
  writeState(paths, {
    supervisor: { pid: child.pid, startTime: readProcessStat(child.pid)?.startTime ?? null },
    workspace: paths.root,
    state: "running",
    since: 0,
    kernel: null,
    deaths: 0,
    problem: null,
  });
  return {
    async [Symbol.asyncDispose]() {
      await child.stdin.close();
      await child.status;
    },
  };
}

const failsWith = (code: string, message: RegExp) => (thrown: unknown) =>
  thrown instanceof NerveError && thrown.code === code && message.test(`${thrown.message} ${thrown.hint}`);

Deno.test("upgrade replaces the file, keeps the old one, and can return to it", async () => {
  await withInstalled(async ({ folder, io, installed, now }) => {
    const next = fakeNerve(folder, "downloaded", "0.2.0");
    assert.equal(await upgrade(io, { from: "downloaded", sha256: await hashFile(next) }), 0);
    assert.equal(await now(), "0.2.0");
    assert.match(io.out, /is now 0\.2\.0\n.*--from .*nerve\.old/);
    assert.equal(await upgrade(io, { from: `${installed}.old` }), 0);
    assert.equal(await now(), "0.1.0");
    const entries = [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
    assert.deepEqual(entries, ["calls", "downloaded", "nerve", "nerve.old"]);
  });
});

Deno.test("a wrong checksum, a file that is not a program, or the same file changes nothing", async () => {
  await withInstalled(async ({ folder, io, installed, now }) => {
    const next = fakeNerve(folder, "downloaded", "0.2.0");
    await assert.rejects(upgrade(io, { from: next, sha256: "ab".repeat(32) }), failsWith("UPGRADE_FAILED", /checksum/));
    await Deno.writeTextFile(`${next}.sha256`, `${"cd".repeat(32)}  downloaded\n`);
    await assert.rejects(upgrade(io, { from: next }), failsWith("UPGRADE_FAILED", /not cdcd.*nothing was changed/));
    await Deno.writeTextFile(join(folder, "noise"), "\x7fELF nothing");
    await assert.rejects(upgrade(io, { from: "noise" }), failsWith("UPGRADE_FAILED", /not a nerve exec/));
    await assert.rejects(upgrade(io, { from: "missing" }), failsWith("UPGRADE_FAILED", /cannot be read/));
    assert.equal(await upgrade(io, { from: installed }), 0);
    assert.match(io.out, /is already this file/);
    assert.equal(await now(), "0.1.0");
    assert.ok([...Deno.readDirSync(folder)].every(({ name }) => !name.endsWith(".new")));
  });
});

Deno.test("a file or a folder that others may change is not run as nerve, unless its checksum was given", async () => {
  await withInstalled(async ({ folder, io, now }) => {
    const next = fakeNerve(folder, "downloaded", "0.2.0");
    await Deno.chmod(next, 0o777);
    await Deno.writeTextFile(`${next}.sha256`, await hashFile(next));
    const refusal = failsWith("OWNER_UNTRUSTED", /downloaded may be changed by every user/);
    await assert.rejects(upgrade(io, { from: "downloaded" }), refusal);
    await Deno.chmod(folder, 0o777);
    const sha256 = await hashFile(next);
    await assert.rejects(upgrade(io, { from: "downloaded", sha256 }), failsWith("OWNER_UNTRUSTED", /may be changed/));
    await Deno.chmod(folder, 0o700);
    assert.equal(await now(), "0.1.0");
    assert.equal(await upgrade(io, { from: "downloaded", sha256 }), 0);
  });
});

Deno.test("a clone is not upgraded", async () => {
  await inTempDir(async (folder) => {
    const io = new CapturedIo({ cwd: folder });
    await assert.rejects(upgrade(io, { from: "x" }), failsWith("UPGRADE_FAILED", /from a clone.*git pull/));
  });
});

Deno.test("a daemon in the background is stopped by the old executable and started by the new one", async () => {
  await withInstalled(async ({ folder, io, calls, now }) => {
    fakeNerve(folder, "downloaded", "0.2.0");
    await using _daemon = await pretendDaemon(folder);
    assert.equal(await upgrade(io, { from: "downloaded" }), 0);
    assert.deepEqual(await calls(), ["0.2.0 version", "0.2.0 validate", "0.1.0 stop", "0.2.0 start"]);
    assert.equal(await now(), "0.2.0");
  });
});

Deno.test("after a daemon had to be killed the new one starts; when it cannot be stopped nothing changes", async () => {
  await withInstalled(async ({ folder, io, calls, now }) => {
    const installed = fakeNerve(folder, "nerve", "0.1.0", "stop");
    fakeNerve(folder, "downloaded", "0.2.0");
    await using _daemon = await pretendDaemon(folder);
    await Deno.writeTextFile(join(folder, "unstoppable"), "");
    const failure = failsWith("UPGRADE_FAILED", /could not be stopped: cannot stop today.*nothing was changed/);
    await assert.rejects(upgrade(io, { from: "downloaded" }), failure);
    assert.equal(await now(), "0.1.0");
    await Deno.remove(join(folder, "unstoppable"));
    assert.equal(await upgrade(io, { from: "downloaded" }), 0);
    assert.deepEqual((await calls()).slice(-2), ["0.1.0 stop", "0.2.0 start"]);
    assert.equal(await now(), "0.2.0");
    assert.ok(await hashFile(installed));
  });
});

Deno.test("upgrades exclude each other, and the leftovers of a killed one are removed", async () => {
  await withInstalled(async ({ folder, io, installed, now }) => {
    fakeNerve(folder, "downloaded", "0.2.0");
    for (const name of [".nerve.123.new", ".nerve.mine.new"]) await Deno.writeTextFile(join(folder, name), "half");
    {
      using _held = await lockInstalled(installed);
      const refusal = failsWith("UPGRADE_FAILED", /another upgrade is replacing .*nothing was changed/);
      await assert.rejects(upgrade(io, { from: "downloaded" }), refusal);
      assert.equal(await now(), "0.1.0");
    }
    assert.equal(await upgrade(io, { from: "downloaded" }), 0);
    assert.equal(await now(), "0.2.0");
    assert.match(io.out, /its checksum was not verified: there is no .*downloaded\.sha256/);
    const entries = [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
    assert.deepEqual(entries, [".nerve.mine.new", "calls", "downloaded", "nerve", "nerve.old"]);
  });
});

Deno.test("a symlink to the executable stays a symlink: the file behind it is replaced", async () => {
  await withInstalled(async ({ folder, installed, now }) => {
    fakeNerve(folder, "downloaded", "0.2.0");
    await Deno.mkdir(join(folder, "bin"));
    const link = join(folder, "bin", "nerve");
    await Deno.symlink(installed, link);
    const io = new CapturedIo({ cwd: folder, env: { NERVE_EXECUTABLE: link } });
    assert.equal(await upgrade(io, { from: "downloaded" }), 0);
    assert.ok((await Deno.lstat(link)).isSymlink);
    assert.equal(await now(), "0.2.0");
  });
});

Deno.test({
  name: "a folder that cannot be written to is named, and nothing is changed",
  ignore: !canMount,
  async fn() {
    await withInstalled(async ({ folder, now }) => {
      fakeNerve(folder, "downloaded", "0.2.0");
      using disk = smallDisk(join(folder, "disk"), 1_000_000);
      const installed = fakeNerve(join(folder, "disk"), "nerve", "0.1.0");
      disk.readOnly();
      const io = new CapturedIo({ cwd: folder, env: { NERVE_EXECUTABLE: installed } });
      const refusal = failsWith("UPGRADE_FAILED", /disk cannot be written to: .*nothing was changed/);
      await assert.rejects(upgrade(io, { from: "downloaded" }), refusal);
      assert.equal(await now(), "0.1.0");
    });
  },
});

Deno.test("when the new executable does not start the daemon, the old one is restored and runs", async () => {
  await withInstalled(async ({ folder, io, calls, now }) => {
    fakeNerve(folder, "downloaded", "0.2.0", "start");
    await using _daemon = await pretendDaemon(folder);
    const failure = failsWith("UPGRADE_FAILED", /cannot start today.*old one is back and runs/);
    await assert.rejects(upgrade(io, { from: "downloaded" }), failure);
    assert.deepEqual((await calls()).slice(2), ["0.1.0 stop", "0.2.0 start", "0.1.0 start"]);
    assert.equal(await now(), "0.1.0");
  });
});

Deno.test("a new executable that rejects the workspace stops nothing", async () => {
  await withInstalled(async ({ folder, io, calls, now }) => {
    fakeNerve(folder, "downloaded", "0.2.0", "validate");
    await using _daemon = await pretendDaemon(folder);
    const refusal = failsWith(
      "UPGRADE_FAILED",
      /does not accept .*: nerve\.yaml:1:8 error nerve: this is nerve 0\.2\.0 /,
    );
    await assert.rejects(upgrade(io, { from: "downloaded" }), refusal);
    assert.deepEqual(await calls(), ["0.2.0 version", "0.2.0 validate"]);
    assert.equal(await now(), "0.1.0");
    // Without a daemon there is nothing to stop, and a message is enough.
    await Deno.remove(workspacePaths(folder).logs, { recursive: true });
    assert.equal(await upgrade(io, { from: "downloaded" }), 0);
    assert.match(io.out, /the new nerve does not accept .*: nerve\.yaml:1:8 error/);
    assert.equal(await now(), "0.2.0");
  });
});

Deno.test("a nerve run in a terminal is not ended by an upgrade", async () => {
  await withInstalled(async ({ folder, io, now }) => {
    fakeNerve(folder, "downloaded", "0.2.0");
    await writeWorkspace(folder, { "nerve.yaml": "senses: {}\n" });
    const { lockFile, pidFile, root } = workspacePaths(folder);
    const lock = await lockWorkspace(lockFile, pidFile, root, { kind: "foreground", program: "nerve" });
    const refusal = failsWith("DAEMON_RUNNING", /holds .*Ctrl-C/);
    await assert.rejects(upgrade(io, { from: "downloaded" }), refusal);
    lock.release();
    assert.equal(await now(), "0.1.0");
  });
});
