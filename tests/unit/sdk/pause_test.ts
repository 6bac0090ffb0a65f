/** `pause`. Danger: a role that keeps waiting after its run was killed, or a timer that keeps its process alive. */
import assert from "node:assert/strict";
import { pause } from "../../../src/sdk/mod.ts";

Deno.test("pause() ends after its time, and leaves nothing at its signal", async () => {
  const controller = new AbortController();
  let listeners = 0;
  const signal = Object.create(controller.signal, {
    aborted: { get: () => false },
    throwIfAborted: { value: () => {} },
    addEventListener: { value: () => void listeners++ },
    removeEventListener: { value: () => void listeners-- },
  });
  await pause(1, signal);
  assert.equal(listeners, 0);
});

Deno.test("pause() rejects with the signal's reason when that aborts, before or meanwhile", async () => {
  const reason = new Error("the run was killed");
  await assert.rejects(pause(3_600_000, AbortSignal.abort(reason)), reason);
  const controller = new AbortController(), waiting = pause(3_600_000, controller.signal);
  controller.abort(reason);
  await assert.rejects(waiting, reason);
});

Deno.test("pause() rejects a number that is not a duration", async () => {
  const { signal } = new AbortController();
  for (const ms of [-1, NaN, Infinity, "1s" as unknown as number]) {
    await assert.rejects(pause(ms, signal), TypeError, String(ms));
  }
});
