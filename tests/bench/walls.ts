/**
 * What the second wall costs: the start of a group up to its first answer, computes and runs a second, each behind
 * Landlock. The floor is the same without it, in a kernel of its own beside, in turns in one run.
 * Not measured: programs that a sense starts, groups with many databases.
 */
import { systemIsolation } from "../../src/process/isolation.ts";
import { startWorkspace, type WorkspaceFixture } from "../support/workspace_fixture.ts";
import { computeRate } from "./computes.ts";
import { inFlight, runRate, workflowOf } from "./durable_runs.ts";
import { figure, type Figures, median, timed } from "./figure.ts";

const startsMax = 40, rounds = 7;

async function make(landlock: number): Promise<WorkspaceFixture> {
  const names = Array.from({ length: startsMax }, (_, index) => `s${index}`);
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
  // The first process of a kernel may translate modules.
  await workspace.trigger("s0");
  return workspace;
}

export async function* figures(): Figures {
  await using held = await make(systemIsolation().landlock);
  await using bare = await make(0);
  const both = async (measure: (workspace: WorkspaceFixture) => Promise<number>, times: number) => {
    const values: [number[], number[]] = [[], []];
    for (let round = 0; round < times; round++) {
      values[0].push(await measure(held));
      values[1].push(await measure(bare));
    }
    return { behind: values[0], floor: median(values[1]) };
  };
  const next = new Map([[held, 1], [bare, 1]]);
  const starts = await both((workspace) => {
    const index = next.get(workspace) ?? 1;
    next.set(workspace, index + 1);
    return timed(() => workspace.trigger(`s${index}`));
  }, startsMax - 1);
  yield figure("start of a group to its first answer, behind Landlock", "ms", starts.behind, starts.floor);
  const computes = await both((workspace) => computeRate(workspace, 1, 4_000), rounds);
  yield figure("computes of one sense, behind Landlock", "computes/s", computes.behind, computes.floor);
  const runs = await both((workspace) => runRate(workspace, 600), rounds);
  yield figure("durable runs of three roles, behind Landlock", "runs/s", runs.behind, runs.floor);
}
