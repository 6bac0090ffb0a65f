/**
 * kill -9 of the daemon at any moment, while alerts become pending, fire, repeat and resolve. Dangers: a change that is lost
 * or comes twice, a notice that nobody gets, or one that somebody gets twice under two names.
 */
import assert from "node:assert/strict";
import { systemClock } from "../../../src/base/clock.ts";
import { delay } from "../../../src/base/time.ts";
import { StoreReader } from "../../../src/store/log/reader.ts";
import type { LogRow } from "../../../src/protocol/log.ts";
import { isLong, scaled } from "../../support/long_form.ts";
import { Daemon } from "../../support/mortal_daemon.ts";
import { faultTest, randomFrom, repeatedBy } from "../../support/seed.ts";
import { makeWorkspace, within, type WorkspaceFixture } from "../../support/workspace_fixture.ts";

const kills = isLong ? 6 : 2;

/** What is measured runs through all values, over every death: the count is in the sense's database. */
const disk = `export function compute({ sqlite }) {
  sqlite.exec("create table if not exists counts (n integer)");
  sqlite.exec("insert into counts select coalesce(max(n), 0) + 1 from counts");
  const { n } = sqlite.prepare("select max(n) as n from counts").get();
  const path = n % 3 === 0 ? "/var" : "/";
  return { n: Number(n), path, used: (Number(n) * 37 % 100) / 100 };
}`;
const told = `import { defineWorkflow, END } from "nerve";
export default defineWorkflow({
  roles: {
    tell: async ({ start, config, idempotencyKey }) => {
      await Deno.writeTextFile(config.file, idempotencyKey + " " + start.payload.state + "\\n", { append: true });
      return { content: start.prompt, meta: {} };
    },
  },
  moderator: ({ messages }) => messages.length === 0 ? "tell" : END,
});`;

function yamlOf(file: string): Record<string, unknown> {
  const workflow = { workflow: "told", limit: "100000 per 1h" };
  return {
    senses: { disk: {} },
    reflexes: [{ sense: "disk", interval: "25ms" }],
    workflows: {
      told: { concurrency: 50, max_queue: 10_000, permissions: { write: [file] }, config: { file } },
    },
    alerts: {
      now: { sense: "disk", when: "signal.used > 0.7", clear: "signal.used < 0.2", key: "signal.path", ...workflow },
      later: {
        sense: "disk",
        when: "signal.used > 0.4",
        for: "60ms",
        keep_firing_for: "30ms",
        repeat: "1s",
        ...workflow,
      },
    },
  };
}

/** What a person would expect of the alert without times, from the signals in the log. */
function expected(signals: readonly LogRow[]): string[] {
  const firing = new Set<string>(), story: string[] = [];
  for (const { payload } of signals) {
    const { payload: { path, used } } = payload as { payload: { path: string; used: number } };
    if (used > 0.7 && !firing.has(path)) {
      firing.add(path);
      story.push(`firing ${path}`);
    } else if (used < 0.2 && firing.delete(path)) story.push(`resolved ${path}`);
  }
  return story;
}

function readRows(workspace: WorkspaceFixture, filter: { source: string; type?: string }): LogRow[] {
  const reader = StoreReader.open(workspace.paths.logDatabase) ?? assert.fail("there is no log");
  try {
    return reader.logs({ ...filter, limit: 100_000 });
  } finally {
    reader.close();
  }
}

async function live(workspace: WorkspaceFixture, file: string, random: () => number): Promise<void> {
  workspace.write("nerve.yaml", JSON.stringify(yamlOf(file)));
  for (let n = 0; n < kills; n++) {
    const daemon = await Daemon.start(workspace.paths);
    await delay(systemClock, 200 + Math.floor(random() * 1_500));
    await daemon.kill();
  }
  const last = await Daemon.start(workspace.paths);
  // What was due is started at once; repeats come once the daemon has settled.
  await delay(systemClock, 12_000);
  await last.stop();
  // Nothing is measured any more, so that everything that is due can end.
  workspace.write("nerve.yaml", JSON.stringify({ ...yamlOf(file), reflexes: [] }));
  const quiet = await Daemon.start(workspace.paths);
  await within(idle(quiet), "the runs to end", () => quiet.output);
  await quiet.stop();
}

async function idle(daemon: Daemon): Promise<void> {
  for (let quiet = 0; quiet < 3;) {
    const { active, queued } = (await daemon.client.health()).runs;
    quiet = active + queued === 0 ? quiet + 1 : 0;
    await delay(systemClock, 20);
  }
}

faultTest(
  "no change is lost or doubled, and every notice is told under one key, whenever the daemon is killed",
  async (seed) => {
    const random = randomFrom(seed);
    await using workspace = await makeWorkspace({ yaml: "senses: {}", senses: { disk }, workflows: { told } });
    const file = `${workspace.root}/told.txt`;
    workspace.write("told.txt", "");
    await live(workspace, file, random);
    const now = readRows(workspace, { source: "alert:now" }), later = readRows(workspace, { source: "alert:later" });
    const signals = readRows(workspace, { source: "sense:disk", type: "sense.signal" });
    const story = now.map(({ type, payload }) => `${type.slice("alert.".length)} ${(payload as { key: string }).key}`);
    assert.deepEqual(story, expected(signals), repeatedBy(seed));
    const moves = later.map(({ type }) => type.slice("alert.".length));
    for (const [index, move] of moves.entries()) {
      const before = moves[index - 1] ?? "inactive", next = nextMoves[before] ?? [];
      assert.ok(next.includes(move), `${before} -> ${move}; ${repeatedBy(seed)}`);
    }
    for (const move of ["pending", "firing", "resolved"]) assert.ok(moves.includes(move), `${move} never came`);
    const due = [...now, ...later].filter(({ payload }) => (payload as { notice?: string }).notice === "due");
    const wanted = due.map(({ refId, id }) => `${refId}.${id}:1`).sort();
    const keys = Deno.readTextFileSync(file).trimEnd().split("\n").map((line) => line.split(" ")[0] ?? "");
    assert.deepEqual([...new Set(keys)].sort(), wanted, repeatedBy(seed));
  },
  scaled,
);

const nextMoves: Readonly<Record<string, readonly string[]>> = {
  inactive: ["pending", "firing"],
  pending: ["inactive", "firing"],
  firing: ["resolved", "repeated"],
  repeated: ["resolved", "repeated"],
  resolved: ["pending", "firing"],
};
