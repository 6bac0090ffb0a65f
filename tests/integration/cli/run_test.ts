/** `nerve run` and `nerve validate` around a fake kernel: what they print, when they end, and what remains. */
import assert from "node:assert/strict";
import { setImmediate } from "node:timers";
import { Broadcast } from "../../../src/base/broadcast.ts";
import { createRunCommand } from "../../../src/cli/commands/run.ts";
import { workspacePaths } from "../../../src/config/workspace.ts";
import { ControlClient } from "../../../src/control/client/client.ts";
import type { HostedKernel } from "../../../src/daemon/kernel_host.ts";
import type { KernelEvent } from "../../../src/protocol/event.ts";
import { CapturedIo } from "../../support/captured_io.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { aRun } from "../../support/api_views.ts";
import { FakeView } from "../../support/fake_view.ts";
import { inTempDir, oneSense, writeWorkspace } from "../../support/temp_workspace.ts";

class FakeKernel implements HostedKernel {
  readonly bus = new Broadcast<KernelEvent>();
  readonly api = new FakeView();
  ready: Promise<void> = Promise.resolve();
  readonly calls: string[] = [];
  /** What the stop waits for: roles that take their time. */
  drained: Promise<void> = Promise.resolve();

  events(): AsyncIterable<KernelEvent> {
    return this.bus.subscribe();
  }

  async stop(): Promise<void> {
    this.calls.push("stop");
    await this.drained;
    this.bus.close();
  }

  async abandon(): Promise<void> {
    this.calls.push("abandon");
    await Promise.resolve();
    this.bus.close();
  }

  stopAtOnce(): void {
    this.calls.push("at once");
  }
}

interface Started {
  readonly io: CapturedIo;
  readonly clock: FakeClock;
  readonly kernel: FakeKernel;
  readonly root: string;
  readonly code: Promise<number>;
}

/** `nerve run` of a good workspace, until its socket answers. */
async function running(
  { terminal = false, ...flags }: { for?: number; terminal?: boolean },
  test: (started: Started) => Promise<void>,
): Promise<void> {
  await inTempDir(async (root) => {
    await writeWorkspace(root, oneSense);
    const clock = new FakeClock(), io = new CapturedIo({ cwd: root, clock, terminal }), kernel = new FakeKernel();
    const code = createRunCommand(() => Promise.resolve(kernel))(io, { watch: false, ...flags });
    await io.seen(/runs/);
    const { socket } = workspacePaths(root);
    const exists = () => Deno.lstat(socket).then(() => true, () => false);
    while (!await exists()) await new Promise((resolve) => setImmediate(resolve));
    await test({ io, clock, kernel, root, code });
  });
}

Deno.test("run prints a line for each signal, run and problem, and a summary at the end", async () => {
  await running({}, async ({ io, kernel, code, root }) => {
    kernel.bus.publish({ kind: "signal", signal: { id: 1, sense: "a", payload: { used: 0.93 }, ts: 0 } });
    kernel.bus.publish({ kind: "run", run: aRun({ status: "started", endedAt: null, exitCode: null }), tookMs: null });
    kernel.bus.publish({ kind: "run", run: aRun(), tookMs: 800 });
    kernel.bus.publish({ kind: "problem", source: "sense:a", message: "threw: no df", ts: 0 });
    await io.seen(/no df/);
    io.interrupt();
    assert.equal(await code, 0);
    const lines = io.out.trimEnd().split("\n");
    assert.match(lines[0] ?? "", /^\d\d:\d\d:\d\d[+-]\d\d:\d\d 🟢 nerve .* 1 sense, 0 workflows$/);
    assert.match(lines[1] ?? "", /^\d\d:\d\d:\d\d[+-]\d\d:\d\d 📡 a \{"used":0\.93\}$/);
    assert.match(lines[2] ?? "", /🔄 cleanup run-1 started$/);
    assert.match(lines[3] ?? "", /✅ cleanup run-1 completed after 2 rounds, 800ms$/);
    assert.match(lines[4] ?? "", /🔶 sense:a threw: no df$/);
    assert.match(lines[5] ?? "", /stopping; a second interrupt ends it at once$/);
    assert.equal(lines[6], "✅ stopped after 0s: 1 signal, 1 run (1 completed), 1 problem");
    assert.ok(lines[7]?.includes(workspacePaths(root).logDatabase));
    assert.deepEqual(kernel.calls, ["stop"]);
  });
});

