/**
 * What the second wall costs: the start of a group up to its first answer, computes and runs a second, each behind
 * Landlock. The floor is the same without it, in a kernel of its own beside, in turns in one run.
 * Not measured: the very first start of a sense, which makes its database; programs; groups with many databases.
 */
import { systemIsolation } from "../../src/process/isolation.ts";
import { startWorkspace, type WorkspaceFixture } from "../support/workspace_fixture.ts";
import { computeRate } from "./computes.ts";
import { inFlight, runRate, workflowOf } from "./durable_runs.ts";
import { figure, type Figures, median, timed } from "./figure.ts";

const groups = 10, restarts = 8, rounds = 30;

async function make(landlock: number): Promise<WorkspaceFixture> {
  const names = Array.from({ length: groups }, (_, index) => `s${index}`);
  const silent = "export const compute = ({ sqlite }) => null;\n";
  const workspace = await startWorkspace({
    yaml: {
      senses: Object.fromEntries(names.map((name) => [name, { keep_alive: name === "s0" }])),
      workflows: { w: { concurrency: inFlight, overflow: "queue", max_queue: 10_000 } },
    },
    senses: Object.fromEntries(names.map((name) => [name, silent])),
    workflows: { w: workflowOf(3) },
    isolation: { landlock, permissions: true },
  });
  // Databases are made, and modules translated, at the first start.
  for (const name of names) await workspace.trigger(name);
  return workspace;
}

export async function* figures(): Figures {
  await using held = await make(systemIsolation().landlock);
  await using bare = await make(0);
  /** In turns, and whoever was second goes first next: the machine's speed changes meanwhile. */
  const both = async (measure: (workspace: WorkspaceFixture) => Promise<number>, times: number, from = 0) => {
    const behind: number[] = [], floor: number[] = [];
    const turns = [
      () => measure(held).then((value) => behind.push(value)),
      () => measure(bare).then((value) => floor.push(value)),
    ] as const;
    for (let round = from; round < from + times; round++) {
      await turns[round % 2 === 0 ? 0 : 1]();
      await turns[round % 2 === 0 ? 1 : 0]();
    }
    return { behind, floor };
  };
  const starts: { behind: number[]; floor: number[] } = { behind: [], floor: [] };
  for (let restart = 0; restart < restarts; restart++) {
    for (const workspace of [held, bare]) {
      await workspace.stop();
      await workspace.start();
      await workspace.trigger("s0");
    }
    for (let index = 1; index < groups; index++) {
      const { behind, floor } = await both(
        (workspace) => timed(() => workspace.trigger(`s${index}`)),
        1,
        index + restart,
      );
      starts.behind.push(...behind);
      starts.floor.push(...floor);
    }
  }
  yield figure("start of a group to its first answer, behind Landlock", "ms", starts.behind, median(starts.floor));
  const computes = await both((workspace) => computeRate(workspace, 1, 2_000), rounds);
  yield figure("computes of one sense, behind Landlock", "computes/s", computes.behind, median(computes.floor));
  const runs = await both((workspace) => runRate(workspace, 400), rounds);
  yield figure("durable runs of three roles, behind Landlock", "runs/s", runs.behind, median(runs.floor));
}
