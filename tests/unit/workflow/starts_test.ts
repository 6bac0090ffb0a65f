/** Starts of runs of a distributed engine, over a real store. The bug would be: one id with two inputs. */
import assert from "node:assert/strict";
import { NerveError } from "../../../src/base/errors.ts";
import type { Run } from "../../../src/protocol/run.ts";
import { ClusterRuns } from "../../../src/workflow/cluster/cluster_runs.ts";
import { Mirror } from "../../../src/workflow/cluster/mirror.ts";
import { Outbox } from "../../../src/workflow/cluster/outbox.ts";
import type { EngineServer, RunInput } from "../../../src/workflow/cluster/ports.ts";
import { ClusterStarts } from "../../../src/workflow/cluster/starts.ts";
import type { RunRequest, WorkflowPlan } from "../../../src/workflow/engine.ts";
import { newRun, type StoreBench, withStore } from "../../support/store_bench.ts";

const plan = { name: "cleanup", maxRounds: 10 } as WorkflowPlan;
const request = (payload: RunRequest["payload"], runId: string | null = "r"): RunRequest => ({
  ...{ workflow: "cleanup", runId, prompt: "", payload, maxRounds: null, trigger: { kind: "manual" }, causeId: null },
});

/** A server that has the runs of other daemons, or is away. */
class FakeServer {
  readonly kept = new Map<string, RunInput>();
  isAway = false;

  submit(input: RunInput): Promise<boolean> {
    if (this.isAway) return Promise.reject(new NerveError("ENGINE_AWAY", "it is away"));
    const isNew = !this.kept.has(input.run.runId);
    if (isNew) this.kept.set(input.run.runId, input);
    return Promise.resolve(isNew);
  }

  find(runId: string): Promise<RunInput | null> {
    return Promise.resolve(this.kept.get(runId) ?? null);
  }
}

function startsOf({ store, clock }: StoreBench, server: FakeServer) {
  const runs = new ClusterRuns(store.meta), voided = Promise.withResolvers<string>();
  const reportProblem = (text: string) => /void$/.test(text) ? voided.resolve(text) : assert.match(text, /it is away$/);
  const parts = { store: store.runs, runs, clock, reportProblem };
  const mirror = new Mirror({ ...parts, onChange: () => {}, tell: () => {} });
  const serverOf = () => server as unknown as EngineServer, outbox = new Outbox({ ...parts, mirror, serverOf });
  outbox.open();
  const more = { newRunId: () => "made", onChange: () => {}, serverOf };
  return { starts: new ClusterStarts({ ...parts, mirror, outbox, ...more }), outbox, runs, voided: voided.promise };
}

const other = (payload: Run["payload"]): RunInput => ({
  run: newRun("r", { status: "queued", prompt: "", maxRounds: 10, payload }),
  starts: null,
});

Deno.test("the server says whose an id is: a run of another daemon is here then, with its own input", () =>
  withStore(async (bench) => {
    const server = new FakeServer(), { starts, runs } = startsOf(bench, server);
    const first = await starts.begin(request({ n: 1 }), plan, "cluster");
    assert.ok(typeof first === "object" && first.status === "queued");
    assert.deepEqual(runs.get("r"), { engine: "cluster", applied: 0, handed: true });
    // The local engine attaches to this, or reports RUN_CONFLICT.
    assert.equal(await starts.begin(request({ n: 2 }), plan, "cluster"), "r");
    assert.deepEqual(bench.store.runs.get("r")?.payload, { n: 1 });
  }));

Deno.test("an id that another daemon has started meanwhile is not started again", () =>
  withStore(async (bench) => {
    const server = new FakeServer(), { starts } = startsOf(bench, server);
    server.kept.set("r", other({ n: 1 }));
    assert.equal(await starts.begin(request({ n: 2 }), plan, "cluster"), "r");
    assert.deepEqual(bench.store.runs.get("r")?.payload, { n: 1 });
  }));

Deno.test("an id of which the server knows nothing but that it has it is a conflict", () =>
  withStore(async (bench) => {
    const server = new FakeServer(), { starts } = startsOf(bench, server);
    server.submit = () => Promise.resolve(false);
    await assert.rejects(starts.begin(request({ n: 2 }), plan, "cluster"), { code: "RUN_CONFLICT" });
    assert.equal(bench.store.runs.get("r"), null);
  }));

Deno.test("two daemons that take an id while the server is away: the one that it hears of first counts, and it is said", () =>
  withStore(async (bench) => {
    const server = new FakeServer(), { starts, outbox, voided } = startsOf(bench, server);
    server.isAway = true;
    const mine = await starts.begin(request({ n: 2 }), plan, "cluster");
    assert.ok(typeof mine === "object");
    server.kept.set("r", other({ n: 1 }));
    server.isAway = false;
    outbox.look();
    assert.match(await voided, /^run r was started at another daemon, too, .* different payload/);
    assert.deepEqual(bench.store.runs.get("r")?.payload, { n: 1 });
    const rows = bench.store.reader.logs({ refId: "r", limit: 10 });
    assert.deepEqual(rows.map(({ type }) => type), ["run.queued", "run.queued"]);
  }));
