/**
 * Durable runs of roles that do nothing, in one workflow's process: 64 in flight, and one at a time.
 * Floor: the same rows and changes in bare SQLite with one commit per step (floor_disk.ts); one at a time, also a line
 * to another process and back for each role.
 * Not measured: the control API (an embedder starts the runs), the work of roles, payloads, the start of the process.
 * With a slower disk: the same program with tools/slow_fsync.c, if there is a C compiler.
 */
import { startWorkspace, type WorkspaceFixture } from "../support/workspace_fixture.ts";
import { figure, type Figures, median, percentile, repeated, timed } from "./figure.ts";
import { bareRun, bareRuns } from "./floor_disk.ts";
import { slowDisk, underSlowDisk } from "./slow_disk.ts";

export const inFlight = 64;

/** A workflow that runs each of its roles once. */
export function workflowOf(roles: number): string {
  return `import { defineWorkflow, END } from "nerve";
const names = Array.from({ length: ${roles} }, (_, index) => "role" + index);
const role = () => ({ content: "done", meta: {} });
export default defineWorkflow({
  roles: Object.fromEntries(names.map((name) => [name, role])),
  moderator: ({ messages }) => names[messages.length] ?? END,
});
`;
}

/** A kernel with a workflow of so many roles, whose process runs. */
export async function runsWorkspace(roles: number): Promise<WorkspaceFixture> {
  const workspace = await startWorkspace({
    yaml: { workflows: { w: { concurrency: inFlight, overflow: "queue", max_queue: 10_000 } } },
    workflows: { w: workflowOf(roles) },
  });
  await oneRun(workspace);
  return workspace;
}

/** Milliseconds from the request until the run is completed on disk and reported. */
async function oneRun({ kernel }: WorkspaceFixture): Promise<number> {
  return await timed(async () => {
    const { runId } = await kernel.startWorkflow("w");
    await kernel.api.runEnded(runId, new AbortController().signal);
  });
}

/** Runs per second with `inFlight` runs at a time. */
export async function runRate(workspace: WorkspaceFixture, runs: number): Promise<number> {
  let remaining = runs;
  const ms = await timed(() =>
    Promise.all(Array.from({ length: inFlight }, async () => {
      while (remaining-- > 0) await oneRun(workspace);
    }))
  );
  return runs / ms * 1_000;
}

export async function* figures(): Figures {
  for (const roles of [1, 3, 10]) {
    await using workspace = await runsWorkspace(roles);
    await runRate(workspace, 500);
    const rates = await repeated(3, () => runRate(workspace, Math.ceil(3_000 / roles)));
    const floor = median(await repeated(3, () => bareRuns(workspace.root, roles, inFlight, 15)));
    yield figure(`durable runs, ${roles} roles, ${inFlight} in flight`, "runs/s", rates, floor);
  }
  yield* oneAtATime();
  yield* onSlowDisks();
}

async function* oneAtATime(): Figures {
  await using workspace = await runsWorkspace(3);
  await repeated(200, () => oneRun(workspace));
  const spans = await repeated(3, () => repeated(300, () => oneRun(workspace)));
  const floor = await bareRun(workspace.root, 3, 300);
  for (const percent of [50, 99] as const) {
    const values = spans.map((times) => percentile(times, percent));
    yield figure(`one durable run of 3 roles, p${percent}`, "ms", values, floor[`p${percent}`]);
  }
}

async function* onSlowDisks(): Figures {
  const disk = await slowDisk();
  if (disk === null) return;
  for (const addedMs of [1, 5]) yield* underSlowDisk(disk, addedMs, import.meta.url);
}

/** Runs as a program of its own, on a disk that was made slower by so many ms. */
if (import.meta.main) {
  const [addedMs = "0"] = Deno.args;
  await using workspace = await runsWorkspace(3);
  await runRate(workspace, 300);
  const rates = await repeated(3, () => runRate(workspace, 500));
  const floor = await bareRuns(workspace.root, 3, inFlight, 10);
  const name = `durable runs, 3 roles, ${inFlight} in flight, +${addedMs} ms an fsync`;
  Deno.stdout.writeSync(new TextEncoder().encode(JSON.stringify(figure(name, "runs/s", rates, floor))));
}
