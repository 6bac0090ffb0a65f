/**
 * People are told of requests by a workflow. Danger: nobody learns of a request; or they are told again and again, or of
 * their own telling.
 */
import assert from "node:assert/strict";
import { ApprovalNotices } from "../../../src/kernel/approval_notices.ts";
import type { ApprovalNotice, NewApproval } from "../../../src/protocol/approval.ts";
import type { RunRequest } from "../../../src/workflow/engine.ts";
import { long } from "../../support/long_form.ts";
import { newRun, runRow, type StoreBench, withStore } from "../../support/store_bench.ts";
import { startWorkspace } from "../../support/workspace_fixture.ts";

const hourMs = 3_600_000;

class Told {
  readonly runs: { readonly runId: string | null; readonly notice: ApprovalNotice }[] = [];
  readonly problems: string[] = [];
  failing = false;
  readonly notices: ApprovalNotices;

  /** How often a run was asked for. */
  asked = 0;
  readonly #bench: StoreBench;

  /** `marks`: whether the disk takes what was told. */
  constructor(bench: StoreBench, marks = true) {
    const { store, clock } = bench, { notices } = store;
    this.#bench = bench;
    this.notices = new ApprovalNotices({
      clock,
      notices: {
        listDue: (...args) => notices.listDue(...args),
        firstToldAt: (except) => notices.firstToldAt(except),
        markTold: (...args) => marks && notices.markTold(...args),
        forgetFuture: (now) => notices.forgetFuture(now),
      },
      reader: store.reader,
      recorded: () => store.recorded(),
      reportProblem: (message) => this.problems.push(message),
      workflows: {
        startRun: ({ runId, payload, workflow }: RunRequest) => {
          this.asked++;
          if (this.failing) return Promise.reject(new Error("the disk is full"));
          // An id that exists attaches to its run.
          const isNew = !this.runs.some((run) => run.runId === runId);
          if (isNew) this.runs.push({ runId, notice: payload as ApprovalNotice });
          return Promise.resolve(newRun(runId ?? "", { workflow }));
        },
      },
    });
  }

  /** Waits until people were told so often, and the next look is set: the ids of runs are computed off the thread. */
  async settle(times: number): Promise<string[]> {
    const { clock, store } = this.#bench;
    await clock.until(() => this.runs.length >= times, `${times} tellings`);
    await clock.tick(0);
    await store.recorded();
    await clock.tick(1);
    return this.said;
  }

  get said(): string[] {
    return this.runs.map(({ notice }) => `${notice.runId} ${notice.reminder}`);
  }
}

/** A run that waits at a gate. */
async function ask({ store, clock }: StoreBench, runId: string, workflow = "cleanup"): Promise<void> {
  const wait = { round: 1, role: "ask", kind: "gate", since: { wall: clock.now(), boot: null } } as const;
  const texts = { title: `Go ${runId}?`, body: "", options: ["approve"], digest: "d", approvers: null };
  const rest = { created: clock.now(), expires: null, onExpiry: null };
  const request: NewApproval = {
    id: `${runId}:ask::1`,
    round: 1,
    role: "ask",
    gate: "ask",
    kind: "gate",
    ...texts,
    ...rest,
  };
  await store.runs.create(newRun(runId, { workflow }), runRow(runId));
  const never = { due: null, dueBoot: null, event: null };
  const ref = { runId, workflow, attempt: 1, causeId: null };
  assert.ok(await store.runs.beginWait(ref, { ...wait, ...never }, "asks", request));
}

async function decide({ store }: StoreBench, runId: string): Promise<void> {
  const how = { decision: "approve", by: null, how: "person", token: "t", comment: null } as const;
  const decision = {
    id: `${runId}:ask::1`,
    digest: "d",
    state: "approved",
    ...how,
    decided: 9,
    key: null,
    signature: null,
  } as const;
  const message = { round: 1, role: "ask", content: "approve", meta: {}, ts: 9 };
  assert.ok(
    await store.runs.settleWait({ runId, workflow: "cleanup", attempt: 1, causeId: null }, message, { decision }),
  );
}

Deno.test("a request is told of once, and again after each time without a decision", () =>
  withStore(async (bench) => {
    const told = new Told(bench), { clock } = bench;
    told.notices.configure({ notify: "notify", remindMs: hourMs });
    told.notices.start();
    await ask(bench, "a");
    told.notices.look();
    assert.deepEqual(await told.settle(1), ["a 0"]);
    const [row] = bench.store.reader.logs({ type: "approval.requested", limit: 1 });
    assert.deepEqual(told.runs[0]?.notice, {
      ...{ request: "a:ask::1", runId: "a", workflow: "cleanup", role: "ask", title: "Go a?", options: ["approve"] },
      ...{ approvers: null, created: row?.ts, expires: null, reminder: 0 },
    });
    await clock.tick(hourMs / 2);
    await ask(bench, "b");
    told.notices.look();
    await told.settle(2);
    await clock.tick(hourMs / 2);
    assert.deepEqual(await told.settle(3), ["a 0", "b 0", "a 1"]);
    await decide(bench, "a");
    for (const times of [4, 5, 6]) {
      await clock.tick(hourMs);
      await told.settle(times);
    }
    assert.deepEqual(told.said, ["a 0", "b 0", "a 1", "b 1", "b 2", "b 3"]);
    told.notices.stop();
  }));

