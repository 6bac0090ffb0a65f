/** The closings of ended runs in the fake processes of workflow_world.ts. */
import type { WorkflowManager } from "../../src/workflow/local/manager.ts";
import type { FakeClosing, FakeHost, FakeProcess } from "./fake_workflow_host.ts";
import { threadsAtWork } from "./workflow_threads.ts";

/** Ended runs that a process closes. */
export function closingsOf({ processes }: FakeHost): [FakeProcess, FakeClosing][] {
  return processes.filter(({ alive }) => alive).flatMap((process) =>
    [...process.closing.values()].filter(({ aborted }) => aborted === null)
      .map((closing): [FakeProcess, FakeClosing] => [process, closing])
  );
}

/** The work that processes do for a run: roles, and its `finally`. */
export function listWorkers(host: FakeHost, runId: string): ("role" | "finally")[] {
  return [
    ...threadsAtWork(host).filter(([, { start }]) => start.runId === runId).map(() => "role" as const),
    ...closingsOf(host).filter(([, { start }]) => start.runId === runId).map(() => "finally" as const),
  ];
}

/** Only "queues" has a `finally`. The process has loaded its code before it answers. */
export function close(manager: WorkflowManager, at: [FakeProcess, FakeClosing] | undefined, n: number): void {
  if (at === undefined) return;
  const [process, { start: { runId }, attempt }] = at;
  const { workflow } = process, has = workflow === "queues";
  process.closing.delete(runId);
  manager.onLoaded(workflow, has);
  const outcome = !has
    ? { kind: "none" } as const
    : n % 3 === 0
    ? { kind: "failed", message: "thrown", place: null } as const
    : { kind: "done", content: "c", meta: {} } as const;
  manager.onMessage(process, { t: "closed", runId, attempt, outcome });
}
