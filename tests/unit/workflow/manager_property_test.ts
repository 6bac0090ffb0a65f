/**
 * Random life around the manager, over a store whose commits can be held back, fail and get lost. On failure fast-check
 * prints the seed and the shortest sequence of steps that breaks a promise.
 */
import fc from "../../support/fast_check.ts";
import { isLong, scaled } from "../../support/long_form.ts";
import { MemoryRunStore } from "../../support/memory_run_store.ts";
import { stepArbitrary } from "../../support/workflow_steps.ts";
import type { Backing } from "../../support/workflow_witness.ts";
import { World } from "../../support/workflow_world.ts";

scaled.test("WorkflowManager keeps every promise, whatever runs, processes, disk and daemon do", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(stepArbitrary, { maxLength: 150, size: "max" }), async (steps) => {
      const world = new World(inMemory(new MemoryRunStore(false)));
      for (const step of steps) await world.step(step);
      await world.drain();
    }),
    { numRuns: isLong ? 1_000 : 250 },
  );
});

function inMemory(store: MemoryRunStore): Backing {
  return {
    store,
    run: (runId) => store.disk.runs.get(runId) ?? null,
    messages: (runId) => store.disk.messages.get(runId) ?? [],
    settle() {
      store.commit();
      return Promise.resolve();
    },
    fail: (commits) => void (store.failures = commits),
    reopen: (kill9) => Promise.resolve(inMemory(kill9 ? store.afterCrash() : store)),
    close: () => Promise.resolve(),
  };
}
