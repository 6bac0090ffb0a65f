/**
 * Runs that schedules of workflows start. Dangers: a tick that is lost because a daemon died between the tick and its
 * run, and a tick that makes two runs because the daemon was restarted.
 */
import assert from "node:assert/strict";
import { backoffMaxMs } from "../../../src/base/limits.ts";
import { WorkflowSchedules } from "../../../src/kernel/workflow_schedules.ts";
import type { LogRow } from "../../../src/protocol/log.ts";
import type { Run } from "../../../src/protocol/run.ts";
import type { ScheduleLine, WorkflowSchedulePlan } from "../../../src/scheduler/ports.ts";
import type { RunRequest } from "../../../src/workflow/engine.ts";
import { FakeClock } from "../../support/fake_clock.ts";

const minuteMs = 60_000;

/** The data on disk, and the daemons that use it, one after the other. */
class Machine {
  readonly clock = new FakeClock(Date.UTC(2026, 10, 29, 8, 59));
  readonly meta = new Map<string, string>();
  readonly rows: LogRow[] = [];
  readonly runs = new Map<string, RunRequest>();
  readonly problems: string[] = [];
  /** While false, no run can be stored. */
  stores = true;
  #ids = 0;

  start(...plans: WorkflowSchedulePlan[]): WorkflowSchedules {
    const schedules = new WorkflowSchedules({
      clock: this.clock,
      meta: { get: (key) => this.meta.get(key) ?? null, set: (key, value) => void this.meta.set(key, value) },
      append: (row, values) => {
        for (const [key, value] of values) this.meta.set(key, value);
        this.rows.push({ ...row, id: this.rows.length + 1, ts: this.clock.now() });
        return this.rows.at(-1) as LogRow;
      },
      workflows: {
        startRun: (request) => {
          if (!this.stores) return Promise.reject(new Error("the disk is full"));
          const { runId } = request;
          if (runId !== null && !this.runs.has(runId)) this.runs.set(runId, request);
          return Promise.resolve({ runId } as Run);
        },
      },
      newRunId: () => `run-${++this.#ids}`,
      reportProblem: (message) => this.problems.push(message),
    });
    schedules.setPlans(plans);
    schedules.start();
    return schedules;
  }

  /** `WORKFLOW PROMPT HH:MM`, for each run. */
  started(): string[] {
    return [...this.runs.values()].map(({ workflow, prompt, trigger }) => {
      assert.equal(trigger.kind, "schedule");
      return `${workflow} ${prompt} ${new Date(trigger.due).toISOString().slice(11, 16)}`;
    });
  }
}

const line = (change: Partial<ScheduleLine> = {}): ScheduleLine => {
  return { cron: "0 * * * *", timezone: "UTC", catchUp: "none", prompt: "p", ...change };
};
const plan = (workflow: string, ...lines: ScheduleLine[]): WorkflowSchedulePlan => ({
  ...{ workflow, lines, shared: false },
});

Deno.test("a tick makes one run, with its row as the cause, and none again after a restart", async () => {
  const machine = new Machine(), first = machine.start(plan("digest", line()));
  assert.equal(first.nextDue("digest"), Date.UTC(2026, 10, 29, 9));
  assert.equal(first.nextDue("other"), null);
  await machine.clock.tick(2 * minuteMs);
  first.stop();
  machine.start(plan("digest", line()));
  await machine.clock.tick(minuteMs);
  assert.deepEqual(machine.started(), ["digest p 09:00"]);
  const [row] = machine.rows, [run] = machine.runs.values();
  assert.deepEqual([row?.type, row?.source, run?.causeId], ["workflow.due", "workflow:digest", row?.id]);
  assert.deepEqual(row?.payload, {
    cron: "0 * * * *",
    timezone: "UTC",
    due: Date.UTC(2026, 10, 29, 9),
    runId: run?.runId,
    caughtUp: false,
  });
});

