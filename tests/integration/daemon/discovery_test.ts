/**
 * Finding the daemon of a workspace. Danger: a command believes a stale pid or socket, and ends a stranger's process.
 */
import assert from "node:assert/strict";
import { readOwnProcessId, readProcessStat } from "../../../src/base/process_id.ts";
import { DaemonWorkspace } from "../../support/daemon.ts";
import { long } from "../../support/long_form.ts";
import { untilRefused } from "../../support/own_ports.ts";

/** A socket file without a listener, as kill -9 leaves it: closing would remove the name to which it was bound. */
async function leaveSocket(path: string): Promise<void> {
  const listener = Deno.listen({ transport: "unix", path: `${path}.bound` });
  Deno.renameSync(`${path}.bound`, path);
  listener.close();
  await untilRefused(async () => await Deno.connect({ transport: "unix", path }));
  assert.ok(Deno.lstatSync(path).isSocket);
}

long.test("leftovers of a killed daemon, and a reused pid, are neither believed nor harmed", async () => {
  // The bug would be: `stop` ends an innocent process that has got the dead daemon's pid, or `start` fails because of
  // it.
  await using workspace = await DaemonWorkspace.make();
  const { paths } = workspace, bystander = new Deno.Command("sleep", { args: ["600"] }).spawn();
  try {
    const start = Number(readProcessStat(bystander.pid)?.startTime);
    Deno.writeTextFileSync(paths.lockFile, `${bystander.pid} ${start - 1}\n`);
    Deno.writeTextFileSync(paths.pidFile, `${bystander.pid}\n`);
    await leaveSocket(paths.socket);
    Deno.mkdirSync(paths.logs);
    const supervisor = { ...readOwnProcessId(), startTime: "1" };
    const state = { supervisor, state: "running", since: 0, kernel: bystander.pid, deaths: 0, problem: null };
    Deno.writeTextFileSync(`${paths.logs}/daemon.json`, JSON.stringify(state));

    const shown = await workspace.nerve("status");
    assert.equal(shown.code, 3);
    assert.match(shown.out, /no daemon runs in .*; the last one was killed/);
    assert.equal((await workspace.nerve("stop")).code, 3);
    const doctor = await workspace.nerve("doctor");
    assert.equal(doctor.code, 0, doctor.out);
    assert.match(
      doctor.out,
      new RegExp(`🔶 lock: free; the daemon that held it \\(pid ${bystander.pid}\\) was killed`),
    );
    assert.match(doctor.out, new RegExp(`🔶 pid file: stale: it contains ${bystander.pid}`));
    assert.match(doctor.out, /🔶 socket: stale: no process listens/);

    const { kernel } = await workspace.start();
    assert.equal(Deno.readTextFileSync(paths.pidFile), `${kernel}\n`);
    assert.equal((await workspace.nerve("stop")).code, 0);
    assert.equal(readProcessStat(bystander.pid)?.state, "S");
  } finally {
    bystander.kill("SIGKILL");
    await bystander.status;
  }
});

long.test("a folder in the place of the socket prevents the start with a two-line error, and doctor names it", async () => {
  await using workspace = await DaemonWorkspace.make();
  const { socket } = workspace.paths;
  Deno.mkdirSync(`${socket}/mine`, { recursive: true });
  const { code, err } = await workspace.nerve("start");
  assert.equal(code, 1);
  assert.match(
    err,
    /^❌ a folder is in the way, and it is not empty: remove '.*nerve\.sock'\n {3}Move the folder away\n$/,
  );
  await workspace.nothingLeft();
  assert.match(
    (await workspace.nerve("doctor")).out,
    /❌ socket: there is a folder in its place\n {3}move .*nerve\.sock away/,
  );
  Deno.removeSync(socket, { recursive: true });
  await workspace.start();
});

long.test("a daemon whose socket is gone is distinguished from a stopped one, and a restart repairs it", async () => {
  await using workspace = await DaemonWorkspace.make();
  const { kernel } = await workspace.start();
  // A kernel that runs makes its socket again, sooner or later than the command looks for it.
  Deno.kill(kernel, "SIGSTOP");
  Deno.removeSync(workspace.paths.socket);
  const { code, err } = await workspace.nerve("sense", "trigger", "ping");
  Deno.kill(kernel, "SIGCONT");
  assert.equal(code, 1);
  assert.match(err, new RegExp(`❌ the daemon \\(pid ${kernel}\\) runs, but its socket is gone\n {3}nerve restart`));
  assert.equal((await workspace.nerve("restart")).code, 0);
  assert.equal((await workspace.nerve("sense", "trigger", "ping")).code, 0);
});
