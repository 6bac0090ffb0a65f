/** What goes wrong around a daemon, with real processes: each abnormal situation and its outcome. */
import assert from "node:assert/strict";
import { logLineMaxBytes } from "../../../src/base/limits.ts";
import { parseLogLine } from "../../../src/base/log_line.ts";
import { ownProcessId, processStat } from "../../../src/base/process_id.ts";
import { findDaemon } from "../../../src/daemon/discovery.ts";
import { DaemonWorkspace } from "../../support/daemon.ts";
import { heardLater } from "../../support/workspace_fixture.ts";

/** A socket file that nobody listens on, as kill -9 leaves it: closing removes the name that it was bound to. */
function leaveSocket(path: string): void {
  const listener = Deno.listen({ transport: "unix", path: `${path}.bound` });
  Deno.renameSync(`${path}.bound`, path);
  listener.close();
  assert.ok(Deno.lstatSync(path).isSocket);
}

Deno.test("a kernel that is killed is started again, and both the log and status tell", async () => {
  await using workspace = await DaemonWorkspace.make();
  const { kernel, supervisor } = await workspace.start();
  Deno.kill(kernel, "SIGKILL");
  await workspace.reached("another kernel", () => {
    const found = findDaemon(workspace.paths);
    return found.supervised?.state === "running" && found.kernel !== null && found.kernel.pid !== kernel;
  });
  assert.equal(workspace.pids().supervisor, supervisor);
  const { code, document } = await workspace.status();
  assert.equal(code, 0);
  assert.deepEqual([document.condition, document.deaths], ["running", 1]);
  assert.match(document.problem, /was killed from outside \(SIGKILL\)/);
  assert.match(
    workspace.textLog(),
    new RegExp(`source=daemon event=kernel.died message="kernel ${kernel} was killed from outside \\(SIGKILL\\)"`),
  );
  assert.equal((await workspace.nerve("stop")).code, 0);
  await workspace.nothingLeft();
});

