/** Keeping a kernel running, with a kernel that a test controls and a clock that stands still. */
import assert from "node:assert/strict";
import { daemonStartMaxMs, deathWindowMs, workspaceAwayMaxMs, workspaceCheckMs } from "../../../src/base/limits.ts";
import { findFault } from "../../../src/daemon/kernel_child.ts";
import type { KernelSupervisorEnd } from "../../../src/daemon/kernel_supervisor.ts";
import { kernelExit } from "../../../src/daemon/supervisor_protocol.ts";
import { type FakeKernel, runningKernel, superviseKernel } from "../../support/supervised_kernel.ts";

Deno.test("KernelSupervisor restarts a kernel that died with growing waits, and gives up at the fifth death in a minute", async () => {
  const { supervisor, clock, kernels, lines, last, end } = await runningKernel();
  for (const waitMs of [100, 200, 400, 800]) {
    last().exit(-1, "was killed from outside (SIGKILL)");
    await clock.tick(waitMs - 1);
    assert.equal(supervisor.state, "backoff");
    const before = kernels.length;
    await clock.tick(1);
    assert.equal(kernels.length, before + 1);
    last().ready();
  }
  last().exit(-1, "was killed from outside (SIGKILL)");
  await clock.tick(deathWindowMs);
  const gaveUp = end() as KernelSupervisorEnd | null;
  assert.equal(gaveUp?.kind, "gave up");
  assert.equal(kernels.length, 5);
  assert.equal(lines.filter(({ event }) => event === "kernel.died").length, 5);
  assert.equal(lines.at(-1)?.event, "gave_up");
  assert.equal(clock.pending, 0);
});

Deno.test("KernelSupervisor says why it ended when the log was replaced under its kernel, unless a stop was requested", async () => {
  const lost = await runningKernel();
  lost.last().listener.onRecord({ t: "stopping", cause: "log gone" });
  lost.last().exit(0);
  await lost.clock.tick(0);
  const end = lost.end() as KernelSupervisorEnd | null;
  assert.match(end?.kind === "gave up" ? end.reason : "", /logs\.db was removed or replaced/);
  const requested = await runningKernel();
  requested.supervisor.stop();
  requested.last().listener.onRecord({ t: "stopping", cause: "log gone" });
  requested.last().exit(0);
  await requested.clock.tick(0);
  assert.deepEqual(requested.end(), { kind: "stopped" });
});

Deno.test("KernelSupervisor forgets deaths that are older than the window", async () => {
  const { supervisor, clock, last } = await runningKernel();
  for (let death = 0; death < 12; death++) {
    last().exit(1);
    await clock.tick(100);
    last().ready();
    await clock.tick(deathWindowMs);
    assert.equal(supervisor.state, "running");
  }
  assert.equal(supervisor.deaths.count, 12);
});

Deno.test("KernelSupervisor does not restart a kernel whose first start failed", async () => {
  const refused = superviseKernel();
  refused.last().listener.onRecord({ t: "refused", refusal: { code: "CONFIG_INVALID", message: "wrong", hint: null } });
  refused.last().exit(1);
  await refused.clock.tick(deathWindowMs);
  assert.deepEqual(refused.end(), {
    kind: "refused",
    refusal: { code: "CONFIG_INVALID", message: "wrong", hint: null },
  });
  const crashed = superviseKernel();
  crashed.last().exit(133, "ran out of its memory limit (JavaScript heap)");
  await crashed.clock.tick(deathWindowMs);
  const end = crashed.end() as KernelSupervisorEnd | null;
  assert.ok(end?.kind === "refused" && /ran out of its memory limit/.test(end.refusal.message));
  assert.deepEqual([refused.kernels.length, crashed.kernels.length], [1, 1]);
});

Deno.test("KernelSupervisor gives way to another daemon that took the workspace while its kernel was down", async () => {
  const { clock, last, end } = await runningKernel();
  last().exit(1);
  await clock.tick(100);
  last().listener.onRecord({ t: "refused", refusal: { code: "DAEMON_RUNNING", message: "pid 7", hint: null } });
  last().exit(1);
  await clock.tick(0);
  assert.equal((end() as KernelSupervisorEnd | null)?.kind, "refused");
});

Deno.test("KernelSupervisor counts a restart with a broken configuration as a death, and says what is wrong", async () => {
  const { supervisor, clock, last } = await runningKernel();
  last().exit(1);
  await clock.tick(100);
  last().listener.onRecord({ t: "refused", refusal: { code: "CONFIG_INVALID", message: "line 3", hint: null } });
  last().exit(1);
  await clock.tick(0);
  assert.deepEqual(supervisor.deaths, { count: 2, last: "refused to start: line 3" });
});

Deno.test("KernelSupervisor treats an exit with code 0 as a stop, whoever requested it", async () => {
  for (const code of [0, 130]) {
    const { clock, last, end } = await runningKernel();
    last().exit(code);
    await clock.tick(deathWindowMs);
    assert.deepEqual(end(), { kind: "stopped" });
  }
});

Deno.test("KernelSupervisor.stop() asks politely at the first call, and for an immediate stop at the second", async () => {
  const { supervisor, last, clock, end } = await runningKernel();
  supervisor.stop();
  assert.deepEqual([supervisor.state, last().signals.length], ["stopping", 1]);
  supervisor.stop();
  assert.deepEqual(last().signals, ["SIGTERM", "SIGTERM"]);
  last().exit(137, "was killed from outside (SIGKILL)");
  await clock.tick(0);
  assert.deepEqual(end(), { kind: "stopped" });
});