Deno.test("without remind nobody is reminded, without notify nobody is told, and of its own requests neither", () =>
  withStore(async (bench) => {
    const told = new Told(bench), { clock } = bench;
    told.notices.start();
    await ask(bench, "a");
    await ask(bench, "own", "notify");
    told.notices.look();
    await clock.tick(hourMs);
    assert.deepEqual(told.said, []);
    told.notices.configure({ notify: "notify", remindMs: null });
    await told.settle(1);
    await clock.tick(100 * hourMs);
    assert.deepEqual(told.said, ["a 0"]);
    // Reminders count from when people were told.
    told.notices.configure({ notify: "notify", remindMs: hourMs });
    assert.deepEqual(await told.settle(2), ["a 0", "a 1"]);
    told.notices.stop();
  }));

Deno.test("nothing is told twice by a daemon that dies, nor lost by a disk that is full", () =>
  withStore(async (bench) => {
    const first = new Told(bench), { clock } = bench;
    first.failing = true;
    first.notices.configure({ notify: "notify", remindMs: hourMs });
    first.notices.start();
    for (const id of ["a", "b"]) await ask(bench, id);
    first.notices.look();
    await clock.until(() => first.problems.length > 0, "a problem is told");
    assert.match(first.problems[0] ?? "", /could not be notified of a request; retrying: the disk is full/);
    first.failing = false;
    await clock.tick(10 * 60_000);
    assert.deepEqual(await first.settle(2), ["a 0", "b 0"]);
    first.notices.stop();
    await bench.reopen();
    const next = new Told(bench);
    next.notices.configure({ notify: "notify", remindMs: hourMs });
    next.notices.start();
    await clock.tick(1);
    assert.deepEqual(next.said, []);
    await clock.tick(hourMs);
    assert.deepEqual(await next.settle(2), ["a 1", "b 1"]);
    next.notices.stop();
  }));

Deno.test("a clock that is set back or forward neither repeats reminders nor ends them", () =>
  withStore(async (bench) => {
    const told = new Told(bench), { clock } = bench;
    told.notices.configure({ notify: "notify", remindMs: hourMs });
    told.notices.start();
    await ask(bench, "a");
    told.notices.look();
    await told.settle(1);
    clock.jump(-24 * hourMs);
    // The first hour tells nobody: what was told in the future was told now.
    for (const times of [1, 2, 3]) {
      await clock.tick(hourMs);
      assert.equal((await told.settle(times)).length, times);
    }
    clock.jump(48 * hourMs);
    await clock.tick(hourMs);
    assert.equal((await told.settle(4)).length, 4);
    told.notices.stop();
  }));

long.test("hundreds of requests are told of, each once", () =>
  withStore(async (bench) => {
    const told = new Told(bench);
    for (let n = 0; n < 250; n++) await ask(bench, `r${n}`);
    told.notices.configure({ notify: "notify", remindMs: null });
    told.notices.start();
    await told.settle(250);
    assert.equal(new Set(told.runs.map(({ notice }) => notice.runId)).size, 250);
    assert.equal(told.runs.length, 250);
    told.notices.stop();
  }));

Deno.test("a disk that takes no mark of what was told is asked again in a while, not without pause", () =>
  withStore(async (bench) => {
    const told = new Told(bench, false);
    for (let n = 0; n < 100; n++) await ask(bench, `r${n}`);
    told.notices.configure({ notify: "notify", remindMs: null });
    told.notices.start();
    await told.settle(100);
    for (let turns = 0; turns < 200; turns++) await bench.clock.tick(0);
    assert.deepEqual([told.runs.length, told.asked], [100, 100]);
    told.notices.stop();
  }));

long.test("through the whole kernel: the run that tells says what caused it, also after a restart", async () => {
  const ask = `import { defineWorkflow, END, gate } from "nerve";
export default defineWorkflow({ roles: { ask: gate({ title: "Go?" }) }, moderator: ({ messages }) => messages.length === 0 ? "ask" : END });`;
  const tell = `import { defineWorkflow, END } from "nerve";
export default defineWorkflow({
  roles: { tell: ({ start }) => ({ content: start.prompt, meta: start.payload }) },
  moderator: ({ messages }) => messages.length === 0 ? "tell" : END,
});`;
  const yaml = { workflows: { w: { concurrency: 9 }, tell: {} }, approvals: { notify: "tell", remind: "1h" } };
  await using workspace = await startWorkspace({ yaml, workflows: { w: ask, tell } });
  await workspace.kernel.startWorkflow("w", { runId: "r1" });
  const { run } = await workspace.run("completed");
  assert.deepEqual([run.workflow, run.trigger], ["tell", { kind: "approval", request: "r1:ask::1" }]);
  assert.match(run.prompt, /^run r1 of w waits for a decision: Go\? \(nerve approvals r1:ask::1\)$/);
  const [asked] = await workspace.rows({ type: "approval.requested" });
  assert.equal(run.causeId, asked?.id);
  await workspace.stop();
  const from = workspace.events.length;
  await workspace.start();
  await workspace.kernel.startWorkflow("w", { runId: "r2" });
  const { run: next } = await workspace.run("completed", from);
  assert.deepEqual((next.payload as ApprovalNotice).runId, "r2");
  assert.equal(workspace.kernel.api.records.runs({ workflow: "tell", limit: 9, offset: 0 }).total, 2);
});
