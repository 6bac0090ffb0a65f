/** The runs in the fake processes of workflow_world.ts. */
import assert from "node:assert/strict";
import type { WorkflowManager } from "../../src/workflow/local/manager.ts";
import type { FakeHost, FakeProcess, FakeThread } from "./fake_workflow_host.ts";

/** A message of a role. */
export const said = { t: "message", role: "r", content: "c", meta: {} } as const;

/** Threads at work: runs that wait for an ack and were aborted have stopped. */
export function threadsAtWork(host: FakeHost): [FakeProcess, FakeThread][] {
  const works = (process: FakeProcess, { probed, waits, aborted, start }: FakeThread) =>
    !probed && !(waits && aborted !== null) && !isLate(process, start.runId);
  return listThreads(host).filter(([process, thread]) => works(process, thread));
}

/** Runs that may move to the process, which has their whole thread. */
export function threadsAsked(host: FakeHost): [FakeProcess, FakeThread][] {
  return listThreads(host).filter(([, { probed, messages }]) => probed && messages.length > 0);
}

export function roleOf({ start, attempt, messages }: FakeThread) {
  return {
    runId: start.runId,
    attempt,
    round: messages.length + 1,
    role: "r",
    attempts: 3,
    exhausted: "fail",
  } as const;
}

/** A report that the next role sleeps; without a thread, in the first round. */
export function waitOf(thread: FakeThread | null, ms: number) {
  const { runId = "" } = thread?.start ?? {}, round = (thread?.messages.length ?? 0) + 1;
  return { t: "wait", runId, attempt: thread?.attempt ?? 1, round, role: "r", wait: { kind: "for", ms } } as const;
}

/** Stops the manager while `pass` lets time pass and commits. */
export async function stopSlowly(manager: WorkflowManager, pass: () => Promise<void>): Promise<void> {
  let stopped = false;
  const stopping = manager.stop().then(() => stopped = true);
  for (let left = 40; left > 0 && !stopped; left--) await pass();
  assert.ok(stopped, "the manager stops");
  await stopping;
}

/** Ends every process that the manager wants to recycle. */
export function reap(host: FakeHost, manager: WorkflowManager): void {
  for (const process of host.processes) {
    if (!process.alive || process.recycled === null) continue;
    host.end(process);
    manager.onProcessExit(process.id, { kind: "recycled", message: process.recycled });
  }
}

function listThreads({ processes }: FakeHost): [FakeProcess, FakeThread][] {
  return processes.filter(({ alive }) => alive).flatMap((process) =>
    [...process.threads.values()].map((thread): [FakeProcess, FakeThread] => [process, thread])
  );
}

/** Whether the process is being ended because of this very run: then the run no longer counts there. */
function isLate({ recycled }: FakeProcess, runId: string): boolean {
  return recycled?.includes(`of run ${runId} timed out`) ?? false;
}
