/** A kernel that hangs is ended; the danger is to end one that does not hang. */
import assert from "node:assert/strict";
import { kernelBeatMs } from "../../../src/base/limits.ts";
import { runningKernel } from "../../support/supervised_kernel.ts";

Deno.test("KernelHeartbeat ends a kernel that hangs, and says so in the log and as its death", async () => {
  // The bug was: a kernel stopped by SIGSTOP stayed so for ever; only status and doctor reported it.
  const { supervisor, clock, lines, last, kernels } = await runningKernel();
  last().beat();
  last().now = "T";
  await clock.tick(kernelBeatMs * 4);
  assert.deepEqual([lines.at(-1)?.event, last().signals], ["kernel.silent", []]);
  await clock.tick(kernelBeatMs * 9);
  assert.deepEqual(last().signals, ["SIGKILL"]);
  last().exit(-1, "was killed from outside (SIGKILL)");
  await clock.tick(100);
  const why = "did not answer for 60 s: its process was stopped by a signal (SIGSTOP), so it was ended";
  assert.equal(supervisor.deaths.last, why);
  assert.ok(lines.some(({ event, message }) => event === "kernel.died" && message === `kernel 100 ${why}`));
  assert.equal(kernels.length, 2);
});

Deno.test("KernelHeartbeat ends no kernel for a pause that it shared, for a debugger, or for a disk", async () => {
  const { clock, last, lines } = await runningKernel();
  last().beat();
  // The machine slept, or both processes were stopped: one timer fires for the whole pause.
  for (let day = 0; day < 20; day++) {
    await clock.stall(24 * 60 * 60_000);
    last().beat();
  }
  for (const state of ["t", "D"]) {
    last().now = state;
    await clock.tick(kernelBeatMs * 100);
    assert.deepEqual(last().signals, [], state);
    last().beat();
  }
  assert.deepEqual(lines.filter(({ event }) => event === "kernel.silent").map(({ message }) => message), [
    "kernel 100 did not answer for 15 s: its process waits for a disk",
  ]);
  last().now = "R";
  await clock.tick(kernelBeatMs * 14);
  assert.deepEqual(last().signals, ["SIGKILL"]);
});
