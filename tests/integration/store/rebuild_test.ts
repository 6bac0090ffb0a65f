import assert from "node:assert/strict";
import type { Approval, ApprovalDecision, NewApproval } from "../../../src/protocol/approval.ts";
import type { RunStatus } from "../../../src/protocol/run.ts";
import type { RunPause } from "../../../src/protocol/run_wait.ts";
import { rebuildRuns } from "../../../src/store/runs/rebuild.ts";
import type { SqliteRunStore } from "../../../src/store/runs/run_store.ts";
import { openDatabase } from "../../../src/store/sqlite/database.ts";
import { openStore } from "../../../src/store/store.ts";
import { takeChildStep } from "../../support/child_steps.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import fc from "../../support/fast_check.ts";
import { isLong, scaled } from "../../support/long_form.ts";
import { newRow, newRun, runRow, sleepOf, withStore } from "../../support/store_bench.ts";
import { inTempDir } from "../../support/temp_workspace.ts";

const ends = ["completed", "failed", "killed", "crashed", "interrupted"] as const;

const runIds = ["a", "b", "c", "d"];

const simple = [
  ...["start", "resume", "message", "wait", "ask", "await", "send", "pause", "unpause", "noise"] as const,
  ...["begin", "begin", "doubt", "doubt", "retry", "give up"] as const,
] as const;

type Step =
  | { readonly do: "create"; readonly id: string; readonly status: "queued" | "started" | "dropped" }
  | {
    readonly do: (typeof simple)[number];
    readonly id: string;
  }
  | { readonly do: "spawn" | "born" | "refuse" | "over"; readonly id: string }
  | { readonly do: "end"; readonly id: string; readonly status: RunStatus };

const id = fc.constantFrom(...runIds);

function requestOf(id: string, round: number): NewApproval {
  const texts = { title: "Go?", body: "- a", options: ["approve", "reject"], digest: `digest of ${id}` };
  const rest = { created: 3, expires: 9, onExpiry: "reject", approvers: ["ops"] };
  return { id, round, role: "ask", gate: "ask", kind: "gate", ...texts, ...rest };
}

function decisionOf({ id, digest }: Approval): ApprovalDecision {
  const who = { by: "ada", how: "person", token: "t", comment: null, key: "SHA256:k", signature: "s" } as const;
  return { id, digest, state: "approved", decision: "approve", ...who, decided: 8 };
}

const stepArbitrary: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constant("create" as const), id, status: fc.constantFrom("queued", "started", "dropped") }),
  fc.record({
    do: fc.constantFrom(...simple),
    id,
  }),
  fc.record({ do: fc.constantFrom("spawn", "born", "refuse", "over"), id }),
  fc.record({ do: fc.constant("end" as const), id, status: fc.constantFrom(...ends, "dropped" as const) }),
);

/** Does what is legal at the time; the guards reject the rest, as for a manager that came too late. */
async function take(runs: SqliteRunStore, step: Step): Promise<void> {
  const run = runs.get(step.id), round = (run?.rounds ?? 0) + 1;
  const of = { runId: step.id, workflow: "cleanup", attempt: run?.attempt ?? 1, causeId: null };
  switch (step.do) {
    case "create":
      await runs.create(newRun(step.id, { status: step.status }), runRow(step.id, { type: `run.${step.status}` }));
      return;
    case "start": {
      const change = { status: "started", attempt: 1, startedAt: 50 } as const;
      await runs.transition(step.id, { from: ["queued"] }, change, runRow(step.id));
      return;
    }
    case "resume": {
      const change = { status: "started", attempt: (run?.attempt ?? 0) + 1 } as const;
      await runs.transition(step.id, { from: ["started"] }, change, runRow(step.id, { type: "run.resumed" }));
      return;
    }
    case "message": {
      const message = { round, role: "r", content: "c", meta: { status: "completed" }, ts: 7 };
      const asked = runs.readApprovalAt(step.id, round);
      const kept = runs.readKeptEvent(step.id, "go"), wait = runs.readWait(step.id);
      const event = wait?.event === null || kept === null ? {} : { event: kept.key };
      const decision = wait?.kind === "children"
        ? { children: true } as const
        : asked === null
        ? event
        : { decision: decisionOf(asked.approval) };
      await (run?.status === "waiting" ? runs.settleWait(of, message, decision) : runs.appendMessage(of, message));
      return;
    }
    case "end": {
      const waits = step.status === "killed" || step.status === "interrupted";
      const from: RunStatus[] = step.status === "dropped"
        ? ["queued"]
        : waits
        ? ["started", "waiting", "paused"]
        : ["started"];
      const change = { status: step.status, exitCode: 1, reason: "over", endedAt: 99 };
      // As the end was asked for: a start or a message was on its way then.
      const payload = { attempt: Math.max(0, of.attempt - 1), rounds: 0 };
      await runs.transition(step.id, { from }, change, runRow(step.id, { type: `run.${step.status}`, payload }));
      return;
    }
    case "noise":
      return;
    case "spawn":
    case "born":
    case "refuse":
    case "over":
      return await takeChildStep(runs, step.do, step.id);
    default:
      return await stop(runs, step);
  }
}

