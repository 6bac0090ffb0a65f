/**
 * The dashboard beside a daemon that has much behind it: 200,000 rows of the log, 20,000 runs and as many requests that
 * were decided; with NERVE_BENCH=long a million rows and 100,000 of each. Five senses give 50 signals a second.
 * - Every route that a page asks for, again and again for two seconds: how long it takes, and the longest that a short
 *   request on the workspace's socket waits meanwhile, asked each millisecond. Floor: the same without that route.
 * - How late ticks begin while one reader asks for one after the other without pause, and while all are asked for at once.
 *   Floor: the same while nobody asks.
 * - The kernel's processor time with ten dashboards open in Chromium. Floor: without.
 * - Frames of a page, at 200 signals a second, and its first paint.
 * Not measured: a cold disk, a slow network, a screen: Chromium draws without one. The figures of Chromium are left out where
 * it is not installed.
 */
import { systemClock } from "../../src/base/clock.ts";
import { readProcessStat } from "../../src/base/process_id.ts";
import { delay } from "../../src/base/time.ts";
import { openDatabase } from "../../src/store/sqlite/database.ts";
import { openStore } from "../../src/store/store.ts";
import { hasBrowser, Visitor } from "../support/browser.ts";
import { makeWorkspace, type WorkspaceFixture } from "../support/workspace_fixture.ts";
import { BackgroundDaemon } from "./daemon.ts";
import { figure, type Figures, percentile, timed } from "./figure.ts";
import { builtNerve, type Nerve } from "./nerve.ts";
import { latenessOf } from "./timetable.ts";

const rows = Deno.env.get("NERVE_BENCH") === "long" ? 1_000_000 : 200_000, runs = rows / 10;
const size = `${rows / 1_000}k rows, ${runs / 1_000}k runs`;
const spanMs = 2_000, allSpanMs = 10_000, openSpanMs = 30_000, openCount = 10, tickMs = 10;
const compute = "export const compute = ({ trigger }) => ({ late: Date.now() - trigger.due });\n";

const routes = [
  ...[
    "/v1/health",
    "/v1/senses",
    "/v1/workflows",
    "/v1/alerts",
    "/v1/hooks",
    "/v1/permissions",
    "/v1/store",
    "/metrics",
  ],
  ...["/v1/senses/s0", "/v1/senses/s0/columns", "/v1/logs?limit=200", "/v1/logs?type=run.failed&limit=200"],
  ...["/v1/logs?source=sense:s0&limit=200", "/v1/logs?type=session.created&limit=1000"],
  ...["/v1/runs?limit=50", "/v1/runs?limit=50&status=failed", "/v1/runs?status=queued,started,waiting,paused&limit=20"],
  ...["/v1/runs/run-7", "/v1/runs/run-7/messages?limit=200", "/v1/logs?refId=run-7&order=asc&limit=1000"],
  ...["/v1/approvals?limit=20", "/v1/approvals?all=1&limit=50", "/v1/approvals?run=run-7&all=1", "/v1/sessions?all=1"],
];

export async function* figures(): Figures {
  await using nerve = await builtNerve();
  {
    await using workspace = await makeSenses(5);
    await grow(workspace.paths.logDatabase);
    await using daemon = await BackgroundDaemon.start(workspace.paths, nerve);
    const listener = await Listener.of(daemon);
    yield* oneByOne(daemon, listener);
    yield* ticks(workspace, listener);
    if (hasBrowser) yield* openDashboards(daemon, listener);
  }
  if (hasBrowser) yield* frames(nerve);
}

