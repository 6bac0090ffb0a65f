/** Starting a daemon that does not come up. */
import assert from "node:assert/strict";
import { DaemonWorkspace } from "../../support/daemon.ts";
import { long } from "../../support/long_form.ts";

Deno.test("start reports a kernel that cannot start, and leaves no process", async () => {
  await using workspace = await DaemonWorkspace.make({ "data/logs.db": "this is no database\n".repeat(1_000) });
  const { code, err } = await workspace.nerve("start");
  assert.equal(code, 1);
  assert.match(err, /❌ .*logs\.db.* not a database\n {3}the file is damaged/);
  await workspace.nothingLeft();
  const shown = await workspace.nerve("status");
  assert.equal(shown.code, 3);
  assert.match(shown.out, /🔶 the log of events cannot be read: .*: nerve doctor/);
});

long.test("an interrupted start leaves a complete daemon or nothing", async () => {
  await using workspace = await DaemonWorkspace.make();
  const starting = workspace.command(["start"]).spawn();
  const output = starting.output();
  await workspace.reached("the supervisor", () => supervisorOf(workspace.root));
  starting.kill("SIGINT");
  const { code, stderr } = await output;
  if (code === 0) return void workspace.pids();
  assert.equal(code, 1);
  assert.match(new TextDecoder().decode(stderr), /❌ the daemon was stopped while it started/);
  await workspace.reached("its end", () => !supervisorOf(workspace.root));
  await workspace.nothingLeft();
  assert.equal((await workspace.nerve("status")).code, 3);
});

/** Whether a supervisor of that workspace runs, also one that has not written its state yet. */
function supervisorOf(root: string): boolean {
  return [...Deno.readDirSync("/proc")].some(({ name }) => {
    try {
      return Deno.readTextFileSync(`/proc/${name}/cmdline`).includes(`\0__daemon\0${root}\0`);
    } catch {
      // Not a process, or gone since the listing.
      return false;
    }
  });
}