Deno.test("a kernel that dies five times stays down, says so, and starts again when it is told to", async () => {
  await using workspace = await DaemonWorkspace.make();
  await workspace.start();
  const killed = new Set<number>();
  await workspace.reached("the end of the supervisor", () => {
    const { kernel, supervised } = findDaemon(workspace.paths);
    if (kernel !== null && !killed.has(kernel.pid) && killed.size < 5) {
      killed.add(kernel.pid);
      Deno.kill(kernel.pid, "SIGKILL");
    }
    return supervised === null;
  });
  assert.equal(killed.size, 5);
  const shown = await workspace.nerve("status");
  assert.equal(shown.code, 3);
  assert.match(shown.out, /🔴 no daemon runs in .*; it stays down: the kernel died 5 times in 60 s/);
  assert.match(workspace.textLog(), /level=error source=daemon event=gave_up message="the kernel died 5 times/);
  const doctor = await workspace.nerve("doctor");
  assert.equal(doctor.code, 1);
  assert.match(doctor.out, /❌ daemon: stays down: the kernel died 5 times/);
  await workspace.nothingLeft();
  await workspace.start();
  assert.equal((await workspace.status()).document.deaths, 0);
});

Deno.test("what a killed daemon leaves, and a pid that is somebody else's by now, is neither believed nor harmed", async () => {
  // The bug would be: `stop` ends an innocent process that was given the dead daemon's pid, or `start` is refused by it.
  await using workspace = await DaemonWorkspace.make();
  const { paths } = workspace, bystander = new Deno.Command("sleep", { args: ["600"] }).spawn();
  try {
    const start = Number(processStat(bystander.pid)?.startTime);
    Deno.writeTextFileSync(paths.lockFile, `${bystander.pid} ${start - 1}\n`);
    Deno.writeTextFileSync(paths.pidFile, `${bystander.pid}\n`);
    leaveSocket(paths.socket);
    Deno.mkdirSync(paths.logs);
    const supervisor = { ...ownProcessId(), startTime: "1" };
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
    assert.match(doctor.out, new RegExp(`🔶 pid file: stale: it says ${bystander.pid}`));
    assert.match(doctor.out, /🔶 socket: stale: nobody listens/);

    const { kernel } = await workspace.start();
    assert.equal(Deno.readTextFileSync(paths.pidFile), `${kernel}\n`);
    assert.equal((await workspace.nerve("stop")).code, 0);
    assert.equal(processStat(bystander.pid)?.state, "S");
  } finally {
    bystander.kill("SIGKILL");
    await bystander.status;
  }
});

Deno.test("a folder where the socket belongs refuses the start in two lines, and doctor names it", async () => {
  await using workspace = await DaemonWorkspace.make();
  const { socket } = workspace.paths;
  Deno.mkdirSync(`${socket}/mine`, { recursive: true });
  const { code, err } = await workspace.nerve("start");
  assert.equal(code, 1);
  assert.match(
    err,
    /^❌ A folder is in the way, and it is not empty: remove '.*nerve\.sock'\n {3}Move the folder away\n$/,
  );
  await workspace.nothingLeft();
  assert.match(
    (await workspace.nerve("doctor")).out,
    /❌ socket: a folder is in its place\n {3}move .*nerve\.sock away/,
  );
  Deno.removeSync(socket, { recursive: true });
  await workspace.start();
});

Deno.test("a kernel whose supervisor is killed ends in order, and a start waits for it", async () => {
  await using workspace = await DaemonWorkspace.make();
  const { kernel, supervisor } = await workspace.start();
  Deno.kill(supervisor, "SIGKILL");
  const again = await workspace.nerve("start");
  assert.equal(again.code, 0, again.err);
  assert.notEqual(workspace.pids().kernel, kernel);
  const { out } = await workspace.nerve("events", "--type", "kernel.stopped", "--json");
  assert.match(out, new RegExp(`"pid":${kernel}\\b`), "it closed its log in order");
});

Deno.test("a daemon whose log is removed or replaced says so, ends, and starts with a new one", async () => {
  // The bug was: it went on for ever, and recorded everything into a file without a name.
  await using workspace = await DaemonWorkspace.make();
  const { logDatabase } = workspace.paths;
  const removals = [
    () => Deno.removeSync(logDatabase),
    () => {
      Deno.copyFileSync(logDatabase, `${logDatabase}.copy`);
      Deno.renameSync(`${logDatabase}.copy`, logDatabase);
    },
    () => Deno.renameSync(workspace.paths.data, `${workspace.root}/data.old`),
  ];
  for (const remove of removals) {
    await workspace.start();
    remove();
    await workspace.reached("the end", () => findDaemon(workspace.paths).supervised === null);
    const said = workspace.textLog().split("kernel.ready").at(-1) ?? "";
    assert.match(said, /level=warn source=kernel event=problem message="data\/logs\.db was removed or replaced/);
    assert.match(said, /event=kernel\.stopping message="log gone"/);
    const { code, out } = await workspace.nerve("status");
    assert.equal(code, 3);
    assert.match(out, /it stays down: data\/logs\.db was removed or replaced/);
    await workspace.nothingLeft();
  }
});

Deno.test("a daemon whose socket is gone is told from one that does not run, and a restart mends it", async () => {
  await using workspace = await DaemonWorkspace.make();
  const { kernel } = await workspace.start();
  Deno.removeSync(workspace.paths.socket);
  const { code, err } = await workspace.nerve("sense", "trigger", "ping");
  assert.equal(code, 1);
  assert.match(err, new RegExp(`❌ The daemon \\(pid ${kernel}\\) runs, but its socket is gone\n {3}nerve restart`));
  assert.equal((await workspace.nerve("restart")).code, 0);
  assert.equal((await workspace.nerve("sense", "trigger", "ping")).code, 0);
});

Deno.test("stop names what holds a daemon that hangs, and kills it", async () => {
  await using workspace = await DaemonWorkspace.make();
  const { kernel, supervisor } = await workspace.start();
  assert.equal((await workspace.nerve("workflow", "trigger", "slow", "--id", "held", "--prompt", "60000")).code, 0);
  await workspace.reached("the role", () => /role begins/.test(workspace.textLog()));
  const stopping = heardLater(workspace.nerve("stop", "--timeout", "6s"));
  await workspace.reached("the stop", () => findDaemon(workspace.paths).supervised?.state === "stopping");
  Deno.kill(kernel, "SIGSTOP");
  const { code, out } = await stopping;
  assert.equal(code, 1);
  assert.match(out, new RegExp(`🔶 supervisor ${supervisor} waits for something`));
  assert.match(out, new RegExp(`🔶 kernel ${kernel} was stopped by a signal \\(SIGSTOP\\)`));
  assert.match(out, /🔶 workflow slow, process \d+ .*: run held after 0 rounds/);
  assert.match(out, new RegExp(`💥 killed \\(pid ${kernel}\\) after 6s; runs go on at the next start`));
  await workspace.nothingLeft();
  await workspace.start();
  await workspace.reached(
    "the run to go on",
    () => /role begins/.test(workspace.textLog().split("kernel.ready").at(-1)!),
  );
});

Deno.test("a second signal to the supervisor ends at once what the first one lets drain", async () => {
  await using workspace = await DaemonWorkspace.make();
  const { supervisor } = await workspace.start();
  assert.equal((await workspace.nerve("workflow", "trigger", "slow", "--prompt", "600000")).code, 0);
  await workspace.reached("the role", () => /role begins/.test(workspace.textLog()));
  Deno.kill(supervisor, "SIGTERM");
  await workspace.reached("the drain", () => /event=kernel\.stopping/.test(workspace.textLog()));
  Deno.kill(supervisor, "SIGTERM");
  await workspace.nothingLeft();
  // 130: at once. After a whole drain it would be 0.
  assert.match(workspace.textLog(), /event=kernel\.stopped message="kernel \d+ exited with code 130"/);
});

Deno.test("a kernel that cannot start is told by start itself, and no process is left", async () => {
  await using workspace = await DaemonWorkspace.make({ "data/logs.db": "this is no database\n".repeat(1_000) });
  const { code, err } = await workspace.nerve("start");
  assert.equal(code, 1);
  assert.match(err, /❌ .*logs\.db.* not a database\n {3}the file is damaged/);
  await workspace.nothingLeft();
  const shown = await workspace.nerve("status");
  assert.equal(shown.code, 3);
  assert.match(shown.out, /🔶 the log of events cannot be read: .*: nerve doctor/);
});

Deno.test("what a sense says at length is cut in the log, and stays one line", async () => {
  const long = "export const compute = () => ({ text: '\\n\u0007\"'.repeat(20_000) });\n";
  await using workspace = await DaemonWorkspace.make({ "senses/ping/index.ts": long });
  await workspace.start();
  await workspace.reached("the signal", () => /event=signal .*\n/.test(workspace.textLog()));
  const lines = workspace.textLog().trimEnd().split("\n");
  assert.ok(lines.every((line) => line.length <= logLineMaxBytes && parseLogLine(line) !== null));
  assert.match(
    parseLogLine(lines.find((line) => /event=signal/.test(line)) ?? "")?.message ?? "",
    /^\d+ \{"text".*\.\.\.$/,
  );
});

Deno.test("status says that a daemon hangs, and exits 1, without waiting for ever", async () => {
  await using workspace = await DaemonWorkspace.make();
  const { kernel } = await workspace.start();
  Deno.kill(kernel, "SIGSTOP");
  const hanging = await workspace.nerve("status");
  assert.equal(hanging.code, 1);
  assert.match(hanging.out, new RegExp(`🔴 the daemon in .* does not answer \\(pid ${kernel}\\): nerve stop ends it`));
  Deno.kill(kernel, "SIGCONT");
  assert.equal((await workspace.nerve("status")).code, 0);
});

Deno.test("a start that is interrupted leaves a whole daemon or nothing", async () => {
  await using workspace = await DaemonWorkspace.make();
  const starting = workspace.command(["start"]).spawn();
  const output = starting.output();
  await workspace.reached("the supervisor", () => supervisorOf(workspace.root));
  starting.kill("SIGINT");
  const { code, stderr } = await output;
  if (code === 0) return void workspace.pids();
  assert.equal(code, 1);
  assert.match(new TextDecoder().decode(stderr), /❌ The daemon was stopped while it started/);
  await workspace.reached("its end", () => !supervisorOf(workspace.root));
  await workspace.nothingLeft();
  assert.equal((await workspace.nerve("status")).code, 3);
});

/** Whether a supervisor of that workspace is there, also one that has not told of itself yet. */
function supervisorOf(root: string): boolean {
  return [...Deno.readDirSync("/proc")].some(({ name }) => {
    try {
      return Deno.readTextFileSync(`/proc/${name}/cmdline`).includes(`\0__daemon\0${root}\0`);
    } catch {
      // No process, or gone since the listing.
      return false;
    }
  });
}
