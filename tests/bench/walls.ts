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

const groups = 10, restarts = 3, rounds = 7;

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
  const both = async (measure: (workspace: WorkspaceFixture) => Promise<number>, times: number) => {
    const values: [number[], number[]] = [[], []];
    for (let round = 0; round < times; round++) {
      values[0].push(await measure(held));
      values[1].push(await measure(bare));
    }
    return { behind: values[0], floor: median(values[1]) };
  };
  const spans: [number[], number[]] = [[], []];
  for (let restart = 0; restart < restarts; restart++) {
    for (const workspace of [held, bare]) {
      await workspace.stop();
      await workspace.start();
      await workspace.trigger("s0");
    }
    for (let index = 1; index < groups; index++) {
      spans[0].push(await timed(() => held.trigger(`s${index}`)));
      spans[1].push(await timed(() => bare.trigger(`s${index}`)));
    }
  }
  const starts = { behind: spans[0], floor: median(spans[1]) };
  yield figure("start of a group to its first answer, behind Landlock", "ms", starts.behind, starts.floor);
  const computes = await both((workspace) => computeRate(workspace, 1, 4_000), rounds);
  yield figure("computes of one sense, behind Landlock", "computes/s", computes.behind, computes.floor);
  const runs = await both((workspace) => runRate(workspace, 600), rounds);
  yield figure("durable runs of three roles, behind Landlock", "runs/s", runs.behind, runs.floor);
}
