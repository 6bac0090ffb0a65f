/**
 * `nerve doctor` and `nerve service` on workspaces with faults: each fault is found and named, and nothing is changed.
 */
import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { systemClock } from "../../../src/base/clock.ts";
import { runCli } from "../../../src/cli/app.ts";
import { doctor } from "../../../src/cli/commands/doctor.ts";
import { findLeftovers, killProcesses, waitUntil } from "../../../src/daemon/discovery.ts";
import { CapturedIo } from "../../support/captured_io.ts";
import { DaemonWorkspace, deadlineMs } from "../../support/daemon.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { long } from "../../support/long_form.ts";
import { canMount } from "../../support/mounts.ts";
import { serveWorkspace } from "../../support/served_workspace.ts";
import { startWorkspace, type WorkspaceFixture } from "../../support/workspace_fixture.ts";

interface Finding {
  readonly check: string;
  readonly level: string;
  readonly message: string;
  readonly hint: string | null;
}

async function examined(root: string, clock = systemClock) {
  const io = new CapturedIo({ cwd: root, clock });
  const code = await doctor(io, { json: true });
  const { ok, findings } = JSON.parse(io.out) as { ok: boolean; findings: Finding[] };
  assert.equal(ok, code === 0);
  const of = (check: string) => {
    const found = findings.filter((finding) => finding.check === check);
    assert.ok(found.length > 0, `no finding of ${check} in ${io.out}`);
    return found;
  };
  for (const { level, hint, message } of findings) assert.equal(hint === null, level === "ok", message);
  return { code, of };
}

/** A workspace that has run: it has a log and a sense's database. */
async function used(): Promise<WorkspaceFixture> {
  const workspace = await startWorkspace({ senses: { ping: "export const compute = () => ({ pong: true });" } });
  await workspace.trigger("ping");
  await workspace.stop();
  return workspace;
}

long.test("doctor finds nothing wrong with a good workspace, and prints a line for each check", async () => {
  await using workspace = await used();
  const io = new CapturedIo({ cwd: workspace.root });
  assert.equal(await runCli(["doctor"], io), 0);
  for (const check of ["deno", "disk", "permissions", "databases", "clock", "lock", "socket", "processes"]) {
    assert.match(io.out, new RegExp(`^✅ ${check}: `, "m"));
  }
});

long.test("doctor finds world-writable files and world-readable data", async () => {
  await using workspace = await used();
  Deno.chmodSync(`${workspace.root}/senses/ping/index.ts`, 0o666);
  Deno.chmodSync(workspace.paths.data, 0o755);
  const { code, of } = await examined(workspace.root);
  assert.equal(code, 1);
  const [open, shown] = of("permissions");
  assert.match(open?.message ?? "", /anybody may change senses\/ping\/index\.ts \(0666\)/);
  assert.equal(open?.level, "failed");
  assert.match(shown?.message ?? "", /anybody may read data \(0755\)/);
  assert.equal(shown?.level, "warning");
});

long.test("doctor finds a read-only workspace", { ignore: !canMount }, async () => {
  await using workspace = await used();
  const mount = (...args: string[]) =>
    new Deno.Command("mount", { args, stdout: "null", stderr: "null" }).outputSync().success;
  assert.ok(mount("--bind", workspace.root, workspace.root));
  try {
    assert.ok(mount("-o", "remount,bind,ro", workspace.root));
    const { code, of } = await examined(workspace.root);
    assert.equal(code, 1);
    const [finding] = of("writing");
    assert.match(`${finding?.message}\n${finding?.hint}`, /the workspace cannot be written by this user\n.*writable/);
    // The bug was: doctor advised to move sound databases away, or to replace them from a backup.
    for (const { hint } of of("databases")) assert.doesNotMatch(hint ?? "", /restore|move/);
    const io = new CapturedIo({ cwd: workspace.root });
    assert.equal(await runCli(["start"], io), 1);
    assert.match(io.err, /^❌ the file system is read-only: .*\n {3}nerve writes into the workspace/);
  } finally {
    assert.ok(new Deno.Command("umount", { args: [workspace.root] }).outputSync().success);
  }
});

