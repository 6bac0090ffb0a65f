/** Steps of runs that wait for other runs, for random tests of the store. */
import type { SqliteRunStore } from "../../src/store/runs/run_store.ts";
import { newRun, runRow, sleepOf } from "./store_bench.ts";

/** The steps of a run that waits for two others: the first one starts and ends, the second one is refused. */
export async function takeChildStep(
  runs: SqliteRunStore,
  what: "spawn" | "born" | "refuse" | "over",
  id: string,
): Promise<void> {
  const run = runs.get(id), round = (run?.rounds ?? 0) + 1, runId = `${id}.${round}.1`;
  const of = { runId: id, workflow: "cleanup", attempt: run?.attempt ?? 1, causeId: null };
  const request = { workflow: "cleanup", prompt: "p", payload: { n: 1 }, maxRounds: null };
  if (what === "spawn") {
    const children = [{ runId, request }, { runId: `${id}.${round}.2`, request }];
    await runs.beginWait(of, { ...sleepOf(round), kind: "children" }, "waits", null, children);
  } else if (what === "born") {
    const trigger = { kind: "run", run: id, round, depth: 1 } as const;
    if (runs.readWait(id)?.kind === "children") await runs.create(newRun(runId, { trigger }), runRow(runId));
  } else if (what === "refuse") {
    const child = runs.listMissingChildren(id, round).find(({ n }) => n === 2);
    if (child !== undefined) await runs.refuseChild(of, round, child, "no such workflow");
  } else {
    const change = { status: "completed", exitCode: 0, endedAt: 99 } as const;
    await runs.transition(runId, { from: ["started"] }, change, runRow(runId, { type: "run.completed" }));
  }
}
