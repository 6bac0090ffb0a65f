/** Waiting for a daemon that may hang, on a clock that stands still. */
import assert from "node:assert/strict";
import { daemonAnswerMaxMs } from "../../../src/base/limits.ts";
import { DaemonHangs, waitWhileAlive } from "../../../src/control/client/liveness.ts";
import { FakeClock } from "../../support/fake_clock.ts";

const never = () => new Promise<never>(() => {});

Deno.test("whileAlive() waits for hours while the daemon answers other requests, whatever the answer", async () => {
  const clock = new FakeClock(), answer = Promise.withResolvers<string>();
  let questions = 0;
  const waited = waitWhileAlive(clock, answer.promise, async () => {
    await Promise.resolve();
    if (questions++ % 2 === 1) throw new Error("too many connections");
  });
  for (let look = 0; look < 100; look++) await clock.tick(daemonAnswerMaxMs);
  assert.equal(questions, 100);
  answer.resolve("done");
  assert.equal(await waited, "done");
  assert.equal(clock.pending, 0);
});

Deno.test("whileAlive() gives up when another request is not answered in time, and not before", async () => {
  const clock = new FakeClock(), waited = waitWhileAlive(clock, never(), never);
  let over = false;
  const given = assert.rejects(waited, DaemonHangs).then(() => over = true);
  await clock.tick(2 * daemonAnswerMaxMs - 1);
  assert.equal(over, false);
  await clock.tick(1);
  await given;
  assert.equal(clock.pending, 0);
});

Deno.test("whileAlive() passes on the answer or the error, also while another request is open", async () => {
  const clock = new FakeClock(), answer = Promise.withResolvers<string>();
  const waited = waitWhileAlive(clock, answer.promise, never);
  const refused = assert.rejects(waited, /refused/);
  await clock.tick(daemonAnswerMaxMs + 1);
  answer.reject(new Error("refused"));
  await refused;
  assert.equal(clock.pending, 0);
});
