/**
 * The work on a run that a server keeps, over a real store. The bug would be: a change that one daemon has and another
 * lacks, one that counts twice, or one that was reported and is lost.
 */
import assert from "node:assert/strict";
import { ClusterRuns } from "../../../src/workflow/cluster/cluster_runs.ts";
import type { Change, LocalRuns } from "../../../src/workflow/cluster/ports.ts";
import { ClusterSession } from "../../../src/workflow/cluster/session.ts";
import { newRun, runRow, type StoreBench, withStore } from "../../support/store_bench.ts";

const started: Change = {
  call: "transition",
  args: [
    "r",
    { from: ["queued", "started"], fence: 0 },
    { status: "started", attempt: 1, startedAt: 5, reason: null },
    runRow("r"),
  ],
};
const startOf = (attempt: number, startedAt = 6): Change => ({
  call: "transition",
  args: [
    "r",
    { from: ["queued", "started"], fence: attempt - 1 },
    { status: "started", attempt, startedAt, reason: null },
    runRow("r"),
  ],
});
const message: Change = {
  call: "appendMessage",
  args: [{ runId: "r", workflow: "cleanup", attempt: 1, causeId: null }, {
    round: 1,
    role: "a",
    content: "A",
    meta: {},
    ts: 7,
  }],
};
const killed: Change = {
  call: "transition",
  args: [
    "r",
    { from: ["queued", "started"], fence: 1 },
    { status: "killed", exitCode: 137, reason: null, endedAt: 9 },
    runRow("r", { type: "run.killed" }),
  ],
};
const completed: Change = {
  call: "transition",
  args: [
    "r",
    { from: ["started"], fence: 1 },
    { status: "completed", exitCode: 0, reason: null, endedAt: 9 },
    runRow("r", { type: "run.completed" }),
  ],
};

/** A daemon that has the run, and a session on it. */
async function begin({ store }: StoreBench): Promise<ClusterRuns> {
  const runs = new ClusterRuns(store.meta);
  if (store.runs.get("r") === null) {
    runs.put("r", { engine: "cluster", applied: 0, handed: true });
    await store.runs.create(newRun("r", { status: "queued" }), runRow("r", { type: "run.queued" }));
    await store.runs.writeFinally("cleanup", { code: "1", has: false });
  }
  return runs;
}