/** Each ticks ten times a second. */
function makeSenses(count: number): Promise<WorkspaceFixture> {
  const names = Array.from({ length: count }, (_, at) => `s${at}`);
  return makeWorkspace({
    yaml: {
      listen: "127.0.0.1:0",
      senses: Object.fromEntries(names.map((name) => [name, { group: "all" }])),
      reflexes: names.map((sense) => ({ sense, interval: "100ms" })),
      workflows: { w: {} },
    },
    senses: Object.fromEntries(names.map((name) => [name, compute])),
    workflows: {
      w: `import { defineWorkflow, END } from "nerve";
export default defineWorkflow({ roles: { a: () => ({ content: "a", meta: {} }) }, moderator: () => END });\n`,
    },
  });
}

class Listener {
  readonly #daemon: BackgroundDaemon;
  readonly #origin: string;
  readonly #headers: HeadersInit;

  private constructor(daemon: BackgroundDaemon, origin: string, secret: string) {
    this.#daemon = daemon;
    this.#origin = origin;
    this.#headers = { authorization: `Bearer ${secret}` };
  }

  static async of(daemon: BackgroundDaemon): Promise<Listener> {
    const { secret } = await daemon.client.access.create({ name: "bench", scope: "read", forMs: null });
    const { listener } = await daemon.client.access.makeLink("read");
    return new Listener(daemon, `http://${listener?.address}`, secret);
  }

  async link(): Promise<string> {
    return `${this.#origin}${(await this.#daemon.client.access.makeLink("read")).path}`;
  }

