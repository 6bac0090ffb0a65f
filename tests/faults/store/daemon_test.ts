/**
 * Danger: a disk that is full for everything (the log, the text log, the state of the supervisor) ends the daemon, or a
 * command of the store writes beside a running daemon. With real processes.
 */
import assert from "node:assert/strict";
import { storeArchiveOutput, storeBackupOutput, storeVerifyOutput } from "../../../src/cli/render/store_schemas.ts";
import { openStore } from "../../../src/store/store.ts";
import { DaemonWorkspace } from "../../support/daemon.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { long } from "../../support/long_form.ts";
import { canMount, smallDisk } from "../../support/mounts.ts";
import { newRow } from "../../support/store_bench.ts";

long.test("beside a daemon, archive asks it, backup and verify only read, and commands that need the workspace alone are refused", async () => {
  await using workspace = await DaemonWorkspace.make();
  const store = openStore(workspace.paths.logDatabase, new FakeClock(Date.UTC(2026, 0, 1)));
  for (let n = 0; n < 50; n++) store.log.append(newRow());
  await store.close();
  const { kernel } = await workspace.start(), backup = `${workspace.folder}/backup`;
  const archived = await workspace.nerve("store", "archive", "--before", "2026-01-02", "--json");
  assert.equal(storeArchiveOutput.parse(JSON.parse(archived.out)).rows, 50, archived.err);
  assert.ok(storeVerifyOutput.parse(JSON.parse((await workspace.nerve("store", "verify", "--json")).out)).ok);
  const made = await workspace.nerve("store", "backup", backup, "--json");
  assert.ok(storeBackupOutput.parse(JSON.parse(made.out)).files >= 2, made.err);
  for (const argv of [["archive", "--vacuum"], ["rebuild-runs"], ["restore", backup, "--force"]]) {
    const { code, err } = await workspace.nerve("store", ...argv);
    assert.deepEqual([code, /runs.*\n.*nerve stop/.test(err)], [1, true], err);
  }
  assert.equal(workspace.pids().kernel, kernel);
  assert.equal((await workspace.nerve("stop")).code, 0);
  assert.equal((await workspace.nerve("store", "restore", backup, "--force")).code, 0);
});

long.test({
  name: "a daemon whose whole disk is full stays up, reports it in its status, and recovers when there is space",
  ignore: !canMount,
  async fn() {
    await using workspace = await DaemonWorkspace.make();
    // The workspace's folders to which a daemon writes.
    using data = smallDisk(workspace.paths.data, 4 * 1024 ** 2);
    using logs = smallDisk(workspace.paths.logs, 64 * 1024);
    const { kernel, supervisor } = await workspace.start();
    assert.equal((await workspace.nerve("sense", "trigger", "ping", "--wait")).code, 0);
    data.fill();
    logs.fill();
    await workspace.reached("the full disk in the status", async () => {
      // What cannot be recorded is told to nobody.
      const { code, out, err } = await workspace.nerve("sense", "trigger", "ping", "--wait");
      if (code !== 0) assert.match(out + err, /its signal could not be recorded: the log cannot be written: .*full/);
      return (await workspace.status()).document.health.storeError !== null;
    });
    assert.match((await workspace.nerve("status")).out, /runs .*\n.*the log cannot be written: .*full/);
    data.free();
    logs.free();
    await workspace.reached("the log to be written again", async () => {
      await workspace.nerve("sense", "trigger", "ping", "--wait");
      return (await workspace.status()).document.health.storeError === null;
    });
    assert.ok((await workspace.status()).document.health.counters.lost > 0);
    await workspace.reached(
      "the text log to tell of it",
      () => /the log can be written again/.test(workspace.textLog()),
    );
    assert.deepEqual(workspace.pids(), { kernel, supervisor });
    assert.equal((await workspace.nerve("stop")).code, 0);
  },
});
