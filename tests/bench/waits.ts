/**
 * Runs that wait: from a decision to the begin of the next role; what 100,000 and a million of them cost a daemon that
 * starts; how soon 10,000 sleeps that end in one second are settled; and that none is lost when each fsync takes 3 s more.
 * A daemon as users have it, over its socket, but for the last two, which are embedded.
 * Floor: of a decision one commit of a row and a line to another process and back; of a start the same without runs; of
 * the sleeps the second in which they end.
 * Not measured: making the runs (they are put into the database), a cold disk.
 */
import { join } from "node:path";
import type { DatabaseSync } from "node:sqlite";
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

/** The first decisions start the process and warm it up. */
const decisions = 200, warmUps = 20, sleeps = 10_000, slowSleeps = 500;

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
  const [few, many] = await withRuns(0, (none) => withRuns(100_000, (some) => measure(nerve, none, some)));
  const floor = await decisionFloor();
  for (const percent of [50, 99] as const) {
    const alone = percentile(few.decided, percent), beside = percentile(many.decided, percent);
    yield figure(`from a decision to the next role's begin, p${percent}`, "ms", [alone], floor);
    yield figure(`the same beside 100,000 waiting runs, in turn with it, p${percent}`, "ms", [beside], alone);
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
  readonly starts: readonly number[];
  readonly memory: number;
  readonly decided: readonly number[];
}

/** A workspace with so many runs that wait, half of them at gates. */
async function withRuns<T>(runs: number, use: (workspace: WorkspaceFixture) => Promise<T>): Promise<T> {
  const yaml = { workflows: { w: { concurrency: 1_000, waiting: "release" } } };
  await using workspace = await makeWorkspace({ yaml, workflows: { w: asks } });
  await growWaiting(workspace.paths.logDatabase, runs / 2, runs / 2);
  return await use(workspace);
}

/** Both daemons decide in turn: what else the machine does meanwhile is the same for both. */
async function measure(nerve: Nerve, few: WorkspaceFixture, many: WorkspaceFixture) {
  const fewStarts = await startTimes(nerve, few), manyStarts = await startTimes(nerve, many);
  await using without = await Decider.start(nerve, few);
  await using beside = await Decider.start(nerve, many);
  await delay(systemClock, 3_000);
  const memory = [await without.daemon.privateMiB(), await beside.daemon.privateMiB()] as const;
  const spans = await repeated(
    decisions + warmUps,
    async () => [await without.decide(), await beside.decide()] as const,
  );
  const decided = spans.slice(warmUps);
  return [
    { starts: fewStarts, memory: memory[0], decided: decided.map(([span]) => span) },
    { starts: manyStarts, memory: memory[1], decided: decided.map(([, span]) => span) },
  ] as const satisfies readonly Measured[];
}

function startTimes(nerve: Nerve, { root }: WorkspaceFixture): Promise<number[]> {
  return repeated(5, async () => (await runMs(nerve, root, true)).socketMs);
}

class Decider implements AsyncDisposable {
  readonly daemon: BackgroundDaemon;
  readonly #db: DatabaseSync;
  readonly #asked;
  #count = 0;

  private constructor(daemon: BackgroundDaemon, path: string) {
    this.daemon = daemon;
    this.#db = openDatabase(path, { readOnly: true });
    this.#asked = this.#db.prepare("select digest from approvals where id = ?");
  }

  static async start(nerve: Nerve, { paths }: WorkspaceFixture): Promise<Decider> {
    return new Decider(await BackgroundDaemon.start(paths, nerve), paths.logDatabase);
  }

  /** Milliseconds from a decision, as a client asks for it, until the next role has begun. */
  async decide(): Promise<number> {
    const { client } = this.daemon, runId = `bench-${++this.#count}`, id = `${runId}:ask::1`;
    await client.startRun("w", { runId });
    while (this.#asked.get(id) === undefined) await delay(systemClock, 1);
    const digest = String(this.#asked.get(id)?.digest), from = performance.timeOrigin + performance.now();
    await client.decide(id, { option: "approve", digest, token: "t" });
    await client.run(runId, true);
    const [, went] = await client.messages(runId, { limit: 2 });
    return Number(went?.content) - from;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#db.close();
    await this.daemon[Symbol.asyncDispose]();
  }
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
