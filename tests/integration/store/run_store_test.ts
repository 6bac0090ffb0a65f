import assert from "node:assert/strict";
import type { LogType } from "../../../src/protocol/log.ts";
import { type RunStatus, runStatusSchema } from "../../../src/protocol/run.ts";
import type { SqliteRunStore } from "../../../src/store/runs/run_store.ts";
import { openDatabase } from "../../../src/store/sqlite/database.ts";
import type { RunStore } from "../../../src/workflow/local/ports.ts";
import { firstMoves, isLegalMove, isTerminal } from "../../../src/workflow/transitions.ts";
import { newRun, runRow, sleepOf, withStore } from "../../support/store_bench.ts";

/** Compiles only while the store fits the port that the workflow room declares. */
const fits = (store: SqliteRunStore): RunStore => store;

const message = (round: number) => ({
  round,
  role: "scan",
  content: `message ${round}`,
  meta: { round },
  ts: 5_000 + round,
});
const typeOf = (status: RunStatus): LogType => `run.${status}`;

Deno.test("a run and its first row are on disk together, and the row contains the whole run", () =>
  withStore(async ({ store }) => {
    const run = newRun("a", { causeId: 3, payload: { path: "/tmp" } });
    const row = runRow("a", { causeId: 3, payload: { note: "why" } });
    assert.equal(await fits(store.runs).create(run, row), true);
    assert.deepEqual(store.reader.run("a"), run);
    const [logged] = store.reader.logs({ refId: "a" });
    assert.deepEqual(logged?.payload, { note: "why", ...run });
    assert.deepEqual([logged?.source, logged?.type, logged?.causeId], ["workflow:cleanup", "run.started", 3]);
  }));

Deno.test("an existing id is not created again and leaves no row", () =>
  withStore(async ({ store }) => {
    const both = [
      store.runs.create(newRun("a"), runRow("a")),
      store.runs.create(newRun("a", { prompt: "other" }), runRow("a")),
    ];
    assert.deepEqual(await Promise.all(both), [true, false]);
    assert.equal(store.runs.get("a")?.prompt, "clean up");
    assert.equal(store.reader.logs({ refId: "a" }).length, 1);
  }));

Deno.test("a change is written only when the status and the attempt match its guard", () =>
  withStore(async ({ store }) => {
    const { runs } = store, row = runRow("a", { type: "run.completed", payload: { rounds: 0 } });
    await runs.create(newRun("a"), runRow("a"));
    const change = { status: "completed", exitCode: 0, endedAt: 9_000 } as const;
    assert.equal(await runs.transition("a", { from: ["queued"] }, change, row), false);
    assert.equal(await runs.transition("a", { from: ["started"], fence: 2 }, change, row), false);
    assert.equal(await runs.transition("none", { from: ["started"] }, change, { ...row, refId: "none" }), false);
    assert.deepEqual(store.reader.run("a"), newRun("a"));
    assert.equal(await runs.transition("a", { from: ["queued", "started"], fence: 1 }, change, row), true);
    assert.equal(await runs.transition("a", { from: ["started"], fence: 1 }, change, row), false);
    assert.deepEqual(store.reader.run("a"), { ...newRun("a"), ...change });
    const logged = store.reader.logs({ refId: "a" }).map(({ type, payload }) => ({ type, payload }));
    assert.deepEqual(logged.slice(1), [{ type: "run.completed", payload: { rounds: 0, ...change } }]);
  }));

Deno.test("a field that a change omits stays, and null is written as null", () =>
  withStore(async ({ store }) => {
    const { runs } = store;
    await runs.create(newRun("a"), runRow("a"));
    const row = runRow("a", { type: "run.resumed" });
    await runs.transition("a", { from: ["started"] }, { status: "started", attempt: 2, reason: "crash" }, row);
    assert.deepEqual(runs.get("a"), newRun("a", { attempt: 2, reason: "crash" }));
    await runs.transition("a", { from: ["started"] }, { status: "started", attempt: 3, reason: null }, row);
    assert.deepEqual(runs.get("a"), newRun("a", { attempt: 3 }));
  }));

