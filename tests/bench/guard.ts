/**
 * Short forms of the benchmarks, held to bounds (bounds.ts): a change that makes a hot path several times slower fails
 * here. `deno task guard` runs them one after the other, with nothing beside them; they are not part of `deno task
 * test`, whose files run at the same time. Each figure is compared with its floor, measured in the same moments, so
 * that a busy machine slows down both.
 */
import assert from "node:assert/strict";
import { intervalMs, lateness, latenessUnderLoad, tickingWorkspace, underLoad } from "../support/many_clients.ts";
import { inTempDir, writeWorkspace } from "../support/temp_workspace.ts";
import { boundOf, guarded } from "./bounds.ts";
import { computeRate, countingSenses, listenerTimes, listening } from "./computes.ts";
import { inFlight, runRate, runsWorkspace } from "./durable_runs.ts";
import { median } from "./figure.ts";
import { bareCommitMs, bareRows, bareRuns } from "./floor_disk.ts";
import { Echo } from "./floor_echo.ts";
import { builtNerve, commandMs } from "./nerve.ts";
import { emptyStartMs, runMs } from "./start.ts";
import { logRowRate } from "./storage.ts";

/** Rounds are short, so that even on a busy machine one of them has the processors for itself. */
const roundsMin = 10, roundsMax = 40;

type Measure = () => Promise<number>;

/**
 * Measures floor and figure in turn, both so that less is better, and compares the best of each, so that one round's
 * interruption by other programs does not count. Takes more rounds while the figure is over `most` times its floor.
 */
async function staysWithin(most: number, floor: Measure, figure: Measure): Promise<void> {
  const floors: number[] = [], figures: number[] = [];
  const ratio = () => Math.min(...figures) / Math.min(...floors);
  for (let round = 0; round < roundsMax && (round < roundsMin || !(ratio() <= most)); round++) {
    floors.push(await floor());
    figures.push(await figure());
  }
  const message = `${ratio().toFixed(2)} times its floor after ${figures.length} rounds; the bound is ${
    most.toFixed(2)
  }`;
  assert.ok(ratio() <= most, message);
  Deno.stdout.writeSync(new TextEncoder().encode(`${message}\n`));
}

/** The duration of one operation, given the number per second. */
async function each(rate: Promise<number>): Promise<number> {
  return 1 / await rate;
}

Deno.test("64 durable runs in flight keep to what the disk asks for them", async () => {
  await using workspace = await runsWorkspace(3);
  await runRate(workspace, 128);
  await staysWithin(
    boundOf(guarded.runs),
    () => each(bareRuns(workspace.root, 3, inFlight, 1)),
    () => each(runRate(workspace, inFlight)),
  );
});

Deno.test("computes back to back keep to a message to another process and back", async () => {
  await using workspace = await countingSenses(1);
  await using echo = await Echo.start(workspace.root);
  await computeRate(workspace, 1, 300);
  await echo.rate(300);
  await staysWithin(
    boundOf(guarded.computes),
    () => each(echo.rate(50)),
    () => each(computeRate(workspace, 1, 50)),
  );
});

Deno.test("a listener answers a signal within a message to another process and back, and a commit", async () => {
  await using workspace = await listening();
  await using echo = await Echo.start(workspace.root);
  await listenerTimes(workspace, 100);
  await echo.times(300);
  await staysWithin(
    boundOf(guarded.listener),
    async () => median(await echo.times(20)) + await bareCommitMs(workspace.root, 20),
    async () => median(await listenerTimes(workspace, 20)),
  );
});

Deno.test("rows of the log are written as SQLite writes them", () =>
  inTempDir((root) =>
    staysWithin(
      boundOf(guarded.rows),
      () => each(bareRows(root, 100, 10)),
      () => each(logRowRate(root, 100, 10)),
    )
  ));

Deno.test("a built nerve starts as Deno does with an empty program", async (test) => {
  await using nerve = await builtNerve();
  await inTempDir(async (root) => {
    await writeWorkspace(root, {
      "nerve.yaml": "senses: { s: {} }\nreflexes: [{ sense: s, interval: 1h }]\n",
      "senses/s/index.ts": "export const compute = () => ({ ok: true });\n",
    });
    const starts = {
      version: () => commandMs(nerve, ["version"], root),
      list: () => commandMs(nerve, ["sense", "list"], root),
      answer: async () => (await runMs(nerve, root, true)).socketMs,
    };
    for (const [name, startMs] of Object.entries(starts)) {
      const stated = guarded[name as keyof typeof starts];
      // The first round fills caches.
      await startMs();
      await test.step(stated.figure, () => staysWithin(boundOf(stated), () => emptyStartMs(root), startMs));
    }
  });
});

Deno.test("64 clients of every kind at most double the time from tick to tick", async () => {
  await using served = await tickingWorkspace();
  await underLoad(served.socket);
  const apartMs = async (late: Promise<number[]>) => intervalMs + median(await late);
  await staysWithin(2, () => apartMs(lateness(served)), () => apartMs(latenessUnderLoad(served)));
});