Deno.test("run ends by itself after --for, and leaves no socket, no timer and no signal handler", async () => {
  await running({ for: 15_000 }, async ({ io, clock, kernel, root, code }) => {
    await clock.tick(14_999);
    assert.deepEqual(kernel.calls, []);
    await clock.tick(1);
    assert.equal(await code, 0);
    assert.match(io.out, /✅ stopped after 15s: 0 signals, 0 runs, 0 problems/);
    await assert.rejects(Deno.lstat(workspacePaths(root).socket), Deno.errors.NotFound);
    assert.equal(clock.pending, 0);
    assert.equal(io.listening, false);
  });
});

Deno.test("a second interrupt ends at once, while the first stop still drains", async () => {
  await running({}, async ({ io, kernel, code }) => {
    kernel.drained = new Promise(() => {});
    io.interrupt();
    while (kernel.calls.length === 0) await new Promise((resolve) => setImmediate(resolve));
    io.interrupt();
    assert.equal(await code, 130);
    assert.deepEqual(kernel.calls, ["stop", "at once"]);
  });
});

Deno.test("SIGHUP ends nerve run in a terminal, however often it comes; elsewhere it reloads", async () => {
  // The bug would be: a run with nothing to write outlives its window, and nobody notices it any more.
  await running({ terminal: true }, async ({ io, kernel, code }) => {
    io.hangUp();
    io.hangUp();
    assert.equal(await code, 0);
    assert.deepEqual(kernel.calls, ["stop"]);
  });
  await running({}, async ({ io, kernel, code }) => {
    io.hangUp();
    assert.deepEqual(kernel.calls, []);
    assert.deepEqual(kernel.api.requests, ["reload"]);
    io.interrupt();
    assert.equal(await code, 0);
  });
});

Deno.test("a stop request over the socket, or a reader that closes the pipe, leads to a clean stop", async () => {
  await running({}, async ({ root, kernel, code }) => {
    using client = new ControlClient(workspacePaths(root).socket);
    await client.stop();
    assert.equal(await code, 0);
    assert.deepEqual(kernel.calls, ["stop"]);
  });
  await running({}, async ({ io, kernel, code }) => {
    io.closeReader();
    assert.equal(await code, 0);
    assert.deepEqual(kernel.calls, ["stop"]);
  });
});

Deno.test("the socket is removed before the kernel releases the workspace", async () => {
  // The bug would be: the lock is free, another daemon starts, and the first one removes the other's socket by its
  // name.
  await running({}, async ({ io, kernel, root, code }) => {
    let exists = true;
    kernel.stop = async () => {
      exists = await Deno.lstat(workspacePaths(root).socket).then(() => true, () => false);
      kernel.bus.close();
    };
    io.interrupt();
    await code;
    assert.equal(exists, false);
  });
});

Deno.test("a wrong nerve.yaml starts nothing and prints every problem", async () => {
  await inTempDir(async (root) => {
    await writeWorkspace(root, { "nerve.yaml": "senses: { a: { throttle: soon } }\nreflexes: [{ sense: b }]\n" });
    const io = new CapturedIo({ cwd: root });
    const code = await createRunCommand(() => assert.fail("a kernel was made"))(io, { watch: false });
    assert.equal(code, 1);
    assert.match(io.err, /nerve\.yaml:1:\d+ error senses\.a\.throttle/);
    assert.match(io.err, /nerve\.yaml:2:\d+ error reflexes\[0\]/);
    assert.match(io.err, /nothing was started/);
    assert.equal(io.out, "");
  });
});