/** `own`: writes that replace those of the store. */
function open({ store, clock }: StoreBench, runs: ClusterRuns, own: Partial<LocalRuns> = {}): ClusterSession {
  const written = new Proxy(store.runs, {
    get: (target, key) => {
      const value = Reflect.get(own, key) ?? Reflect.get(target, key) as unknown;
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
  const session: ClusterSession = new ClusterSession("r", {
    ...{ store: written, runs, clock, onTaken: () => Promise.resolve(), onEnd: () => runs.close(session) },
    reportProblem: (text) => assert.fail(text),
  });
  runs.open(session);
  return session;
}

const callsOf = (changes: readonly Change[]) => changes.map(({ call }) => call);

Deno.test("that a run starts is applied at once, and sent with its first message; the last list says that it is over", () =>
  withStore(async (bench) => {
    const runs = await begin(bench), session = open(bench, runs), first = session.next();
    assert.equal(await session.submit(started), true);
    assert.equal(runs.getCertain("r")?.status, "started");
    await runs.whenWritten("r");
    assert.equal(bench.store.runs.get("r")?.status, "started");
    let told = false;
    const writing = session.submit(message).then((done) => told = done);
    const sent = await first;
    assert.deepEqual([callsOf(sent), told, bench.store.runs.get("r")?.rounds], [
      ["transition", "appendMessage"],
      false,
      0,
    ]);
    assert.equal(await session.apply(1, sent), false);
    assert.equal(await writing, true);
    await runs.whenWritten("r");
    assert.equal(bench.store.runs.get("r")?.rounds, 1);
    const last = session.next();
    void session.submit(completed);
    assert.deepEqual(callsOf(await last), ["transition", "over"]);
    assert.equal(await session.apply(2, await last), true);
    assert.equal(bench.store.runs.get("r")?.status, "completed");
  }));

Deno.test("a message is told before it is written only where it takes effect for certain", () =>
  withStore(async (bench) => {
    const runs = await begin(bench), session = open(bench, runs), first = session.next();
    await session.submit(started);
    const ending = session.submit(killed), late = session.submit(message);
    // Both in one list: the run has ended when the message is applied.
    const sent = await first;
    assert.deepEqual(callsOf(sent), ["transition", "transition", "appendMessage", "over"]);
    await session.apply(1, sent);
    assert.deepEqual([await ending, await late, bench.store.runs.get("r")?.rounds], [true, false, 0]);
  }));

Deno.test("a message is told when the server keeps it; what comes next waits until it is written, in the next session too", () =>
  withStore(async (bench) => {
    const runs = await begin(bench), disk = Promise.withResolvers<void>();
    const appendMessage: LocalRuns["appendMessage"] = async (...args) => {
      await disk.promise;
      return await bench.store.runs.appendMessage(...args);
    };
    const session = open(bench, runs, { appendMessage }), first = session.next();
    await session.submit(started);
    const writing = session.submit(message), sent = await first;
    await session.apply(1, sent);
    assert.equal(await writing, true);
    assert.deepEqual([runs.getCertain("r")?.rounds, bench.store.runs.get("r")?.rounds], [1, 0]);
    session.end(false);
    const next = open(bench, runs).apply(2, [completed, { call: "over", args: [] }]);
    disk.resolve();
    assert.equal(await next, true);
    assert.deepEqual([runs.getCertain("r"), bench.store.runs.get("r")?.rounds], [null, 1]);
  }));

Deno.test("what was ahead of the server when the daemon died is sent first when the run comes back", () =>
  withStore(async (bench) => {
    const dead = open(bench, await begin(bench));
    void dead.next();
    await dead.submit(started);
    await bench.reopen();
    const runs = await begin(bench), session = open(bench, runs), next = session.next();
    assert.deepEqual(runs.get("r")?.ahead, JSON.parse(JSON.stringify([started])));
    void session.submit(message);
    const sent = await next;
    assert.deepEqual(callsOf(sent), ["transition", "appendMessage"]);
    await session.apply(1, sent);
    await runs.whenWritten("r");
    assert.deepEqual(runs.get("r"), { engine: "cluster", handed: true, applied: 1, ahead: [] });
  }));

Deno.test("what is ahead outlasts a death between what the server keeps and its write, until the server keeps it", () =>
  withStore(async (bench) => {
    const dead = open(bench, await begin(bench));
    const next = dead.next();
    await dead.submit(started);
    void dead.submit(message).catch(() => {});
    const kept = await next;
    // The process has died: the second attempt starts while the server is asked to keep the first one's message.
    const again = startOf(2);
    await dead.submit(again);
    await bench.reopen();
    const runs = await begin(bench), session = open(bench, runs);
    await session.apply(1, kept);
    assert.deepEqual(runs.get("r")?.ahead, JSON.parse(JSON.stringify([again])));
    // If another daemon had written the same attempt, its start would suffice.
    const other = open(bench, runs);
    await other.apply(2, [startOf(2, 8), message]);
    assert.deepEqual(runs.get("r")?.ahead, []);
  }));

Deno.test("what the server keeps is applied in order, once, and only the last list ends the run", () =>
  withStore(async (bench) => {
    const runs = await begin(bench), journal = [[started], [message], [completed, { call: "over", args: [] } as const]];
    const replay = async () => {
      const session = open(bench, runs), ends: boolean[] = [];
      for (const [at, changes] of journal.entries()) ends.push(await session.apply(at + 1, changes));
      session.end(false);
      return ends;
    };
    const typesNow = () => bench.store.reader.logs({ refId: "r", limit: 100 }).map(({ type }) => type);
    assert.deepEqual(await replay(), [false, false, true]);
    const types = typesNow();
    assert.deepEqual(types.toSorted(), ["run.completed", "run.message", "run.queued", "run.started"]);
    assert.deepEqual(await replay(), [false, false, true]);
    // The server does not know that the run has ended: everything is applied from the start, without effect.
    runs.put("r", { engine: "cluster", applied: 0, handed: true });
    assert.deepEqual(await replay(), [false, false, true]);
    assert.deepEqual(typesNow(), types);
  }));

Deno.test("after its end nothing is written, and whoever waits is told", () =>
  withStore(async (bench) => {
    const runs = await begin(bench), session = open(bench, runs), next = session.next();
    await session.submit(started);
    const writing = session.submit(message);
    const settled = Promise.allSettled([next, writing]);
    session.end(false);
    const late = await Promise.allSettled([session.submit(message)]);
    for (const each of [...await settled, ...late]) {
      assert.equal(each.status === "rejected" && each.reason.code, "ENGINE_AWAY");
    }
    assert.equal(runs.isElsewhere("r"), true);
    assert.equal(bench.store.runs.get("r")?.rounds, 0);
  }));
