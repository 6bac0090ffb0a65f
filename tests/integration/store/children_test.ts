/** Runs that wait for runs, in the database: what it refuses, what it finds after a death, and what the archive leaves. */
import assert from "node:assert/strict";
import { rebuildRuns } from "../../../src/store/runs/rebuild.ts";
import { openDatabase } from "../../../src/store/sqlite/database.ts";
import type { Store } from "../../../src/store/store.ts";
import { at, withArchive } from "../../support/archive_bench.ts";
import { newRun, runRow, sleepOf, withStore } from "../../support/store_bench.ts";

const request = { workflow: "cleanup", prompt: "p", payload: { n: 1 }, maxRounds: null };
const parent = { runId: "a", workflow: "cleanup", attempt: 1, causeId: null };
const wait = { ...sleepOf(1), kind: "children", due: null, dueBoot: null } as const;
const settling = { round: 1, role: "cool", content: "2 runs", meta: { runs: [] }, ts: 9 };
const child = (n: number, run = "a") =>
  newRun(`a.1.${n}`, { trigger: { kind: "run", run, round: 1, depth: 1 }, prompt: "p", payload: { n: 1 } });

/** Run "a" waits for two runs. */
async function begin({ runs }: Store): Promise<void> {
  await runs.create(newRun("a"), runRow("a"));
  const children = [1, 2].map((n) => ({ runId: `a.1.${n}`, request }));
  assert.equal(await runs.beginWait(parent, wait, "waits for 2 runs", null, children), true);
}

function end({ runs }: Store, runId: string): Promise<boolean> {
  const change = { status: "completed", exitCode: 0, endedAt: 9 } as const;
  return runs.transition(runId, { from: ["started"] }, change, runRow(runId, { type: "run.completed" }));
}

Deno.test("a rebuild takes the row of a refused child for no run", () =>
  withStore(async ({ store, path }) => {
    await begin(store);
    const { runs } = store;
    for (const missing of runs.listMissingChildren("a", 1)) {
      assert.equal(await runs.refuseChild(parent, 1, missing, "no such workflow"), true);
    }
    assert.equal(await runs.settleWait(parent, settling, { children: true }), true);
    const before = runs.get("a"), children = runs.listChildren("a");
    using db = openDatabase(path);
    assert.deepEqual(rebuildRuns(db), { runs: 1, skipped: 0 });
    assert.deepEqual([runs.get("a"), runs.listChildren("a")], [before, children]);
  }));

Deno.test("a wait for runs is settled only when each has ended or is refused", () =>
  withStore(async ({ store }) => {
    await begin(store);
    const { runs } = store, settle = () => runs.settleWait(parent, settling, { children: true });
    assert.deepEqual(runs.listMissingChildren("a", 1).map(({ n, runId }) => [n, runId]), [[1, "a.1.1"], [2, "a.1.2"]]);
    assert.deepEqual([await settle(), runs.isAwaitingChildren("a", 1), runs.hasOpenChildren("a")], [false, true, true]);
    await runs.create(child(1), runRow("a.1.1"));
    assert.deepEqual(runs.listUnfinishedChildren("a"), ["a.1.1"]);
    const [missing] = runs.listMissingChildren("a", 1);
    assert.ok(missing?.runId === "a.1.2");
    assert.deepEqual(await Promise.all([1, 2].map((n) => runs.refuseChild(parent, 1, missing, `no ${n}`))), [
      true,
      false,
    ]);
    assert.equal(await settle(), false);
    await end(store, "a.1.1");
    assert.deepEqual([runs.isAwaitingChildren("a", 1), await settle(), await settle()], [false, true, false]);
    assert.deepEqual([runs.get("a")?.status, runs.hasOpenChildren("a"), runs.listOpenParents("", 9)], [
      "started",
      false,
      [],
    ]);
    assert.deepEqual(runs.listChildren("a"), [
      {
        round: 1,
        n: 1,
        runId: "a.1.1",
        workflow: "cleanup",
        refused: null,
        run: { status: "completed", exitCode: 0, reason: null },
      },
      { round: 1, n: 2, runId: "a.1.2", workflow: "cleanup", refused: "no 1", run: null },
    ]);
    assert.deepEqual(store.reader.logs({ refId: "a" }).map(({ type }) => type), [
      "run.started",
      "run.waiting",
      "run.child_refused",
      "run.message",
    ]);
  }));

Deno.test("a run with the id of a child that another one started is not the child", () =>
  withStore(async ({ store }) => {
    await begin(store);
    await store.runs.create(child(1, "b"), runRow("a.1.1"));
    assert.deepEqual(store.runs.listMissingChildren("a", 1).map(({ n }) => n), [1, 2]);
    assert.deepEqual(store.runs.listUnfinishedChildren("a"), []);
  }));

Deno.test("the database refuses children of a run that does not wait, and every change of what was asked for", () =>
  withStore(async ({ store, path }) => {
    await begin(store);
    await store.runs.create(newRun("b"), runRow("b"));
    using db = openDatabase(path);
    const insert = db.prepare("insert into run_children values (?, ?, 9, 'x', 'w', '{}', null)");
    assert.throws(() => insert.run("b", 1), /only a waiting run has children/);
    assert.throws(() => insert.run("a", 2), /only a waiting run has children/);
    const change = (set: string) => db.exec(`update run_children set ${set} where n = 1`);
    for (const set of ["child_id = 'y'", "n = 7", "parent_id = 'b'"]) assert.throws(() => change(set), /never changes/);
    assert.throws(() => change("request = '[]'"), /refused once/);
    change("refused = 'no'");
    assert.throws(() => change("refused = 'yes'"), /refused once/);
    change("request = null");
    assert.throws(() => change("request = '{}'"), /closed once/);
  }));

Deno.test("the archive leaves what children have said while their parent waits for it, and takes it afterwards", () =>
  withArchive(async (bench) => {
    const { store } = bench;
    bench.clock.wall = at(1);
    await store.runs.writeFinally("cleanup", { code: "v1", has: false });
    await begin(store);
    await store.runs.create(child(1), runRow("a.1.1"));
    await bench.message("a.1.1", 1, at(1, 1));
    await bench.endRun("a.1.1", at(1, 2));
    bench.append(at(4));
    await bench.archive(at(3));
    assert.equal(store.runs.readLastMessage("a.1.1")?.content, "round 1");
    await store.runs.closeChildren("a");
    await bench.archive(at(3));
    assert.equal(store.runs.readLastMessage("a.1.1"), null);
  }));