long.test("doctor finds code that the running daemon cannot load", async () => {
  await using served = await serveWorkspace({ senses: { broken: "export const compute = 1;" } });
  await served.nerve("sense", "trigger", "broken", "--wait");
  const { code, of } = await examined(served.workspace.root);
  assert.equal(code, 1);
  const [finding] = of("running");
  assert.deepEqual([finding?.level, /sense broken: cannot be loaded/.test(finding?.message ?? "")], ["failed", true]);
});

Deno.test("doctor finds a damaged database, also the log, and names its file", async () => {
  await using workspace = await used();
  const { senseDatabases, logDatabase } = workspace.paths;
  Deno.writeTextFileSync(`${senseDatabases}/ping.db`, "this is no database, whatever its name says".repeat(100));
  const one = await examined(workspace.root);
  assert.equal(one.code, 1);
  assert.match(one.of("databases")[0]?.message ?? "", /^data\/senses\/ping\.db: .*not a database/);
  damage(logDatabase);
  const both = await examined(workspace.root);
  assert.deepEqual(both.of("databases").map(({ message }) => message.split(":")[0]), [
    "data/logs.db",
    "data/senses/ping.db",
  ]);
});

/** Overwrites the inner pages, so that the file opens but is damaged inside. */
function damage(path: string): void {
  const db = new DatabaseSync(path);
  db.exec("pragma wal_checkpoint(truncate)");
  db.close();
  using file = Deno.openSync(path, { read: true, write: true });
  const { size } = file.statSync();
  file.seekSync(4096, Deno.SeekMode.Start);
  file.writeSync(new Uint8Array(size - 4096).fill(0xa5));
}

Deno.test("doctor finds a clock that is behind the newest row of the log", async () => {
  await using workspace = await used();
  const clock = new FakeClock(Date.now() - 3_600_000);
  const { code, of } = await examined(workspace.root, clock);
  assert.equal(code, 1);
  assert.match(of("clock")[0]?.message ?? "", /newest row of the log is (1h|59m\d+s)\S* in the future/);
});

Deno.test("doctor finds an orphaned process of a group, and says how to end it", async () => {
  await using workspace = await DaemonWorkspace.make();
  // A shell that ends at once leaves its child without a parent.
  const child = `exec "$0" eval --no-lock 'setTimeout(() => {}, 600_000)' __group`;
  const orphan = new Deno.Command("/bin/sh", {
    args: ["-c", `(setsid /bin/sh -c '${child.replaceAll("'", `'"'"'`)}' "$0" >/dev/null 2>&1 &)`, Deno.execPath()],
    cwd: workspace.root,
  });
  await orphan.output();
  assert.ok(await waitUntil(systemClock, deadlineMs, () => findLeftovers(workspace.root).length === 1));
  const [leftover] = findLeftovers(workspace.root);
  try {
    const { code, of } = await examined(workspace.root);
    assert.equal(code, 1);
    assert.equal(of("processes")[0]?.hint, `kill -9 ${leftover?.pid}`);
  } finally {
    killProcesses(leftover === undefined ? [] : [leftover], "process");
  }
  assert.ok(await waitUntil(systemClock, deadlineMs, () => findLeftovers(workspace.root).length === 0));
  assert.equal((await examined(workspace.root)).of("processes")[0]?.level, "ok");
});

long.test("doctor names the copies that a restore leaves, with their size", async () => {
  // The bug was: a restore that was killed left a whole copy of the data, and nothing said so.
  await using workspace = await used();
  assert.equal((await examined(workspace.root)).of("copies")[0]?.level, "ok");
  for (const name of ["data.restoring", "data.before-2026-01-01T00-00-00.000Z", "data.restored"]) {
    Deno.mkdirSync(`${workspace.root}/${name}/senses`, { recursive: true });
    Deno.writeFileSync(`${workspace.root}/${name}/senses/a.db`, new Uint8Array(2 * 1024 ** 2));
  }
  const { code, of } = await examined(workspace.root);
  assert.equal(code, 0);
  const [before, whole, cut] = of("copies");
  assert.deepEqual([before?.level, whole?.level, cut?.level], ["ok", "warning", "warning"]);
  assert.match(before?.message ?? "", /data\.before-2026.*the data before a restore, holds 2\.0 MiB/);
  assert.match(cut?.message ?? "", /data\.restoring was left by a restore that was cut off, and holds 2\.0 MiB/);
  assert.match(cut?.hint ?? "", /repeat the restore, or rm -r .*\/data\.restoring$/);
});
