/**
 * Waits whose time is over, over a store that may fail and writes that a test refuses. Whole runs are in waits_test.ts.
 * Danger: one wait that cannot be settled holds up the others, or is tried without a pause.
 */
import assert from "node:assert/strict";
import { backoffFirstMs, backoffMaxMs } from "../../../src/base/limits.ts";
import { dueWaitsMax } from "../../../src/base/wait_limits.ts";
import type { NewApproval } from "../../../src/protocol/approval.ts";
import type { RunMessage } from "../../../src/protocol/run.ts";
import type { RunWait, Settlement } from "../../../src/protocol/run_wait.ts";
import { ActiveRuns, type RunEntry } from "../../../src/workflow/local/active_runs.ts";
import type { Dispatcher } from "../../../src/workflow/local/dispatcher.ts";
import { DueWaits } from "../../../src/workflow/local/due_waits.ts";
import type { RunWriter } from "../../../src/workflow/local/run_writer.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { MemoryRunStore } from "../../support/memory_run_store.ts";
import { newRun, runRow, sleepOf } from "../../support/store_bench.ts";

const hourMs = 3_600_000;
const of = (runId: string) => ({ runId, workflow: "cleanup", attempt: 1, causeId: null });

/** The part alone, over a store in memory. What it settles is written, unless a test refuses that. */
class DueWorld {
  readonly clock = new FakeClock();
  readonly store = new MemoryRunStore();
  readonly runs = new ActiveRuns();
  readonly problems: string[] = [];
  /** How often each queue was dispatched. */
  dispatched = 0;
  readonly settled: { readonly runId: string; readonly message: RunMessage; readonly by: Settlement }[] = [];
  /** Runs whose settling is refused. */
  readonly refused = new Set<string>();
  readonly due: DueWaits;

  constructor() {
    const { clock, store, runs } = this;
    this.due = new DueWaits({
      ...{ clock, store, runs },
      writer: { read: (runId: string) => store.get(runId) } as unknown as RunWriter,
      dispatcher: { dispatch: () => void this.dispatched++ } as unknown as Dispatcher,
      reportProblem: (message) => void this.problems.push(message),
      load: (run) => runs.get(run.runId) ?? runs.add(run, { tag: "waiting" }),
      settle: (entry, message, by) => this.#settle(entry, message, by),
    });
  }

  async #settle(entry: RunEntry, message: RunMessage, by: Settlement): Promise<boolean> {
    const { runId } = entry.run,
      written = !this.refused.has(runId) && await this.store.settleWait(of(runId), message, by);
    if (written) this.settled.push({ runId, message, by });
    this.runs.remove(entry);
    return written;
  }

  /** A run waits from now on, for `ms` unless the change says otherwise. */
  async wait(
    runId: string,
    ms: number,
    change: Partial<RunWait> = {},
    request: NewApproval | null = null,
  ): Promise<void> {
    const { clock, store } = this, boot = clock.boot(), due = clock.now() + ms;
    await store.create(newRun(runId), runRow(runId));
    const wait = { ...sleepOf(1), due, dueBoot: { id: boot.id, ms: boot.ms + ms }, ...change };
    assert.ok(await store.beginWait(of(runId), wait, "it waits", request));
    this.due.add(wait.due);
  }

  ids(): string[] {
    return this.settled.map(({ runId }) => runId);
  }
}

Deno.test("nothing is settled before it is opened, and what is over then is settled in its order", async () => {
  const world = new DueWorld();
  for (const [id, ms] of [["late", 3_000], ["early", 1_000], ["middle", 2_000]] as const) await world.wait(id, ms);
  await world.clock.tick(hourMs);
  assert.deepEqual([world.ids(), world.clock.pending, world.due.isOpen], [[], 0, false]);
  world.due.open();
  await world.clock.tick(0);
  assert.deepEqual([world.ids(), world.due.isOpen], [["early", "middle", "late"], true]);
});

Deno.test("only the next due time is armed, by both clocks, however many runs wait", async () => {
  const world = new DueWorld();
  world.due.open();
  await world.clock.tick(0);
  for (let n = 0; n < 50; n++) await world.wait(`r${n}`, hourMs + n);
  assert.equal(world.clock.pending, 2);
  await world.wait("first", 1_000);
  assert.equal(world.clock.pending, 2);
  await world.clock.tick(1_000);
  assert.deepEqual([world.ids(), world.clock.pending], [["first"], 2]);
  world.due.add(null);
  world.due.add(world.clock.now() + 9 * hourMs);
  assert.equal(world.clock.pending, 2);
  await world.clock.tick(hourMs);
  assert.equal(world.ids().length, 51);
});

Deno.test("a time of day is waited for by the wall clock alone, and one without a time not at all", async () => {
  const world = new DueWorld();
  world.due.open();
  await world.clock.tick(0);
  await world.wait("ever", 0, { due: null, dueBoot: null });
  assert.equal(world.clock.pending, 0);
  await world.wait("day", hourMs, { dueBoot: null });
  assert.equal(world.clock.pending, 1);
  world.clock.jump(-hourMs);
  await world.clock.tick(hourMs);
  assert.deepEqual(world.ids(), []);
  await world.clock.tick(hourMs);
  assert.deepEqual(world.ids(), ["day"]);
});

Deno.test("runs are loaded so many at a time, and their queue is dispatched once for each of those", async () => {
  const world = new DueWorld(), most = dueWaitsMax + 5;
  for (let n = 0; n < most; n++) await world.wait(`r${n}`, n);
  let loaded = 0;
  const list = world.store.listDueWaits.bind(world.store);
  world.store.listDueWaits = (...args) => {
    const due = list(...args);
    loaded = Math.max(loaded, due.length);
    return due;
  };
  await world.clock.tick(hourMs);
  world.due.open();
  await world.clock.until(() => world.settled.length === most, "all to be settled");
  assert.deepEqual([loaded, world.dispatched], [dueWaitsMax, 2]);
});

