/** Keeping a kernel running, with a kernel that does what the test says and a clock that stands still. */
import assert from "node:assert/strict";
import { daemonStartMaxMs, deathWindowMs, workspaceAwayMaxMs, workspaceCheckMs } from "../../../src/base/limits.ts";
import type { LogLine } from "../../../src/base/log_line.ts";
import { findFault } from "../../../src/daemon/kernel_child.ts";
import {
  type KernelEnd,
  type KernelListener,
  KernelSupervisor,
  type KernelSupervisorEnd,
} from "../../../src/daemon/kernel_supervisor.ts";
import { kernelExit } from "../../../src/daemon/supervisor_protocol.ts";
import { FakeClock } from "../../support/fake_clock.ts";

class FakeKernel {
  readonly signals: string[] = [];
  readonly #end = Promise.withResolvers<KernelEnd>();

  constructor(readonly pid: number, readonly listener: KernelListener) {}

  get end(): Promise<KernelEnd> {
    return this.#end.promise;
  }

  signal(signal: string): void {
    this.signals.push(signal);
  }

  ready(): void {
    this.listener.onRecord({ t: "ready" });
  }

  exit(code: number, message = `exited with code ${code}`): void {
    this.#end.resolve({ code, message });
  }
}

/** A started kernel supervisor, and everything that it did. */
function keeping() {
  const clock = new FakeClock(), kernels: FakeKernel[] = [], lines: LogLine[] = [], states: string[] = [];
  const workspace = { there: true };
  let end: KernelSupervisorEnd | null = null;
  const keeper: KernelSupervisor = new KernelSupervisor({
    clock,
    start: (listener) => {
      kernels.push(new FakeKernel(100 + kernels.length, listener));
      return last();
    },
    workspaceExists: () => workspace.there,
    log: (line) => lines.push(line),
    onChange: () => states.push(keeper.state),
  });
  const last = () => kernels.at(-1) ?? assert.fail("no kernel was started");
  keeper.over.then((how) => end = how);
  keeper.start();
  return { keeper, clock, kernels, workspace, lines, states, last, end: () => end };
}

async function running() {
  const kept = keeping();
  kept.last().ready();
  await kept.clock.tick(0);
  return kept;
}

