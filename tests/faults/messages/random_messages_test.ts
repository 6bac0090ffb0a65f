/**
 * Whatever a process says, the kernel neither dies nor stalls, and what it stored can be read: random and worst contents
 * in every kind of message. Short here; `deno task fuzz` says a million. Danger: one sense that takes the daemon down.
 */
import assert from "node:assert/strict";
import { fromProcessMaxBytes } from "../../../src/protocol/message.ts";
import { hostile, HostileProcesses } from "../../support/hostile_processes.ts";
import { randomSeed, repeatedBy } from "../../support/seed.ts";
import { startWorkspace, type WorkspaceFixture } from "../../support/workspace_fixture.ts";
import { listSaidKinds, randomMessages } from "./random_messages.ts";

const all = Number(Deno.env.get("NERVE_FUZZ") ?? 4_000);
/** Of each process; it is started again as often as needed. */
const atATime = Math.min(all / 2, 20_000);

/** So many runs may start; those that wait, or are paused, hold a slot. */
const slots = 1_000;

const ends: ReadonlySet<string> = new Set(["died", "ended", "quarantined"]);

/** It may say that programs are to be ended. */
const talkative = { permissions: { ...hostile.permissions, run: ["true"] } };

const workflow = `import { defineWorkflow, END } from "nerve";
export default defineWorkflow({
  roles: { say: () => ({ content: "hi", meta: {} }) },
  moderator: ({ messages }) => messages.length < 2 ? "say" : END,
});`;

Deno.test("random messages of every kind leave the kernel alive, its neighbours unharmed and its log readable", async () => {
  assert.deepEqual(
    listSaidKinds().toSorted(),
    Object.keys(fromProcessMaxBytes).toSorted(),
    "a new kind is said here, too",
  );
  const seed = randomSeed(), talk = randomMessages(seed, atATime);
  using _processes = new HostileProcesses({ bad: talk, "w-bad": talk });
  await using workspace = await startWorkspace({
    yaml: {
      senses: { bad: { ...talkative, timeout: "100ms" }, victim: {} },
      reflexes: [{ sense: "victim", interval: "20ms" }],
      // Runs whose process died wait longer each time: each round has new ones.
      workflows: { "w-bad": { ...talkative, concurrency: slots, agents: ["fake"] }, w: { overflow: "queue" } },
    },
    senses: { bad: "export const compute = () => 1;", victim: "export const compute = () => ({ fine: 1 });" },
    workflows: { "w-bad": workflow, w: workflow },
  });
  const { kernel } = workspace;
  const said = () =>
    workspace.events.filter((event) => event.kind === "log" && event.message === "said 500").length * 500;
  try {
    while (said() < all) {
      await freeSlots(workspace);
      const from = workspace.events.length;
      kernel.api.resetSense("bad");
      kernel.api.resetWorkflow("w-bad");
      kernel.api.triggerSense("bad");
      await Promise.all(Array.from({ length: 10 }, () => kernel.startWorkflow("w-bad", {})));
      // The line that is no message ends each process, when all of its lines were read; some end before that.
      const isOver = (unit: string) =>
        workspace.events.slice(from).some((event) =>
          event.kind === "unit" && event.unit === unit && ends.has(event.change)
        );
      await workspace.waitFor(() => isOver("group:bad") && isOver("workflow:w-bad"), "both to have said all");
    }
    const from = workspace.events.length;
    await workspace.signal("victim", from);
    assert.equal(workspace.unit("victim").deaths, 0);
    const { runId } = await kernel.startWorkflow("w", {});
    assert.equal((await kernel.api.runEnded(runId, new AbortController().signal))?.status, "completed");
    // They were read, and not skipped as a whole.
    assert.ok((workspace.health().counters.refused ?? 0) > all / 20, JSON.stringify(workspace.health().counters));
    // By its source: what a unit says at random may hold the word "bug".
    assert.deepEqual(workspace.events.filter((event) => event.kind === "problem" && event.source === "kernel"), []);
    for (let afterId = 0;;) {
      const rows = await workspace.rows({ afterId, order: "asc" });
      if (rows.length === 0) break;
      assert.ok(JSON.stringify(rows).isWellFormed());
      afterId = rows.at(-1)?.id ?? afterId;
    }
  } catch (cause) {
    throw new Error(`${cause}\n${repeatedBy(seed)}`, { cause });
  }
});

/** Waits that nothing ends would leave no slot for the next runs. */
async function freeSlots(workspace: WorkspaceFixture): Promise<void> {
  const { waiting, paused } = workspace.health().runs, statuses = ["waiting", "paused"] as const;
  if (waiting + paused < slots / 2) return;
  const { items } = workspace.kernel.api.records.runs({ statuses, limit: slots, offset: 0 });
  await Promise.all(items.map(({ runId }) => workspace.kernel.api.killRun(runId, null)));
}
