/**
 * The random life of tests/unit/workflow/manager_property_test.ts over the real store: SQLite in a temporary folder,
 * whose writes fail for a while, and whose daemon is stopped or killed. On failure fast-check prints the seed.
 */
import { DatabaseSync } from "node:sqlite";
import { systemClock } from "../../../src/base/clock.ts";
import { openStore } from "../../../src/store/store.ts";
import fc from "../../support/fast_check.ts";
import { isLong, scaled } from "../../support/long_form.ts";
import { stepArbitrary } from "../../support/workflow_steps.ts";
import type { Backing } from "../../support/workflow_witness.ts";
import { World } from "../../support/workflow_world.ts";

scaled.test("WorkflowManager keeps every promise on SQLite", async () => {
  const root = await Deno.makeTempDir({ prefix: "nerve-runs-" });
  let folders = 0;
  try {
    await fc.assert(
      fc.asyncProperty(fc.array(stepArbitrary, { maxLength: 150, size: "max" }), async (steps) => {
        const world = new World(onDisk(() => `${root}/${folders++}`));
        for (const step of steps) await world.step(step);
        await world.drain();
      }),
      { numRuns: isLong ? 100 : 15 },
    );
  } finally {
    await Deno.remove(root, { recursive: true });
  }
});

function onDisk(newFolder: () => string, folder: string = newFolder()): Backing {
  const path = `${folder}/logs.db`;
  // By this clock no commit is slow: everything is written at the end of its turn, on this thread.
  const store = openStore(path, { ...systemClock, monotonic: () => 0 });
  const breaker = new DatabaseSync(path, { timeout: 0 });
  let failing = 0;
  /** Work that could not be done at once, because in this very turn the store has a transaction open. */
  let late: number | null = null;
  const fail = (commits: number) => {
    late = null;
    failing = commits;
    try {
      breaker.exec("drop trigger if exists broken");
      if (commits === 0) return;
      breaker.exec("create trigger broken before insert on logs begin select raise(rollback, 'disk is full'); end");
    } catch (thrown) {
      if (!String(thrown).includes("database is locked")) throw thrown;
      late = commits;
    }
  };
  const close = async () => {
    fail(0);
    await store.close();
    fail(0);
    breaker.close();
  };
  return {
    store: store.runs,
    run: (runId) => store.reader.run(runId),
    messages: (runId) => store.reader.messages(runId),
    settle() {
      // The store commits by itself at the end of each turn.
      if (late !== null) fail(late);
      else if (failing === 1) fail(0);
      else if (failing > 1) failing--;
      return Promise.resolve();
    },
    fail,
    async reopen(kill9) {
      if (!kill9) {
        await close();
        return onDisk(newFolder, folder);
      }
      // The files as they are in this moment, without uncommitted changes, are what a kill would leave.
      const copy = newFolder();
      // In one turn: a commit between the two copies may move rows from the one file to the other.
      Deno.mkdirSync(copy);
      for (const file of ["logs.db", "logs.db-wal"]) Deno.copyFileSync(`${folder}/${file}`, `${copy}/${file}`);
      await close();
      return onDisk(newFolder, copy);
    },
    close,
  };
}