Deno.test("KernelSupervisor.stop() does not hurry a stop that came over the API, until it is called again", async () => {
  // The bug would be: POST /v1/stop, then `nerve stop`, and roles lose the time that they have to end.
  const { supervisor, last } = await runningKernel();
  last().listener.onRecord({ t: "stopping", cause: "request" });
  supervisor.stop();
  assert.deepEqual(last().signals, []);
  supervisor.stop();
  assert.deepEqual(last().signals, ["SIGTERM"]);
});

Deno.test("KernelSupervisor.stop() between two kernels starts no other one", async () => {
  const { supervisor, clock, last, kernels, end } = await runningKernel();
  last().exit(1);
  await clock.tick(0);
  supervisor.stop();
  await clock.tick(deathWindowMs);
  assert.deepEqual([end(), kernels.length, clock.pending], [{ kind: "stopped" }, 1, 0]);
});

Deno.test("KernelSupervisor kills a kernel that does not answer in time, which counts as a death", async () => {
  const { supervisor, clock, last } = await runningKernel();
  last().exit(1);
  await clock.tick(100);
  await clock.tick(daemonStartMaxMs);
  assert.deepEqual(last().signals, ["SIGKILL"]);
  last().exit(-1, "was killed from outside (SIGKILL)");
  await clock.tick(0);
  assert.deepEqual([supervisor.state, supervisor.deaths.count], ["backoff", 2]);
});

Deno.test("KernelSupervisor.reload() asks only a kernel that runs", async () => {
  const { supervisor, clock, last } = await runningKernel();
  supervisor.reload();
  assert.deepEqual(last().signals, ["SIGHUP"]);
  last().exit(1);
  await clock.tick(0);
  supervisor.reload();
  await clock.tick(100);
  supervisor.reload();
  assert.deepEqual(last().signals, []);
});

/** A kernel that ran, and has ended because its workspace was moved away. */
async function away() {
  const kept = await runningKernel();
  kept.workspace.there = false;
  kept.last().listener.onRecord({ t: "stopping", cause: "workspace gone" });
  kept.last().exit(kernelExit.gone);
  await kept.clock.tick(0);
  assert.equal(kept.supervisor.state, "away");
  return kept;
}
const refuse = (kernel: FakeKernel, message: string, code = "CONFIG_INVALID") => {
  kernel.listener.onRecord({ t: "refused", refusal: { code, message, hint: null } });
  kernel.exit(kernelExit.refused);
};

Deno.test("KernelSupervisor restarts the kernel when a removed workspace is back, which does not count as a death", async () => {
  const { supervisor, clock, kernels, workspace, states, last, end } = await away();
  await clock.tick(workspaceAwayMaxMs / 2);
  assert.equal(kernels.length, 1);
  workspace.there = true;
  await clock.tick(workspaceCheckMs);
  assert.equal(kernels.length, 2);
  // Only half of the workspace exists: the start is retried, and nothing is written meanwhile.
  refuse(last(), "senses/a is not there");
  await clock.tick(0);
  assert.equal(supervisor.state, "away");
  await clock.tick(workspaceCheckMs);
  last().ready();
  await clock.tick(workspaceAwayMaxMs * 2);
  assert.deepEqual([supervisor.state, supervisor.deaths, kernels.length, end()], [
    "running",
    { count: 0, last: null },
    3,
    null,
  ]);
  assert.deepEqual(states, ["starting", "running", "away", "away", "running"]);
  last().exit(1);
  await clock.tick(0);
  assert.equal(supervisor.state, "backoff", "from here on all is as before");
});

Deno.test("KernelSupervisor gives up a workspace that stays away or in which no kernel starts, and says which", async () => {
  const gone = await away();
  await gone.clock.tick(workspaceAwayMaxMs + workspaceCheckMs);
  const end = gone.end() as KernelSupervisorEnd | null;
  assert.ok(end?.kind === "gave up" && /was removed, .* there is no nerve\.yaml$/.test(end.reason));
  assert.deepEqual([gone.kernels.length, gone.clock.pending], [1, 0]);

  const wrong = await away();
  wrong.workspace.there = true;
  while (wrong.end() === null) {
    await wrong.clock.tick(workspaceCheckMs);
    if (wrong.supervisor.pid !== null) refuse(wrong.last(), "line 3");
  }
  const why = wrong.end() as KernelSupervisorEnd | null;
  assert.ok(why?.kind === "gave up" && /in its place: a kernel refused to start: line 3$/.test(why.reason));
});

Deno.test("KernelSupervisor leaves a recreated workspace to the first daemon, and can be stopped while it waits", async () => {
  const taken = await away();
  taken.workspace.there = true;
  await taken.clock.tick(workspaceCheckMs);
  refuse(taken.last(), "pid 7", "DAEMON_RUNNING");
  await taken.clock.tick(0);
  assert.equal((taken.end() as KernelSupervisorEnd | null)?.kind, "refused");

  const stopped = await away();
  stopped.supervisor.stop();
  await stopped.clock.tick(workspaceAwayMaxMs * 2);
  assert.deepEqual([stopped.end(), stopped.kernels.length, stopped.clock.pending], [{ kind: "stopped" }, 1, 0]);
});

Deno.test("findFault() finds the error of a crashed kernel, not the end of its stack", () => {
  const stack = "error: Uncaught (in promise) Error: no room\n    at open (file.ts:1:2)\n    at main (file.ts:3:4)";
  assert.equal(findFault(stack), "error: Uncaught (in promise) Error: no room");
  assert.equal(findFault("Killed"), "Killed");
});