  async read(route: string): Promise<void> {
    const answer = await fetch(this.#origin + route, { headers: this.#headers });
    await answer.arrayBuffer();
    if (!answer.ok && answer.status !== 404) throw new Error(`${route}: ${answer.status}`);
  }

  /** How long each answer took until `until`. */
  async readUntil(route: string, until: number): Promise<number[]> {
    const took: number[] = [];
    do took.push(await timed(() => this.read(route))); while (systemClock.monotonic() < until);
    return took;
  }
}

async function* oneByOne({ client }: BackgroundDaemon, listener: Listener): Figures {
  const wait = async (until: number) => {
    const waits: number[] = [];
    while (systemClock.monotonic() < until) {
      waits.push(await timed(() => client.sense("s0")));
      await delay(systemClock, 1);
    }
    return waits;
  };
  // The first one starts the reading thread.
  await listener.read("/v1/logs?limit=1");
  for (const route of routes) {
    const quiet = await wait(systemClock.monotonic() + spanMs), until = systemClock.monotonic() + spanMs;
    const [took, busy] = await Promise.all([listener.readUntil(route, until), wait(until)]);
    yield figure(`${size}: GET ${route}`, "ms", took, null);
    for (const percent of [99, 100] as const) {
      const what = percent === 100 ? "longest wait" : "wait, p99";
      const name = `${size}: GET ${route}: a short request meanwhile, ${what}`;
      yield figure(name, "ms", [percentile(busy, percent)], percentile(quiet, percent));
    }
  }
}

async function* ticks({ paths }: WorkspaceFixture, listener: Listener): Figures {
  const measure = async (work: (until: number) => Promise<unknown>) => {
    const from = systemClock.now();
    await work(systemClock.monotonic() + allSpanMs);
    return latenessOf(paths.logDatabase, from, systemClock.now());
  };
  const quiet = await measure(() => delay(systemClock, allSpanMs));
  const one = await measure(async (until) => {
    do {
      for (const route of routes) await listener.read(route);
    } while (systemClock.monotonic() < until);
  });
  const all = await measure((until) => Promise.all(routes.map((route) => listener.readUntil(route, until))));
  for (const [who, late] of [["one reader of all routes", one], ["all routes at once", all]] as const) {
    for (const percent of [50, 99, 100]) {
      const name = `${size}: ${who}: lateness of ticks, ${percent === 100 ? "most" : `p${percent}`}`;
      yield figure(name, "ms", [percentile(late, percent)], percentile(quiet, percent));
    }
  }
}

async function* openDashboards({ client }: BackgroundDaemon, listener: Listener): Figures {
  const { pid } = await client.health();
  const ofCore = async () => {
    const read = () => (readProcessStat(pid)?.cpuTicks ?? 0) * tickMs, from = read();
    await delay(systemClock, openSpanMs);
    return (read() - from) / openSpanMs * 100;
  };
  const without = await ofCore();
  await using visitor = await Visitor.come();
  for (let count = 0; count < openCount; count++) {
    const page = await visitor.open(await listener.link());
    await page.locator(".live.is-live").waitFor();
  }
  const withAll = await ofCore();
  yield figure("50 signals/s: the kernel, of one core", "%", [without], null);
  yield figure(`50 signals/s: ${openCount} open dashboards, of one core`, "%", [withAll - without], null);
}

/** Frames in three seconds, and the first paint of a page that is asked for again. */
async function* frames(nerve: Nerve): Figures {
  await using workspace = await makeSenses(20);
  await using daemon = await BackgroundDaemon.start(workspace.paths, nerve);
  const listener = await Listener.of(daemon);
  await using visitor = await Visitor.come();
  const page = await visitor.open(await listener.link());
  const paints: number[] = [];
  for (let time = 0; time < 5; time++) {
    await page.reload();
    await page.locator(".live.is-live").waitFor();
    paints.push(await page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime"));
  }
  yield figure("200 signals/s: first paint of the overview", "ms", paints, null);
  for (const place of ["", "log", "senses/s1"]) {
    await page.evaluate(`location.hash = "#/${place}"`);
    await page.getByRole("heading", { level: 1 }).waitFor();
    const drawn = await page.evaluate(`new Promise((resolve) => {
      let count = 0, first = 0;
      const draw = (time) => {
        first ||= time;
        if (time - first >= 3000) return resolve(count / (time - first) * 1000);
        count++;
        requestAnimationFrame(draw);
      };
      requestAnimationFrame(draw);
    })`) as number;
    yield figure(`200 signals/s: frames of /${place}`, "frames/s", [drawn], 60);
  }
}

/** Runs of three rows that have ended, each with a request that was decided, among rows of the senses. */
async function grow(path: string): Promise<void> {
  await openStore(path, systemClock).close();
  using db = openDatabase(path);
  const each = (count: number) =>
    `with recursive n (i) as (select 0 union all select i + 1 from n where i < ${count - 1})`;
  const first = systemClock.now() - rows;
  db.exec(`begin;
insert into workflow_finally (workflow, has, code) values ('w', 0, '');
insert into logs ${each(rows)} select i + 1, ${first} + i, iif(i % 10 < 3, 'workflow:w', 'sense:s' || (i % 5)),
  case i % 10 when 0 then 'run.started' when 1 then 'run.message' when 2 then 'run.completed' else 'sense.signal' end,
  iif(i % 10 < 3, 'run-' || (i / 10), 's' || (i % 5)), null,
  '{"round":1,"role":"a","content":"done","meta":{},"compute":1,"payload":{"value":0.5,"host":"abcdefgh"}}' from n;
insert into workflow_runs (run_id, workflow, status, exit_code, attempt, rounds, max_rounds, prompt, payload, trigger,
  queued_at, started_at, ended_at) ${
    each(runs)
  } select 'run-' || i, 'w', 'started', null, 1, 0, 100, 'look at it', '{}',
  '{"kind":"manual"}', ${first} + i * 10, ${first} + i * 10, null from n;
update workflow_runs set status = 'waiting';
insert into approvals (run_id, id, workflow, round, role, gate_key, kind, title, body, options, digest, state, open, created)
  ${each(runs)} select 'run-' || i, 'run-' || i || ':ask::1', 'w', 1, 'ask', 'ask', 'gate', 'Do it?',
  printf('%.2000c', 'b'), '["approve","reject"]', printf('%.64c', 'a'), 'pending', 1, ${first} + i * 10 from n;
update workflow_runs set status = 'interrupted', ended_at = ${first};
commit;`);
  db.exec("pragma wal_checkpoint(truncate)");
}