Deno.test("KernelSupervisor restarts a kernel that died with growing waits, and gives up at the fifth death in a minute", async () => {
  const { keeper, clock, kernels, lines, last, end } = await running();
  for (const waitMs of [100, 200, 400, 800]) {
    last().exit(-1, "was killed from outside (SIGKILL)");
    await clock.tick(waitMs - 1);
    assert.equal(keeper.state, "backoff");
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
  const lost = await running();
  lost.last().listener.onRecord({ t: "stopping", cause: "log gone" });
  lost.last().exit(0);
  await lost.clock.tick(0);
  const end = lost.end() as KernelSupervisorEnd | null;
  assert.match(end?.kind === "gave up" ? end.reason : "", /logs\.db was removed or replaced/);
  const asked = await running();
  asked.keeper.stop();
  asked.last().listener.onRecord({ t: "stopping", cause: "log gone" });
  asked.last().exit(0);
  await asked.clock.tick(0);
  assert.deepEqual(asked.end(), { kind: "stopped" });
});

Deno.test("KernelSupervisor forgets deaths that are older than the window", async () => {
  const { keeper, clock, last } = await running();
  for (let death = 0; death < 12; death++) {
    last().exit(1);
    await clock.tick(100);
    last().ready();
    await clock.tick(deathWindowMs);
    assert.equal(keeper.state, "running");
  }
  assert.equal(keeper.deaths.count, 12);
});

Deno.test("KernelSupervisor does not restart a kernel whose first start failed", async () => {
  const refused = keeping();
  refused.last().listener.onRecord({ t: "refused", refusal: { code: "CONFIG_INVALID", message: "wrong", hint: null } });
  refused.last().exit(1);
  await refused.clock.tick(deathWindowMs);
  assert.deepEqual(refused.end(), {
    kind: "refused",
    refusal: { code: "CONFIG_INVALID", message: "wrong", hint: null },
  });
  const crashed = keeping();
  crashed.last().exit(133, "ran out of its memory limit (JavaScript heap)");
  await crashed.clock.tick(deathWindowMs);
  const end = crashed.end() as KernelSupervisorEnd | null;
  assert.ok(end?.kind === "refused" && /ran out of its memory limit/.test(end.refusal.message));
  assert.deepEqual([refused.kernels.length, crashed.kernels.length], [1, 1]);
});

Deno.test("KernelSupervisor gives way to another daemon that took the workspace while its kernel was down", async () => {
  const { clock, last, end } = await running();
  last().exit(1);
  await clock.tick(100);
  last().listener.onRecord({ t: "refused", refusal: { code: "DAEMON_RUNNING", message: "pid 7", hint: null } });
  last().exit(1);
  await clock.tick(0);
  assert.equal((end() as KernelSupervisorEnd | null)?.kind, "refused");
});

Deno.test("KernelSupervisor counts a restart with a broken configuration as a death, and says what is wrong", async () => {
  const { keeper, clock, last } = await running();
  last().exit(1);
  await clock.tick(100);
  last().listener.onRecord({ t: "refused", refusal: { code: "CONFIG_INVALID", message: "line 3", hint: null } });
  last().exit(1);
  await clock.tick(0);
  assert.deepEqual(keeper.deaths, { count: 2, last: "refused to start: line 3" });
});

Deno.test("KernelSupervisor treats an exit with code 0 as a stop, whoever requested it", async () => {
  for (const code of [0, 130]) {
    const { clock, last, end } = await running();
    last().exit(code);
    await clock.tick(deathWindowMs);
    assert.deepEqual(end(), { kind: "stopped" });
  }
});

Deno.test("KernelSupervisor.stop() asks politely at the first call, and for an immediate stop at the second", async () => {
  const { keeper, last, clock, end } = await running();
  keeper.stop();
  assert.deepEqual([keeper.state, last().signals.length], ["stopping", 1]);
  keeper.stop();
  assert.deepEqual(last().signals, ["SIGTERM", "SIGTERM"]);
  last().exit(137, "was killed from outside (SIGKILL)");
  await clock.tick(0);
  assert.deepEqual(end(), { kind: "stopped" });
});

Deno.test("KernelSupervisor.stop() does not hurry a stop that came over the API, until it is called again", async () => {
  // The bug would be: POST /v1/stop, then `nerve stop`, and roles lose the time that they have to end.
  const { keeper, last } = await running();
  last().listener.onRecord({ t: "stopping", cause: "request" });
  keeper.stop();
  assert.deepEqual(last().signals, []);
  keeper.stop();
  assert.deepEqual(last().signals, ["SIGTERM"]);
});

Deno.test("KernelSupervisor.stop() between two kernels starts no other one", async () => {
  const { keeper, clock, last, kernels, end } = await running();
  last().exit(1);
  await clock.tick(0);
  keeper.stop();
  await clock.tick(deathWindowMs);
  assert.deepEqual([end(), kernels.length, clock.pending], [{ kind: "stopped" }, 1, 0]);
});

Deno.test("KernelSupervisor kills a kernel that does not answer in time, which counts as a death", async () => {
  const { keeper, clock, last } = await running();
  last().exit(1);
  await clock.tick(100);
  await clock.tick(daemonStartMaxMs);
  assert.deepEqual(last().signals, ["SIGKILL"]);
  last().exit(-1, "was killed from outside (SIGKILL)");
  await clock.tick(0);
  assert.deepEqual([keeper.state, keeper.deaths.count], ["backoff", 2]);
});

Deno.test("KernelSupervisor.reload() asks only a kernel that runs", async () => {
  const { keeper, clock, last } = await running();
  keeper.reload();
  assert.deepEqual(last().signals, ["SIGHUP"]);
  last().exit(1);
  await clock.tick(0);
  keeper.reload();
  await clock.tick(100);
  keeper.reload();
  assert.deepEqual(last().signals, []);
});

/** A kernel that ran, and has ended because its workspace was taken away. */
async function away() {
  const kept = await running();
  kept.workspace.there = false;
  kept.last().listener.onRecord({ t: "stopping", cause: "workspace gone" });
  kept.last().exit(kernelExit.gone);
  await kept.clock.tick(0);
  assert.equal(kept.keeper.state, "away");
  return kept;
}
const refuse = (kernel: FakeKernel, message: string, code = "CONFIG_INVALID") => {
  kernel.listener.onRecord({ t: "refused", refusal: { code, message, hint: null } });
  kernel.exit(kernelExit.refused);
};

Deno.test("KernelSupervisor restarts the kernel when a removed workspace is back, which does not count as a death", async () => {
  const { keeper, clock, kernels, workspace, states, last, end } = await away();
  await clock.tick(workspaceAwayMaxMs / 2);
  assert.equal(kernels.length, 1);
  workspace.there = true;
  await clock.tick(workspaceCheckMs);
  assert.equal(kernels.length, 2);
  // Half of the workspace exists: the start is tried again, and nothing is written meanwhile.
  refuse(last(), "senses/a is not there");
  await clock.tick(0);
  assert.equal(keeper.state, "away");
  await clock.tick(workspaceCheckMs);
  last().ready();
  await clock.tick(workspaceAwayMaxMs * 2);
  assert.deepEqual([keeper.state, keeper.deaths, kernels.length, end()], [
    "running",
    { count: 0, last: null },
    3,
    null,
  ]);
  assert.deepEqual(states, ["starting", "running", "away", "away", "running"]);
  last().exit(1);
  await clock.tick(0);
  assert.equal(keeper.state, "backoff", "from here on all is as before");
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
    if (wrong.keeper.pid !== null) refuse(wrong.last(), "line 3");
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

  const told = await away();
  told.keeper.stop();
  await told.clock.tick(workspaceAwayMaxMs * 2);
  assert.deepEqual([told.end(), told.kernels.length, told.clock.pending], [{ kind: "stopped" }, 1, 0]);
});

Deno.test("findFault() finds the error of a crashed kernel, not the end of its stack", () => {
  const stack = "error: Uncaught (in promise) Error: no room\n    at open (file.ts:1:2)\n    at main (file.ts:3:4)";
  assert.equal(findFault(stack), "error: Uncaught (in promise) Error: no room");
  assert.equal(findFault("Killed"), "Killed");
});
