/**
 * Durable runs as users start them: over HTTP, on the socket of a daemon of a built nerve. One request per run, which
 * starts it and waits for its end; 64 in flight, and one at a time. Also their cost: the processor time of all of the
 * daemon's processes (supervisor, kernel, the workflow's process), without the client's, and their memory.
 * Floor: the same rows and changes in bare SQLite with one commit per step (floor_disk.ts), without any HTTP.
 * Not measured: the work of roles, payloads, the start of the process, clients that wait by an event stream.
 */
import assert from "node:assert/strict";
import { makeWorkspace } from "../support/workspace_fixture.ts";
import { BackgroundDaemon } from "./daemon.ts";
import { inFlight, workflowOf } from "./durable_runs.ts";
import { figure, type Figures, median, percentile, repeated, timed } from "./figure.ts";
import { bareRun, bareRuns } from "./floor_disk.ts";
import { builtNerve } from "./nerve.ts";

const roles = 3, runsATime = 1_500;

export async function* figures(): Figures {
  await using workspace = await makeWorkspace({
    yaml: { workflows: { w: { concurrency: inFlight, overflow: "queue", max_queue: 10_000 } } },
    workflows: { w: workflowOf(roles) },
  });
  await using nerve = await builtNerve();
  await using daemon = await BackgroundDaemon.start(workspace.paths, nerve);
  const { client } = daemon;
  const oneRun = () =>
    timed(async () => {
      assert.equal((await client.startRun("w", {}, true)).status, "completed");
    });
  const rateOf = async (runs: number) => {
    let remaining = runs;
    const ms = await timed(() =>
      Promise.all(Array.from({ length: inFlight }, async () => {
        while (remaining-- > 0) await oneRun();
      }))
    );
    return runs / ms * 1_000;
  };
  await rateOf(500);
  const cpu: number[] = [], rates: number[] = [];
  for (let time = 0; time < 3; time++) {
    const before = await daemon.cpuMs();
    rates.push(await rateOf(runsATime));
    cpu.push((await daemon.cpuMs() - before) / runsATime);
  }
  const floor = median(await repeated(3, () => bareRuns(workspace.root, roles, inFlight, 15)));
  const name = `durable runs of ${roles} roles over HTTP`;
  yield figure(`${name}, ${inFlight} in flight`, "runs/s", rates, floor);
  yield figure(`${name}, processor time of all processes a run`, "ms", cpu, null);
  yield figure(`${name}, private memory of all processes afterwards`, "MiB", [await daemon.privateMiB()], null);
  await repeated(200, oneRun);
  const spans = await repeated(3, () => repeated(300, oneRun)), alone = await bareRun(workspace.root, roles, 300);
  for (const percent of [50, 99] as const) {
    const values = spans.map((times) => percentile(times, percent));
    yield figure(`${name}, one at a time, p${percent}`, "ms", values, alone[`p${percent}`]);
  }
}
