/**
 * The throttle as a sense sees it: a compute starts when it is called, in a process that may have had to start first.
 * The bug was: computes began 2 ms apart at `throttle: 3s`, because the window counted from when they were handed over.
 */
import assert from "node:assert/strict";
import { systemClock } from "../../../src/base/clock.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { long } from "../../support/long_form.ts";
import { startWorkspace } from "../../support/workspace_fixture.ts";

const throttleMs = 5_000, passedMs = 4_000;
const yaml = { senses: { slow: { throttle: "5s", permissions: { read: ["files"] } } } };

Deno.test("computes begin no closer than their throttle, even when the first process was slow to start", async () => {
  const slow =
    `for (;;) { try { Deno.statSync("files/open"); break; } catch { await new Promise((go) => setTimeout(go, 5)); } }
    export const compute = () => 1;`;
  const clock = new FakeClock(), askedAt = clock.now();
  await using workspace = await startWorkspace({ yaml, clock, senses: { slow }, files: { "files/other": "" } });
  const first = workspace.payload("slow"), second = workspace.payload("slow");
  await clock.tick(passedMs);
  const from = systemClock.monotonic();
  workspace.write("files/open", "");
  await first;
  await clock.tick(0);
  // A compute reports how long it ran, in its own time: that is the only time here that the test does not move.
  const ranMsMax = systemClock.monotonic() - from, { nextDue } = workspace.sense("slow");
  const apart = (nextDue ?? clock.now()) - askedAt - passedMs;
  assert.ok(apart <= throttleMs && apart >= throttleMs - ranMsMax, `the next one is due ${apart} ms after the first`);
  await clock.tick(throttleMs);
  assert.equal(await second, 1);
});

long.test("a compute whose process died silently counts as begun when it died", async () => {
  const slow = `export async function compute({ sqlite, log }) {
      sqlite.exec("create table if not exists begun (at)");
      if (sqlite.prepare("select at from begun").get() !== undefined) return "again";
      sqlite.exec("insert into begun values (1)");
      log("info", "begun");
      await new Promise(() => {});
    }
    export const transaction = false;`;
  const clock = new FakeClock(), askedAt = clock.now();
  await using workspace = await startWorkspace({ yaml, clock, senses: { slow } });
  const died = workspace.trigger("slow"), next = workspace.payload("slow");
  await workspace.log("sense:slow", /^begun$/);
  await clock.tick(passedMs);
  Deno.kill(workspace.pid("slow"), "SIGKILL");
  assert.equal((await died).kind, "group_down");
  await clock.tick(0);
  assert.equal(workspace.sense("slow").nextDue, askedAt + passedMs + throttleMs);
  await clock.tick(throttleMs);
  assert.equal(await next, "again");
});

Deno.test("a sense that tampers with its clock keeps its answer and its process", async () => {
  const senses = {
    throws: "performance.now = () => { throw new Error('no'); };\nexport const compute = () => 1;",
    lies: "performance.now = () => -1e9;\nDate.now = () => NaN;\nexport const compute = () => 2;",
  };
  await using workspace = await startWorkspace({ senses });
  assert.deepEqual([await workspace.payload("throws"), await workspace.payload("lies")], [1, 2]);
  assert.deepEqual([workspace.unit("throws").deaths, workspace.unit("lies").deaths], [0, 0]);
});