/** The steps of a run that waits, asks, is sent something, or is paused. */
async function stop(runs: SqliteRunStore, step: Step): Promise<void> {
  const run = runs.get(step.id), round = (run?.rounds ?? 0) + 1;
  const of = { runId: step.id, workflow: "cleanup", attempt: run?.attempt ?? 1, causeId: null };
  switch (step.do) {
    case "wait": {
      await runs.beginWait(of, sleepOf(round), "sleeps");
      return;
    }
    case "await": {
      await runs.beginWait(of, { ...sleepOf(round), kind: "event", event: "go" }, "waits");
      return;
    }
    case "pause": {
      if (run === null || !["queued", "started", "waiting"].includes(run.status)) return;
      const from = run.status as RunPause["from"], wait = runs.readWait(step.id);
      await runs.pause(run, { from, since: 6, reason: run.reason, wait, code: null }, "paused: on request");
      return;
    }
    case "unpause": {
      const pause = runs.readPause(step.id);
      if (run !== null && pause !== null) await runs.unpause(run, pause);
      return;
    }
    case "send": {
      const key = `k${run?.rounds}${run?.attempt}`;
      await runs.insertEvent(of, { name: "go", key, payload: { n: 1 }, digest: "d", received: 4 });
      return;
    }
    case "begin":
      return void await runs.beginRole(of, { attempt: of.attempt, round, role: "charge", at: 5 });
    case "doubt": {
      if (runs.readBegun(step.id) === null) return;
      const id = `${step.id}:ask:recovery:${runs.countApprovals(step.id, "ask") + 1}`;
      const wait = { ...sleepOf(round), kind: "recovery" } as const;
      await runs.beginWait(of, wait, "asks", { ...requestOf(id, round), kind: "recovery" });
      return;
    }
    case "retry":
    case "give up": {
      const asked = runs.readApprovalAt(step.id, round)?.approval;
      if (asked?.kind !== "recovery") return;
      const [option, change] = step.do === "retry"
        ? ["retry", { status: "started", attempt: of.attempt + 1 } as const] as const
        : ["fail", { status: "failed", exitCode: 1, endedAt: 99 } as const] as const;
      const row = runRow(step.id, { type: step.do === "retry" ? "run.resumed" : "run.failed" });
      await runs.decideRecovery(of, change, row, { ...decisionOf(asked), state: "decided", decision: option });
      return;
    }
    case "ask": {
      const wait = { ...sleepOf(round), kind: "gate" } as const;
      const id = `${step.id}:ask::${runs.countApprovals(step.id, "ask") + 1}`;
      await runs.beginWait(of, wait, "asks", requestOf(id, round));
      return;
    }
  }
}

