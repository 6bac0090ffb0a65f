/**
 * Many units at once, as users see them, on a built nerve in the background: 100 and 250 senses in groups of their own
 * that are all due at the start; 2,000 senses in one group; runs of 200 workflows; 100 processes without work. How long
 * the daemon takes to answer, how late its answers are while processes start, and until every sense has computed.
 * Floor of a start, and of a process without work: Deno with an empty program, as many as there are cores at a time.
 * Floor of the answers: those of the same daemon when nothing starts. Floor of 200 workflows: the same runs of one.
 * Not measured: the work of senses and roles.
 */
import { systemClock } from "../../src/base/clock.ts";
import { readProcessStat } from "../../src/base/process_id.ts";
import { delay } from "../../src/base/time.ts";
import type { Health } from "../../src/protocol/api.ts";
import { makeWorkspace, type WorkspaceFixture } from "../support/workspace_fixture.ts";
import { BackgroundDaemon } from "./daemon.ts";
import { inFlight, workflowOf } from "./durable_runs.ts";
import { figure, type Figures, median, percentile, repeated, timed } from "./figure.ts";
import { builtNerve, type Nerve } from "./nerve.ts";
import { emptyStartMs } from "./start.ts";

const compute = "export const compute = () => ({ ok: true });\n";
const workflows = 200, runsATime = 2_000, idleMs = 60_000, settledMs = 45_000;

export async function* figures(): Figures {
  await using nerve = await builtNerve();
  for (const senses of [100, 250]) yield* apart(nerve, senses);
  yield* together(nerve, 2_000);
  yield* manyWorkflows(nerve);
  yield* idle(nerve, 100);
}

async function sensesWorkspace(count: number, settings: Record<string, unknown>): Promise<WorkspaceFixture> {
  const names = Array.from({ length: count }, (_, index) => `s${index}`);
  return await makeWorkspace({
    yaml: {
      senses: Object.fromEntries(names.map((name) => [name, settings])),
      reflexes: names.map((sense) => ({ sense, interval: "1h" })),
    },
    senses: Object.fromEntries(names.map((name) => [name, compute])),
  });
}

/** What a client of the daemon sees until every sense has computed. */
async function watchStart({ client }: BackgroundDaemon, senses: number) {
  const answers: number[] = [], from = systemClock.monotonic();
  let starting = 0, health: Health;
  do {
    const asked = systemClock.monotonic();
    health = await client.health();
    answers.push(systemClock.monotonic() - asked);
    starting = Math.max(starting, health.units.filter(({ state, pid }) => state === "starting" && pid !== null).length);
    await delay(systemClock, 10);
  } while ((health.counters.computes ?? 0) < senses);
  const allMs = systemClock.monotonic() - from, quiet = await repeated(100, () => timed(() => client.health()));
  return { answers, quiet, starting, allMs, deaths: health.units.reduce((sum, { deaths }) => sum + deaths, 0) };
}

async function* apart(nerve: Nerve, senses: number): Figures {
  await using workspace = await sensesWorkspace(senses, {});
  const empty = median(await repeated(5, () => emptyStartMs(workspace.root)));
  const before = systemClock.monotonic();
  await using daemon = await BackgroundDaemon.start(workspace.paths, nerve);
  const answeredMs = systemClock.monotonic() - before;
  const { answers, quiet, starting, allMs } = await watchStart(daemon, senses);
  const name = `${senses} senses that are due at once, a group each`;
  yield figure(`${name}: nerve start`, "ms", [answeredMs], 2 * empty);
  yield figure(`${name}: answers meanwhile, p99`, "ms", [percentile(answers, 99)], percentile(quiet, 99));
  yield figure(`${name}: answers meanwhile, the slowest`, "ms", [Math.max(...answers)], Math.max(...quiet));
  yield figure(`${name}: starts at a time`, "processes", [starting], navigator.hardwareConcurrency);
  yield figure(`${name}: until each has computed`, "ms", [allMs], senses * empty / navigator.hardwareConcurrency);
}

async function* together(nerve: Nerve, senses: number): Figures {
  await using workspace = await sensesWorkspace(senses, { group: "g" });
  await using daemon = await BackgroundDaemon.start(workspace.paths, nerve);
  const { answers, quiet, allMs, deaths } = await watchStart(daemon, senses), name = `${senses} senses in one group`;
  yield figure(`${name}: until each has computed`, "ms", [allMs], null);
  yield figure(`${name}: answers meanwhile, p99`, "ms", [percentile(answers, 99)], percentile(quiet, 99));
  yield figure(`${name}: deaths of its process`, "processes", [deaths], null);
  const [unit] = (await daemon.client.health()).units;
  yield figure(`${name}: resident memory of its process`, "MiB", [(unit?.memoryBytes ?? NaN) / 2 ** 20], null);
}

async function* manyWorkflows(nerve: Nerve): Figures {
  const names = Array.from({ length: workflows }, (_, index) => `w${index}`);
  await using workspace = await makeWorkspace({
    yaml: {
      workflows: Object.fromEntries(
        names.map((name) => [name, { concurrency: inFlight, overflow: "queue", max_queue: 1_000 }]),
      ),
    },
    workflows: Object.fromEntries(names.map((name) => [name, workflowOf(3)])),
  });
  await using daemon = await BackgroundDaemon.start(workspace.paths, nerve);
  const { client } = daemon;
  const rateOf = async (runs: number, used: number) => {
    let next = 0;
    const ms = await timed(() =>
      Promise.all(Array.from({ length: inFlight }, async () => {
        while (next < runs) {
          const { runId } = await client.startRun(`w${next++ % used}`, {});
          await client.run(runId, true);
        }
      }))
    );
    return runs / ms * 1_000;
  };
  await rateOf(500, 1);
  const alone = await rateOf(runsATime, 1);
  await rateOf(2 * workflows, workflows);
  const one = await repeated(3, () => rateOf(runsATime, 1));
  const all = await repeated(3, () => rateOf(runsATime, workflows));
  yield figure(`runs of one workflow beside ${workflows - 1} processes of others`, "runs/s", one, alone);
  yield figure(`runs of ${workflows} workflows in turn`, "runs/s", all, alone);
}

async function* idle(nerve: Nerve, senses: number): Figures {
  await using workspace = await sensesWorkspace(senses, { keep_alive: true });
  await using daemon = await BackgroundDaemon.start(workspace.paths, nerve);
  await watchStart(daemon, senses);
  await delay(systemClock, settledMs);
  const { pid, units } = await daemon.client.health(), pids = units.flatMap((unit) => unit.pid ?? []);
  const spent = () => [pids, [pid]].map((some) => some.reduce((sum, each) => sum + ticksOf(each), 0));
  const before = spent();
  await delay(systemClock, idleMs);
  const [ofUnits = NaN, ofKernel = NaN] = spent().map((ticks, index) => (ticks - (before[index] ?? NaN)) * 10);
  yield figure(`${senses} processes without work: of one core`, "%", [ofUnits / idleMs * 100], null);
  yield figure(`${senses} processes without work: the kernel, of one core`, "%", [ofKernel / idleMs * 100], null);
}

function ticksOf(pid: number): number {
  return readProcessStat(pid)?.cpuTicks ?? 0;
}
