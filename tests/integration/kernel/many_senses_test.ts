/**
 * Hundreds of senses that are all due at once, in one process and in many; in the long form also the documented limit of
 * 2,000.
 */
import assert from "node:assert/strict";
import { setImmediate } from "node:timers";
import { systemClock } from "../../../src/base/clock.ts";
import { processStartsMax, sensesMax } from "../../../src/base/limits.ts";
import type { KernelEvent } from "../../../src/protocol/event.ts";
import { long } from "../../support/long_form.ts";
import { startWorkspace, type WorkspaceFixture, type WorkspaceOptions } from "../../support/workspace_fixture.ts";

const namesOf = (count: number) => Array.from({ length: count }, (_, index) => `s${index}`);

function inOneGroup(count: number, code: string, memory: string, interval: string): WorkspaceOptions {
  const names = namesOf(count);
  return {
    yaml: {
      senses: Object.fromEntries(names.map((name) => [name, { group: "g" }])),
      groups: { g: { memory } },
      reflexes: names.map((sense) => ({ sense, interval })),
    },
    senses: Object.fromEntries(names.map((name) => [name, code])),
  };
}

/** Resolves when every sense has signalled; a hundred of them must, each time, before the deadline. */
async function allSignalled(workspace: WorkspaceFixture, names: readonly string[]): Promise<void> {
  const missing = new Set(names);
  while (missing.size > 0) {
    const left = Math.max(0, missing.size - 100);
    await workspace.waitFor((event: KernelEvent) => {
      if (event.kind === "signal") missing.delete(event.signal.sense);
      return missing.size <= left;
    }, `a signal of every sense but ${left}`);
  }
}

function assertNothingDied({ deaths }: { deaths: number }, workspace: WorkspaceFixture): void {
  assert.equal(deaths, 0);
  const { group_down: down, timeout, error } = workspace.health().counters;
  assert.deepEqual({ down, timeout, error }, { down: 0, timeout: 0, error: 0 });
}

// The bug was: all loaded at once, none computed, and the group died at its memory limit and started again for ever.
for (const count of [100, 300, sensesMax]) {
  (count === 100 ? Deno : long).test(
    `a group of ${count} senses that are due at once computes each of them`,
    async () => {
      const memory = count > 300 ? "256MiB" : "64MiB";
      await using workspace = await startWorkspace(
        inOneGroup(count, "export const compute = () => ({ n: 1 });", memory, "1h"),
      );
      await allSignalled(workspace, namesOf(count));
      assertNothingDied(workspace.unit("g"), workspace);
    },
  );
}

long.test("a group that cannot hold its senses says how many it holds, and is quarantined", async () => {
  // Touched, so that the memory is resident; each load leaves the thread for a moment, as those of real modules do.
  const greedy = "const held = new Uint8Array(2 ** 20).fill(1); export const compute = () => held.length;";
  await using workspace = await startWorkspace(inOneGroup(300, greedy, "64MiB", "100ms"));
  await workspace.change("group:g", "quarantined");
  const { reason, deaths } = workspace.unit("g");
  assert.match(
    reason ?? "",
    /^died \d+ times in .*, the last time it ran out of its memory limit.*, with \d+ of its 300 senses loaded: raise groups\.g\.memory, or move senses to other groups$/,
  );
  assert.ok(deaths >= 5);
});

/** The longest turn of the event loop until `over`, and how long that took. */
async function turnsUntil(over: Promise<unknown>): Promise<{ longestMs: number; totalMs: number }> {
  const began = systemClock.monotonic();
  let longestMs = 0, ended = false;
  const end = over.finally(() => ended = true);
  for (let from = began; !ended;) {
    await new Promise((resolve) => setImmediate(resolve));
    const now = systemClock.monotonic();
    longestMs = Math.max(longestMs, now - from);
    from = now;
  }
  await end;
  return { longestMs, totalMs: systemClock.monotonic() - began };
}

// The bug was: all processes were spawned in one turn of the event loop, and nobody was answered for seconds.
long.test("40 groups that are due at once start in turn, and the kernel answers meanwhile", async () => {
  const names = namesOf(40);
  await using workspace = await startWorkspace({
    yaml: {
      senses: Object.fromEntries(names.map((name) => [name, {}])),
      reflexes: names.map((sense) => ({ sense, interval: "1h" })),
    },
    senses: Object.fromEntries(names.map((name) => [name, "export const compute = () => ({ n: 1 });"])),
  });
  // On a slow machine the first ones have ended, with nothing due soon, before the last ones are ready.
  const { api } = workspace.kernel, most = { starting: 0 }, begun = new Set<string>();
  const watch = workspace.waitFor((event) => {
    const { units } = api.health();
    const starting = units.filter(({ state, pid }) => state === "starting" && pid !== null).length;
    most.starting = Math.max(most.starting, starting);
    if (event.kind === "unit" && event.change === "ready") begun.add(event.unit);
    return begun.size === names.length;
  }, "all groups to be ready");
  const asked = workspace.trigger("s39");
  const { longestMs, totalMs } = await turnsUntil(watch);
  assert.ok(most.starting > 0 && most.starting <= processStartsMax, `${most.starting} at a time`);
  // When all were spawned in one turn, it took a third of the time.
  assert.ok(longestMs < totalMs / 8, `one turn took ${longestMs.toFixed(0)} of ${totalMs.toFixed(0)} ms`);
  assert.equal((await asked).kind, "signal");
  const ready = workspace.events.flatMap((event) =>
    event.kind === "unit" && event.change === "ready" ? event.unit : []
  );
  assert.ok(ready.indexOf("group:s39") <= 2 * processStartsMax, "what a person asked for came before the others");
  assertNothingDied({ deaths: workspace.health().units.reduce((sum, { deaths }) => sum + deaths, 0) }, workspace);
});