Deno.test("messages are stored in order, each once, from the current attempt", () =>
  withStore(async ({ store }) => {
    const { runs } = store, of = { runId: "a", workflow: "cleanup", attempt: 1, causeId: 4 };
    await runs.create(newRun("a", { causeId: 4 }), runRow("a"));
    const append = (round: number, attempt = 1) => runs.appendMessage({ ...of, attempt }, message(round));
    assert.equal(await append(2), false);
    assert.deepEqual(await Promise.all([append(1), append(1), append(2), append(3, 2)]), [true, false, true, false]);
    assert.equal(await runs.appendMessage({ ...of, runId: "none" }, message(1)), false);
    assert.deepEqual([...runs.readThread("a")], [message(1), message(2)]);
    assert.equal(runs.get("a")?.rounds, 2);
    const rows = store.reader.logs({ refId: "a", type: "run.message" });
    assert.deepEqual(rows.map(({ causeId, ts }) => ({ causeId, ts })), [{ causeId: 4, ts: 5_001 }, {
      causeId: 4,
      ts: 5_002,
    }]);
  }));

Deno.test("a run that has ended accepts no message", () =>
  withStore(async ({ store }) => {
    await store.runs.create(newRun("a"), runRow("a"));
    const killed = runRow("a", { type: "run.killed" });
    await store.runs.transition("a", { from: ["started"] }, { status: "killed", exitCode: 137, endedAt: 2 }, killed);
    assert.equal(
      await store.runs.appendMessage({ runId: "a", workflow: "cleanup", attempt: 1, causeId: null }, message(1)),
      false,
    );
    assert.deepEqual([...store.runs.readThread("a")], []);
  }));

Deno.test("reads see uncommitted writes; another connection does not", () =>
  withStore(async ({ store }) => {
    const created = store.runs.create(newRun("a"), runRow("a"));
    const appended = store.runs.appendMessage(
      { runId: "a", workflow: "cleanup", attempt: 1, causeId: null },
      message(1),
    );
    assert.equal(store.runs.get("a")?.rounds, 1);
    assert.deepEqual([...store.runs.readThread("a")], [message(1)]);
    assert.equal(store.runs.listUnfinished().length, 1);
    assert.equal(store.reader.run("a"), null);
    await Promise.all([created, appended]);
    assert.equal(store.reader.run("a")?.rounds, 1);
  }));

Deno.test("unfinished runs are listed in order of creation, also after a restart", () =>
  withStore(async (bench) => {
    for (const id of ["c", "a", "d", "b"]) {
      const queued = newRun(id, { status: id === "a" ? "queued" : "started" });
      await bench.store.runs.create(queued, runRow(id));
    }
    const row = runRow("d", { type: "run.completed" });
    await bench.store.runs.transition("d", { from: ["started"] }, { status: "completed", exitCode: 0 }, row);
    await bench.reopen();
    assert.deepEqual(bench.store.runs.listUnfinished().map(({ runId }) => runId), ["c", "a", "b"]);
  }));

Deno.test("any JSON payload and any prompt text are read back unchanged", () =>
  withStore(async (bench) => {
    const run = newRun("a", {
      payload: [null, { "a'b\"": "\u0000\u{1F600}", n: 1e21 }, -1.5],
      prompt: "line\nü \u{1F600} '; drop table logs; --",
      trigger: { kind: "sense", sense: "cpu" },
    });
    await bench.store.runs.create(run, runRow("a"));
    await bench.reopen();
    assert.deepEqual(bench.store.runs.get("a"), run);
  }));

// The database rejects what the table of workflow/transitions.ts does not allow, and nothing else: the two must agree.
Deno.test("the database has the same legal moves as the workflow room", () =>
  withStore(async ({ store, path }) => {
    const statuses = runStatusSchema.options;
    using db = openDatabase(path);
    for (const first of statuses) {
      const made = await store.runs.create(newRun(first, { status: first }), runRow(first)).then(
        () => true,
        () => false,
      );
      assert.equal(made, firstMoves[first] !== undefined, `first ${first}`);
    }
    for (const from of statuses) {
      for (const to of statuses) {
        const runId = `${from}-${to}`;
        await bring(store.runs, runId, from);
        // A message settles a wait; a run that begins to wait, or is paused, stays in its attempt.
        const rounds = from === "waiting" && to === "started" ? 1 : 0;
        const attempts = ["waiting", "paused", "queued"].includes(to) || (from === "waiting" && to === "failed")
          ? 0
          : 1;
        if (from === "waiting" && to === "failed") {
          db.prepare("delete from run_waits where run_id = ?").run(runId);
          db.prepare("insert into run_waits values (?, 1, 'r', 'recovery', '{}', null, null, null, null)").run(runId);
        }
        if (from === "paused") {
          db.prepare("delete from run_pauses where run_id = ?").run(runId);
          db.prepare("insert into run_pauses values (?, ?, 1, null, null, null)").run(
            runId,
            isFrom(to) ? to : "started",
          );
        }
        const sql = "update workflow_runs set status = ?, attempt = attempt + ?, rounds = rounds + ? where run_id = ?";
        const change = () => db.prepare(sql).run(to, attempts, rounds, runId);
        if (isLegalMove(from, to)) assert.equal(change().changes, 1, runId);
        else assert.throws(change, /illegal move/, runId);
      }
    }
  }));