Deno.test("a run that was not stored when the daemon died is started by the next one, under the same id", async () => {
  const machine = new Machine(), first = machine.start(plan("digest", line()));
  machine.stores = false;
  await machine.clock.tick(minuteMs);
  first.stop();
  machine.stores = true;
  for (let restart = 0; restart < 2; restart++) {
    machine.start(plan("digest", line())).stop();
    await machine.clock.tick(minuteMs);
  }
  assert.deepEqual([...machine.runs], [["run-1", {
    workflow: "digest",
    prompt: "p",
    payload: {},
    maxRounds: null,
    runId: "run-1",
    trigger: { kind: "schedule", cron: "0 * * * *", due: Date.UTC(2026, 10, 29, 9) },
    causeId: 1,
  }]]);
});

Deno.test("ticks that were missed while no daemon ran are caught up once, or told as missed, and not again", async () => {
  const machine = new Machine();
  const plans = [plan("once", line({ catchUp: "once" })), plan("none", line())];
  machine.start(...plans).stop();
  await machine.clock.tick(180 * minuteMs);
  for (let restart = 0; restart < 3; restart++) machine.start(...plans).stop();
  assert.deepEqual(machine.started(), ["once p 11:00"]);
  assert.deepEqual(machine.rows.map(({ type, source }) => `${type} ${source}`), [
    "workflow.due workflow:once",
    "workflow.missed workflow:none",
  ]);
});

Deno.test("a line that is new has missed nothing", async () => {
  const machine = new Machine();
  machine.start(plan("digest", line())).stop();
  await machine.clock.tick(180 * minuteMs);
  machine.start(plan("digest", line({ cron: "30 * * * *", catchUp: "once" }))).stop();
  assert.deepEqual([machine.started(), machine.rows], [[], []]);
});

Deno.test("a run that cannot be stored is tried again until it can, or until the next tick of its line", async () => {
  const machine = new Machine();
  machine.start(plan("digest", line()));
  machine.stores = false;
  await machine.clock.tick(minuteMs + backoffMaxMs);
  assert.deepEqual(
    machine.problems,
    Array(2).fill("digest, due by its schedule, could not be started: the disk is full"),
  );
  await machine.clock.tick(60 * minuteMs);
  machine.stores = true;
  await machine.clock.tick(2 * backoffMaxMs);
  assert.deepEqual(machine.started(), ["digest p 10:00"]);
});

Deno.test("a reload keeps the lines that stay, and ends those that go; equal lines tick once", async () => {
  const machine = new Machine(), stays = line({ prompt: "stays" });
  const schedules = machine.start(plan("digest", stays, stays, line({ prompt: "goes" })), plan("gone", line()));
  schedules.setPlans([plan("digest", stays, line({ cron: "1 * * * *", prompt: "comes" }))]);
  await machine.clock.tick(3 * minuteMs);
  assert.deepEqual(machine.started(), ["digest stays 09:00", "digest comes 09:01"]);
  assert.equal(schedules.nextDue("gone"), null);
  schedules.setPlans([]);
  await machine.clock.tick(120 * minuteMs);
  assert.equal(machine.runs.size, 2);
});

Deno.test("a clock that was set, or a machine that slept, makes one run for all that was skipped", async () => {
  const machine = new Machine();
  machine.start(plan("digest", line()));
  machine.clock.jump(200 * minuteMs);
  await machine.clock.tick(minuteMs);
  assert.deepEqual(machine.started(), ["digest p 09:00"]);
  machine.start(plan("digest", line({ catchUp: "once" }))).stop();
  assert.equal(machine.runs.size, 1, "the ticks that it stands for are not caught up again");
});

Deno.test("daemons that share an engine start one run for a tick, and another one for each line", async () => {
  // The bug would be: two machines, each with a copy of the workspace, and every digest is sent twice.
  const daemons = [new Machine(), new Machine()];
  const lines = [line(), line({ prompt: "q" })], shared = { ...plan("digest", ...lines), shared: true };
  for (const machine of daemons) machine.start(shared);
  for (const { clock } of daemons) await clock.tick(62 * minuteMs);
  const ids = daemons.map(({ runs }) => [...runs.keys()].sort());
  assert.deepEqual(ids[0], ids[1]);
  assert.equal(ids[0]?.length, 4);
  for (const id of ids[0] ?? []) assert.match(id, /^digest\.20261129T(09|10)0000Z\.[0-9a-f]{12}$/);
});
