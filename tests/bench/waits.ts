/**
 * Runs that wait: from a decision to the begin of the next role; what 100,000 and a million of them cost a daemon that
 * starts; how soon 10,000 sleeps that end in one second are settled; and that none is lost when each fsync takes 3 s more.
 * A daemon as users have it, over its socket, but for the last two, which are embedded.
 * Floor: of a decision one commit of a row and a line to another process and back; of a start the same without runs; of
 * the sleeps the second in which they end.
 * Not measured: making the runs (they are put into the database), a cold disk.
 */
import { join } from "node:path";
import { systemClock } from "../../src/base/clock.ts";
import { delay } from "../../src/base/time.ts";
import { openDatabase } from "../../src/store/sqlite/database.ts";
import { makeWorkspace, startWorkspace, type WorkspaceFixture } from "../support/workspace_fixture.ts";
import { BackgroundDaemon } from "./daemon.ts";
import { figure, type Figures, median, percentile, repeated } from "./figure.ts";
import { bareCommitMs } from "./floor_disk.ts";
import { Echo } from "./floor_echo.ts";
import { builtNerve, type Nerve } from "./nerve.ts";
import { slowDisk, underSlowDisk } from "./slow_disk.ts";
import { runMs } from "./start.ts";
import { growWaiting } from "./tools/waiting_runs.ts";

const decisions = 200, sleeps = 10_000, slowSleeps = 500;

/** The role after the gate says when it began, by the wall clock in parts of a millisecond. */
const asks = `import { defineWorkflow, END, gate } from "nerve";
export default defineWorkflow({
  roles: {
    ask: gate({ title: "Go?" }),
    go: () => ({ content: String(performance.timeOrigin + performance.now()), meta: {} }),
  },
  moderator: ({ messages }) => (["ask", "go"] as const)[messages.length] ?? END,
});
`;
const sleeper = `import { defineWorkflow, END, sleep } from "nerve";
export default defineWorkflow({
  roles: { nap: sleep(({ start }) => new Date(Number(start.prompt))) },
  moderator: ({ messages }) => messages.length === 0 ? "nap" : END,
});
`;

export async function* figures(): Figures {
  await using nerve = await builtNerve();
  const few = await measure(nerve, 0), many = await measure(nerve, 100_000);
  const floor = await decisionFloor();
  for (const [name, { decided }] of [["", few], [", beside 100,000 waiting runs", many]] as const) {
    for (const percent of [50, 99] as const) {
      const value = percentile(decided, percent);
      yield figure(`from a decision to the next role's begin${name}, p${percent}`, "ms", [value], floor);
    }
  }
  yield figure("start of the daemon with 100,000 waiting runs", "ms", many.starts, median(few.starts));
  yield figure("private memory of the daemon with 100,000 waiting runs", "MiB", [many.memory], few.memory);
  const starts = await withRuns(
    1_000_000,
    ({ root }) => repeated(3, async () => (await runMs(nerve, root, true)).socketMs),
  );
  yield figure("start of the daemon with 1,000,000 waiting runs", "ms", starts, median(few.starts));
  const { lastMs, inOrder } = await settleAll(sleeps);
  yield figure(`${sleeps} sleeps that end in one second: settled after the first has ended`, "ms", [lastMs], 1_000);
  yield figure(`${sleeps} sleeps that end in one second: settled out of order`, "rows", [sleeps - inOrder], null);
  const disk = await slowDisk();
  if (disk !== null) yield* underSlowDisk(disk, 3_000, import.meta.url);
}

interface Measured {
  readonly starts: number[];
  readonly memory: number;
  readonly decided: number[];
}

/** A workspace with so many runs that wait, half of them at gates. */
async function withRuns<T>(runs: number, use: (workspace: WorkspaceFixture) => Promise<T>): Promise<T> {
  const yaml = { workflows: { w: { concurrency: 1_000, waiting: "release" } } };
  await using workspace = await makeWorkspace({ yaml, workflows: { w: asks } });
  await growWaiting(workspace.paths.logDatabase, runs / 2, runs / 2);
  return await use(workspace);
}

function measure(nerve: Nerve, runs: number): Promise<Measured> {
  return withRuns(runs, async ({ root, paths }) => {
    const starts = await repeated(5, async () => (await runMs(nerve, root, true)).socketMs);
    await using daemon = await BackgroundDaemon.start(paths, nerve);
    await delay(systemClock, 3_000);
    const memory = await daemon.privateMiB();
    return { starts, memory, decided: await decide(daemon, paths.logDatabase) };
  });
}

/** Milliseconds from each decision, as a client asks for it, until the next role has begun. */
async function decide({ client }: BackgroundDaemon, path: string): Promise<number[]> {
  using db = openDatabase(path, { readOnly: true });
  const asked = db.prepare("select digest from approvals where id = ?"), spans: number[] = [];
  for (let n = 0; n < decisions + 20; n++) {
    const runId = `bench-${n}`, id = `${runId}:ask::1`;
    await client.startRun("w", { runId });
    while (asked.get(id) === undefined) await delay(systemClock, 1);
    const digest = String(asked.get(id)?.digest), from = performance.timeOrigin + performance.now();
    await client.decide(id, { option: "approve", digest, token: "t" });
    await client.run(runId, true);
    const [, went] = await client.messages(runId, { limit: 2 });
    spans.push(Number(went?.content) - from);
  }
  // The first ones start the process and warm it up.
  return spans.slice(20);
}

async function decisionFloor(): Promise<number> {
  const folder = await Deno.makeTempDir();
  await using echo = await Echo.start(folder);
  const floor = await bareCommitMs(folder) + median(await echo.times(200));
  await Deno.remove(folder, { recursive: true });
  return floor;
}

/** Runs that sleep until times spread over one second; how many are settled in the order of these times, and when. */
async function settleAll(count: number): Promise<{ lastMs: number; inOrder: number }> {
  const yaml = { workflows: { w: { concurrency: 1_000, waiting: "release", max_queue: 10_000 } } };
  await using workspace = await startWorkspace({ yaml, workflows: { w: sleeper } });
  // Far enough that all are asleep by then.
  const due = systemClock.now() + 10_000 + count * 2;
  const start = (n: number) =>
    workspace.kernel.startWorkflow("w", { runId: `s${n}`, prompt: String(due + Math.floor(n * 1_000 / count)) });
  for (let n = 0; n < count; n += 500) {
    await Promise.all(Array.from({ length: Math.min(500, count - n) }, (_, index) => start(n + index)));
  }
  using db = openDatabase(join(workspace.root, "data", "logs.db"), { readOnly: true });
  const settled = db.prepare("select ref_id as run, ts from logs where type = 'run.message' order by id");
  while (Number(db.prepare("select count(*) as n from logs where type = 'run.message'").get()?.n) < count) {
    await delay(systemClock, 20);
  }
  const lastMs = systemClock.now() - due;
  const order = settled.all().map(({ run }) => Math.floor(Number(String(run).slice(1)) * 1_000 / count));
  return { lastMs, inOrder: order.filter((at, index) => index === 0 || at >= (order[index - 1] ?? 0)).length };
}

/** Runs as a program of its own, on a disk that was made slower: how many sleeps are lost. */
if (import.meta.main) {
  const [addedMs = "0"] = Deno.args;
  const { inOrder } = await settleAll(slowSleeps);
  const name = `${slowSleeps} sleeps that end in one second, +${addedMs} ms an fsync: lost or out of order`;
  const text = JSON.stringify(figure(name, "rows", [slowSleeps - inOrder], null));
  Deno.stdout.writeSync(new TextEncoder().encode(text));
}