Deno.test("a wait that cannot be settled is tried again after a pause, and holds up no other", async () => {
  const world = new DueWorld();
  world.refused.add("stuck");
  for (const id of ["stuck", "other"]) await world.wait(id, 1_000);
  world.due.open();
  await world.clock.tick(1_000);
  assert.deepEqual(world.ids(), ["other"]);
  world.refused.clear();
  await world.clock.tick(backoffFirstMs - 1);
  assert.deepEqual(world.ids(), ["other"]);
  await world.clock.tick(1);
  assert.deepEqual([world.ids(), world.problems, world.clock.pending], [["other", "stuck"], [], 0]);
});

Deno.test("a run that is ending, or that somebody else works on, is left alone", async () => {
  const world = new DueWorld();
  for (const id of ["ending", "moving", "gone"]) await world.wait(id, 0);
  const entryOf = (id: string, tag: "waiting" | "waking") =>
    world.runs.add(world.store.get(id) ?? assert.fail(), { tag });
  const ending = entryOf("ending", "waiting");
  ending.endsPending = 1;
  entryOf("moving", "waking");
  const gone = entryOf("gone", "waiting");
  gone.run = { ...gone.run, status: "killed" };
  world.due.open();
  await world.clock.tick(0);
  assert.deepEqual([world.ids(), world.dispatched], [[], 0]);
  ending.endsPending = 0;
  await world.clock.tick(backoffFirstMs);
  assert.deepEqual(world.ids(), ["ending"]);
});

Deno.test("a store that cannot say what is due is reported and asked again, seldom", async () => {
  const world = new DueWorld(), list = world.store.listDueWaits.bind(world.store);
  await world.wait("a", 0);
  world.store.listDueWaits = () => {
    throw new Error("the file is damaged");
  };
  world.due.open();
  await world.clock.tick(0);
  world.store.listDueWaits = list;
  assert.deepEqual(world.problems, ["the waits of runs cannot be read; retrying: the file is damaged"]);
  await world.clock.tick(backoffMaxMs);
  assert.deepEqual(world.ids(), ["a"]);
});

Deno.test("one wait whose event cannot be read is tried again, seldom, while others go on", async () => {
  const world = new DueWorld(), read = world.store.readKeptEvent.bind(world.store);
  await world.wait("event", 0, { kind: "event", event: "go" });
  await world.wait("sleep", 0);
  world.store.readKeptEvent = () => {
    throw new Error("the file is damaged");
  };
  world.due.open();
  await world.clock.tick(0);
  const reported = world.problems.length;
  assert.deepEqual([world.ids(), reported > 0], [["sleep"], true]);
  await world.clock.tick(backoffMaxMs - 1);
  assert.equal(world.problems.length, reported, "not before the longest pause is over");
  world.store.readKeptEvent = read;
  await world.clock.tick(1);
  assert.deepEqual(world.ids(), ["sleep", "event"]);
});

Deno.test("each kind of wait is settled by its own message: a sleep, an event in time or not, a gate, no runs", async () => {
  const world = new DueWorld(), { clock, store } = world;
  await world.wait("sleep", 1_000);
  for (const id of ["early", "none"]) await world.wait(id, 2_000, { kind: "event", event: "go" });
  await store.insertEvent(of("early"), { name: "go", key: "k", payload: 7, digest: "d", received: 1 });
  const texts = { title: "Go?", body: "", options: ["ok", "reject"], digest: "d" };
  for (const [id, onExpiry] of [["gate", "ok"], ["older", null]] as const) {
    const times = { created: 1, expires: 1, onExpiry, approvers: null };
    const request = { id, round: 1, role: "cool", gate: "cool", kind: "gate", ...texts, ...times } as const;
    await world.wait(id, 3_000, { kind: "gate" }, request);
  }
  await world.wait("runs", 4_000, { kind: "children" });
  await clock.tick(hourMs);
  world.due.open();
  await clock.tick(0);
  const told = new Map(world.settled.map(({ runId, message, by }) => [runId, [message.content, by.event ?? null]]));
  assert.deepEqual([told.get("sleep")?.[0], told.get("runs")?.[0]], [
    "slept until 2026-01-01T00:00:01.000Z",
    "no runs",
  ]);
  assert.deepEqual([told.get("early"), told.get("none")], [["event go", "k"], ["no event go came in time", null]]);
  assert.deepEqual(["gate", "older"].map((id) => store.readApproval(id)?.approval.decision), ["ok", "reject"]);
  assert.equal(store.readApproval("gate")?.approval.state, "expired");
  assert.equal(world.settled.find(({ runId }) => runId === "runs")?.by.children, true);
});

Deno.test("what is closed leaves no timer, settles nothing, and may be opened again", async () => {
  const world = new DueWorld();
  world.due.open();
  await world.clock.tick(0);
  await world.wait("a", 1_000);
  let called = 0;
  world.due.later(() => called++);
  world.due.close();
  assert.deepEqual([world.clock.pending, world.due.isOpen], [0, false]);
  await world.clock.tick(hourMs);
  assert.deepEqual([world.ids(), called], [[], 0]);
  world.due.open();
  await world.clock.tick(0);
  world.due.later(() => called++);
  await world.clock.tick(backoffMaxMs);
  assert.deepEqual([world.ids(), called], [["a"], 1]);
});
