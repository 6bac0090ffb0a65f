/** A kernel that dies or loses its supervisor, its log or its socket, with real processes. */
import assert from "node:assert/strict";
import { backoffMaxMs, kernelBeatMs } from "../../../src/base/limits.ts";
import { findDaemon } from "../../../src/daemon/discovery.ts";
import { startKernelChild } from "../../../src/daemon/kernel_child.ts";
import { KernelSupervisor } from "../../../src/daemon/kernel_supervisor.ts";
import { DaemonWorkspace } from "../../support/daemon.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { long } from "../../support/long_form.ts";

Deno.test("a killed kernel is restarted, and both the log and status show it", async () => {
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

long.test("a kernel that dies five times stays down, says so, and starts again on request", async () => {
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

long.test("a kernel whose supervisor is killed stops cleanly, and a start waits for it", async () => {
  await using workspace = await DaemonWorkspace.make();
  const { kernel, supervisor } = await workspace.start();
  Deno.kill(supervisor, "SIGKILL");
  const again = await workspace.nerve("start");
  assert.equal(again.code, 0, again.err);
  assert.notEqual(workspace.pids().kernel, kernel);
  const { out } = await workspace.nerve("events", "--type", "kernel.stopped", "--json");
  assert.match(out, new RegExp(`"pid":${kernel}\\b`), "it closed its log in order");
});

long.test("a daemon whose log is removed or replaced says so and ends; the next start has a new log", async () => {
  // The bug was: it continued for ever, and recorded everything into a file without a name.
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
    const lines = workspace.textLog().split("kernel.ready").at(-1) ?? "";
    assert.match(lines, /level=warn source=kernel event=problem message="data\/logs\.db was removed or replaced/);
    assert.match(lines, /event=kernel\.stopping message="log gone"/);
    const { code, out } = await workspace.nerve("status");
    assert.equal(code, 3);
    assert.match(out, /it stays down: data\/logs\.db was removed or replaced/);
    await workspace.nothingLeft();
  }
});

long.test("a second signal to the supervisor cuts short the drain that the first one began", async () => {
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

long.test("a kernel that was stopped by SIGSTOP is ended, and another one goes on", async () => {
  // On a clock that the test moves, with a real kernel: a minute without an answer.
  await using workspace = await DaemonWorkspace.make();
  const clock = new FakeClock(), lines: string[] = [];
  let beats = 0;
  const supervisor = new KernelSupervisor({
    clock,
    start: (listener) =>
      startKernelChild(workspace.root, {
        ...listener,
        onRecord(record) {
          if (record.t === "beat") beats++;
          listener.onRecord(record);
        },
      }),
    log: ({ message }) => void lines.push(message),
    workspaceExists: () => true,
    onChange: () => {},
  });
  supervisor.start();
  await supervisor.ready;
  await workspace.reached("its first beat", () => beats > 0);
  const first = supervisor.pid ?? 0;
  Deno.kill(first, "SIGSTOP");
  await workspace.reached("its end", async () => {
    await clock.tick(kernelBeatMs);
    return supervisor.deaths.count === 1;
  });
  assert.match(supervisor.deaths.last ?? "", /^did not answer for 60 s: its process was stopped by a signal/);
  assert.ok(lines.some((line) => line.startsWith(`kernel ${first} did not answer for 60 s`)), lines.join("\n"));
  await clock.tick(backoffMaxMs);
  await workspace.reached("the next kernel", () => supervisor.state === "running" && supervisor.pid !== first);
  supervisor.stop();
  assert.equal((await supervisor.over).kind, "stopped");
});