Deno.test("a waiting run in the database goes on only with the message that settles its wait, and has one wait", () =>
  withStore(async ({ store, path }) => {
    using db = openDatabase(path);
    await store.runs.create(newRun("a"), runRow("a"));
    const insert = db.prepare("insert into run_waits values (?, ?, 'cool', 'sleep', '{}', 1, null, null, null)");
    assert.throws(() => insert.run("a", 1), /only a waiting run/);
    await store.runs.beginWait({ runId: "a", workflow: "cleanup", attempt: 1, causeId: null }, sleepOf(1), "sleeps");
    const change = (set: string) => db.prepare(`update workflow_runs set ${set} where run_id = 'a'`).run();
    for (const set of ["rounds = 1", "attempt = 2", "reason = 'x'", "status = 'completed'", "status = 'waiting'"]) {
      assert.throws(() => change(set), /illegal move/, set);
    }
    for (const more of ["attempt = 2", "rounds = 1", "attempt = 3, rounds = 1", "attempt = 2, rounds = 2"]) {
      assert.throws(() => change(`status = 'started', ${more}`), /illegal move/, more);
    }
    assert.throws(() => db.exec("update run_waits set due = 5"), /never changes/);
    assert.throws(() => insert.run("a", 2), /only a waiting run/);
    assert.equal(change("status = 'started', attempt = 2, rounds = 1").changes, 1);
    assert.equal(db.prepare("select count(*) as n from run_waits").get()?.n, 0, "its wait leaves with it");
  }));

Deno.test("a wait begins once, in its attempt and round, and one message settles it", () =>
  withStore(async ({ store }) => {
    const { runs } = store, of = { runId: "a", workflow: "cleanup", attempt: 1, causeId: 4 };
    await runs.create(newRun("a", { causeId: 4 }), runRow("a"));
    assert.equal(await runs.beginWait({ ...of, attempt: 2 }, sleepOf(1), "sleeps"), false);
    assert.equal(await runs.beginWait(of, sleepOf(2), "sleeps"), false);
    assert.equal(await runs.settleWait(of, message(1)), false);
    assert.deepEqual(await Promise.all([1, 1].map((n) => runs.beginWait(of, sleepOf(n), "sleeps"))), [true, false]);
    assert.deepEqual(runs.get("a"), { ...newRun("a", { causeId: 4 }), status: "waiting", reason: "sleeps" });
    assert.equal(await runs.appendMessage(of, message(1)), false);
    assert.equal(await runs.settleWait(of, message(2)), false);
    assert.deepEqual(await Promise.all([1, 1].map((n) => runs.settleWait(of, message(n)))), [true, false]);
    assert.deepEqual(runs.get("a"), newRun("a", { causeId: 4, attempt: 2, rounds: 1 }));
    assert.deepEqual([...runs.readThread("a")], [message(1)]);
    const rows = store.reader.logs({ refId: "a" }).map(({ type, payload, causeId }) => ({ type, payload, causeId }));
    const waiting = { attempt: 1, wait: sleepOf(1), status: "waiting", reason: "sleeps" };
    assert.deepEqual(rows[1], { type: "run.waiting", payload: waiting, causeId: 4 });
    assert.deepEqual(rows.map(({ type }) => type), ["run.started", "run.waiting", "run.message"]);
  }));

