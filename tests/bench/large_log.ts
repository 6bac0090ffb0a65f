/**
 * A log that has grown: the cost of starting on it and of reading from it. 200,000 rows and 20,000 runs of which 1,000
 * are active; with NERVE_BENCH=long a million rows and 100,000 runs, as the goal requires.
 * Floor: the same rows read with one statement by their primary key; for the start, an empty program.
 * Not measured: a cold disk, writing the rows.
 */
import { systemClock } from "../../src/base/clock.ts";
import { openDatabase } from "../../src/store/sqlite/database.ts";
import { openStore } from "../../src/store/store.ts";
import { makeWorkspace, type WorkspaceFixture } from "../support/workspace_fixture.ts";
import { workflowOf } from "./durable_runs.ts";
import { figure, type Figures, median, repeated, timed } from "./figure.ts";
import { builtNerve } from "./nerve.ts";
import { emptyStartMs, runMs } from "./start.ts";

const long = Deno.env.get("NERVE_BENCH") === "long";
const rows = long ? 1_000_000 : 200_000, runs = rows / 10, active = 1_000;

export async function* figures(): Figures {
  await using workspace = await makeWorkspace({
    yaml: { workflows: { w: {} } },
    workflows: { w: workflowOf(3) },
  });
  const path = workspace.paths.logDatabase, size = `${rows / 1_000}k rows`;
  await grow(path);
  const floor = median(await repeated(5, () => emptyStartMs(workspace.root)));
  await using nerve = await builtNerve();
  const sockets = await repeated(5, async () => (await runMs(nerve, workspace.root, true)).socketMs);
  yield figure(`${size}: nerve run to its socket answering`, "ms", sockets, floor);
  yield figure(`${size}: ready with ${active} active runs`, "ms", [await readyMs(workspace)], null);
  const read = await reads(workspace);
  for (const [name, values, floor] of read) yield figure(`${size}: ${name}`, "ms", values, floor);
}

async function readyMs(workspace: WorkspaceFixture): Promise<number> {
  const ms = await timed(() => workspace.start());
  await workspace.stop();
  return ms;
}

async function reads(workspace: WorkspaceFixture): Promise<[string, number[], number][]> {
  const { records } = (await workspace.start()).api, thread = `run-${runs / 2}`;
  using db = openDatabase(workspace.paths.logDatabase, { readOnly: true });
  const page = db.prepare("select * from workflow_runs order by seq desc limit 50");
  const one = db.prepare("select * from logs where id between ? and ?");
  const spans = (work: () => unknown) => repeated(20, () => timed(work));
  return [
    [
      "a page of 50 runs",
      await spans(() => records.runs({ limit: 50, offset: 0 })),
      median(await spans(() => page.all())),
    ],
    [
      "a thread's last 20 rounds",
      await spans(() => records.messages(thread, { limit: 20 })),
      median(await spans(() => one.all(rows / 2, rows / 2 + 8))),
    ],
  ];
}

/** Ten rows per run; the last runs are active. */
async function grow(path: string): Promise<void> {
  await openStore(path, systemClock).close();
  using db = openDatabase(path);
  const insertRun = db.prepare(
    "insert into workflow_runs (run_id, workflow, status, exit_code, attempt, rounds, max_rounds, prompt, payload," +
      " trigger, queued_at, started_at, ended_at) values (?, 'w', 'started', null, 1, 0, 100, '', '{}'," +
      ` '{"kind":"manual"}', 1, 1, null)`,
  );
  const end = db.prepare("update workflow_runs set status = 'completed', exit_code = 0, ended_at = 2 where run_id = ?");
  const insertRow = db.prepare("insert into logs values (?, ?, 'workflow:w', ?, ?, null, ?)");
  const from = systemClock.now() - rows;
  db.exec("begin");
  for (let run = 0, id = 0; run < runs; run++) {
    const runId = `run-${run}`;
    insertRun.run(runId);
    if (run < runs - active) end.run(runId);
    for (let row = 0; row < 10; row++) {
      const type = row === 0 ? "run.started" : row === 9 ? "run.completed" : "run.message";
      insertRow.run(
        ++id,
        from + id,
        type,
        runId,
        JSON.stringify({ round: row, role: "role0", content: "done", meta: {} }),
      );
    }
  }
  db.exec("commit");
}