scaled.test("the table of runs is rebuilt from the log as it was", () =>
  inTempDir(async (root) => {
    let n = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(stepArbitrary, { maxLength: 40 }), async (steps) => {
        const path = `${root}/${n++}.db`, store = openStore(path, new FakeClock());
        for (const step of steps) {
          await take(store.runs, step);
          if (step.do !== "noise") continue;
          store.log.append(runRow(step.id, { type: "run.crashed", payload: { attempt: 1, final: false } }));
          store.log.append(runRow(step.id, { type: "run.log", payload: { status: "completed", runId: "x" } }));
          store.log.append(newRow({ refId: step.id }));
        }
        await store.close();
        using db = openDatabase(path);
        const table = () => db.prepare("select * from workflow_runs order by seq").all();
        const waits = () => db.prepare("select * from run_waits order by run_id").all().map((row) => ({ ...row }));
        const approvals = () => db.prepare("select * from approvals order by id").all().map(withoutSeq);
        const events = () => db.prepare("select * from run_events order by run_id, key").all().map(withoutSeq);
        const pauses = () => db.prepare("select * from run_pauses order by run_id").all().map((row) => ({ ...row }));
        const children = () => db.prepare("select * from run_children").all().map((row) => ({ ...row }));
        const begun = () => db.prepare("select * from run_begun order by run_id").all().map((row) => ({ ...row }));
        const doubts = begun();
        const before = table(), held = pauses(), waited = waits(), asked = approvals(), sent = events();
        const born = children();
        db.exec(
          ["workflow_runs", "run_waits", "approvals", "run_events", "run_pauses", "run_children", "run_begun"].map((
            each,
          ) => `delete from ${each}`).join("; "),
        );
        assert.deepEqual(rebuildRuns(db), { runs: before.length, skipped: 0 });
        assert.deepEqual(table().map(withoutSeq), before.map(withoutSeq));
        rebuildRuns(db);
        assert.deepEqual(table().map(withoutSeq), before.map(withoutSeq));
        assert.deepEqual(waits(), waited);
        assert.deepEqual(approvals(), asked);
        assert.deepEqual(events(), sent);
        assert.deepEqual(pauses(), held);
        assert.deepEqual(children(), born);
        assert.deepEqual(begun(), doubts);
      }),
      { numRuns: isLong ? 60 : 15 },
    );
  }));

function withoutSeq({ seq: _, ...row }: Record<string, unknown>): Record<string, unknown> {
  return row;
}

Deno.test("a store rebuilds a lost table of runs when it opens", () =>
  withStore(async (bench) => {
    await bench.store.runs.create(newRun("a"), runRow("a"));
    await bench.store.runs.create(newRun("b", { status: "queued" }), runRow("b", { type: "run.queued" }));
    const before = bench.store.runs.listUnfinished();
    using db = openDatabase(bench.path);
    db.exec("delete from workflow_runs");
    await bench.reopen();
    assert.deepEqual(bench.store.runs.listUnfinished(), before);
  }));

Deno.test("a run whose first row has left the log stays unchanged, and its later rows are counted", () =>
  withStore(async ({ store, path }) => {
    await store.runs.create(newRun("old"), runRow("old"));
    store.meta.set("archived_up_to", String(Number.MAX_SAFE_INTEGER));
    const change = { status: "completed", exitCode: 0, endedAt: 9 } as const;
    await store.runs.transition("old", { from: ["started"] }, change, runRow("old", { type: "run.completed" }));
    await store.runs.create(newRun("new"), runRow("new"));
    using db = openDatabase(path);
    db.exec("delete from logs where type = 'run.started' and ref_id = 'old'");
    assert.deepEqual(rebuildRuns(db), { runs: 1, skipped: 1 });
    assert.deepEqual(store.runs.get("old"), { ...newRun("old"), ...change });
    assert.deepEqual(store.runs.get("new"), newRun("new"));
  }));

Deno.test("a log that cannot be replayed leaves the table unchanged", () =>
  withStore(async ({ store, path }) => {
    await store.runs.create(newRun("a", { status: "queued" }), runRow("a", { type: "run.queued" }));
    using db = openDatabase(path);
    db.prepare("insert into logs values (99, 0, 'kernel', 'run.completed', 'a', null, ?)").run(
      '{"status":"completed"}',
    );
    assert.throws(() => rebuildRuns(db), /illegal move/);
    assert.equal(store.runs.get("a")?.status, "queued");
  }));