Deno.test("waits are due by either clock, in order, and another boot's time does not count", () =>
  withStore(async ({ store }) => {
    const { runs } = store,
      due = { a: [300, 30], b: [200, 500], c: [100, null], d: [9_000, 20], e: [50, null] } as const;
    for (const [runId, [wall, bootMs]] of Object.entries(due)) {
      await runs.create(newRun(runId), runRow(runId));
      const dueBoot = bootMs === null ? null : { id: runId === "d" ? "earlier" : "boot", ms: bootMs };
      const of = { runId, workflow: "cleanup", attempt: 1, causeId: null };
      await runs.beginWait(of, { ...sleepOf(1), due: wall, dueBoot }, "sleeps");
    }
    assert.deepEqual(runs.readNextDue({ id: "boot", ms: 0 }), { wall: 50, bootMs: 30 });
    assert.deepEqual(runs.readNextDue(null), { wall: 50, bootMs: null });
    const list = (now: number, ms: number, limit = 9) =>
      runs.listDueWaits(now, { id: "boot", ms }, limit).map(({ runId }) => runId).join("");
    assert.deepEqual([list(0, 0), list(100, 0), list(100, 30), list(250, 30)], ["", "ec", "eca", "ecba"]);
    assert.deepEqual([list(9_999, 0), list(9_999, 600, 2)], ["ecbad", "ec"]);
    assert.deepEqual(runs.listDueWaits(0, { id: "earlier", ms: 20 }, 9).map(({ wait }) => wait.due), [9_000]);
    assert.deepEqual([...runs.countWaiting()], [["cleanup", 5]]);
    assert.deepEqual(runs.listWaiting("cleanup", 2).map(({ runId }) => runId), ["a", "b"]);
    assert.deepEqual(runs.listUnfinished(), []);
  }));

function isFrom(status: RunStatus): boolean {
  return status === "queued" || status === "started" || status === "waiting";
}

async function bring(runs: SqliteRunStore, runId: string, to: RunStatus): Promise<void> {
  const first = firstMoves[to] === undefined ? "started" : to;
  await runs.create(newRun(runId, { status: first }), runRow(runId));
  if (first !== to) {
    await runs.transition(runId, { from: [first] }, { status: to }, runRow(runId, { type: typeOf(to) }));
  }
}

Deno.test("in the database a started run advances by one message or one attempt at a time, an ended one never", () =>
  withStore(async ({ store, path }) => {
    using db = openDatabase(path);
    for (const status of runStatusSchema.options) await bring(store.runs, status, status);
    const change = (status: string, set: string) =>
      db.prepare(`update workflow_runs set ${set} where run_id = ?`).run(status);
    assert.throws(() => change("started", "rounds = rounds + 2"), /illegal move/);
    assert.throws(() => change("started", "attempt = attempt + 2"), /illegal move/);
    assert.throws(() => change("started", "attempt = attempt - 1"), /illegal move/);
    assert.throws(() => change("started", "reason = 'because'"), /illegal move/);
    for (const set of ["prompt = 'x'", "run_id = 'x'", "max_rounds = 9", "payload = '{}'", "queued_at = 1"]) {
      assert.throws(() => change("started", `${set}, attempt = attempt + 1`), /never changes/, set);
    }
    for (const status of runStatusSchema.options.filter(isTerminal)) {
      assert.throws(() => change(status, "reason = 'because'"), /illegal move/, status);
    }
    assert.equal(change("started", "rounds = rounds + 1").changes, 1);
  }));

Deno.test("an illegal move that passes a guard is rejected by the database, together with its row", () =>
  withStore(async ({ store }) => {
    await store.runs.create(newRun("a", { status: "queued" }), runRow("a", { type: "run.queued" }));
    const row = runRow("a", { type: "run.completed" });
    const move = store.runs.transition("a", { from: ["queued"] }, { status: "completed" }, row);
    await assert.rejects(move, { code: "STORE_FAILED", message: /illegal move/ });
    assert.equal(store.runs.get("a")?.status, "queued");
    assert.equal(store.reader.logs({ refId: "a" }).length, 1);
  }));

Deno.test("ids of new runs sort by the time of their creation", () =>
  withStore(async ({ store, clock }) => {
    const ids = [store.newRunId(), store.newRunId()];
    await clock.tick(1);
    ids.push(store.newRunId());
    assert.deepEqual([...ids].sort(), ids);
    assert.equal(new Set(ids).size, 3);
  }));
