/** What the fake processes of workflow_world.ts report to the manager. */
import type { WorkflowManager } from "../../src/workflow/local/manager.ts";
import type { AskedWait } from "../../src/protocol/asked_wait.ts";
import type { FakeProcess, FakeThread } from "./fake_workflow_host.ts";
import { roleOf, said, waitOf } from "./workflow_threads.ts";

export type At = readonly [process: FakeProcess, thread: FakeThread];

/** A process reports nothing about a run whose message is on its way to the disk, or whose role waits to begin. */
function isQuiet({ waits, asks, aborted }: FakeThread): boolean {
  return waits || asks && aborted === null;
}

/** The next role runs once. */
export function askToBegin(manager: WorkflowManager, [process, thread]: At): void {
  const { start: { runId }, attempt, messages, begun, aborted } = thread, round = messages.length + 1;
  const isOver = aborted !== null || round > thread.start.maxRounds;
  if (isQuiet(thread) || isOver || begun.includes(round)) return;
  thread.asks = true;
  manager.onMessage(process, { t: "may_begin", runId, attempt, round, role: "once" });
}

export function sendMessage(manager: WorkflowManager, [process, thread]: At, round: number, attempt: number): void {
  if (isQuiet(thread)) return;
  const { runId } = thread.start;
  if (thread.aborted !== null) process.threads.delete(runId);
  else if (round === thread.messages.length + 1 && attempt === thread.attempt) thread.waits = true;
  manager.onMessage(process, { ...said, runId, attempt, round });
}

/** Sends a report that a process may not make: about a run that it does not hold, or another attempt or round. */
export function forge(manager: WorkflowManager, process: FakeProcess, runId: string, n: number): void {
  const own = process.threads.get(runId);
  const attempt = own === undefined ? 1 : own.attempt + 1 + n % 2;
  manager.onMessage(process, { ...said, runId, attempt, round: 1 });
  manager.onMessage(process, { t: "finished", runId, attempt, outcome: { kind: "completed" } });
  manager.onMessage(process, { t: "probed", runId, attempt, why: null });
  manager.onMessage(process, { ...waitOf(own ?? null, 0), runId, attempt });
  manager.onMessage(process, { t: "may_begin", runId, attempt, round: 1, role: "once" });
  manager.onMessage(process, { t: "closed", runId, attempt, outcome: { kind: "none" } });
  if (own !== undefined && own.aborted === null) {
    // Out of sequence; and while its last message waits for the disk, no report at all is allowed.
    const round = own.messages.length + (own.waits ? 1 : 2);
    manager.onMessage(process, { ...said, runId, attempt: own.attempt, round });
  }
}

/** The end may be reported while the last message is on its way to the disk. */
export function finish(manager: WorkflowManager, [process, thread]: At, kind: "completed" | "failed" | "contradicted") {
  const { runId } = thread.start;
  if (thread.asks && thread.aborted === null) return;
  process.threads.delete(runId);
  const outcome = kind === "completed" ? { kind } : { kind, message: "thrown", place: null };
  manager.onMessage(process, { t: "finished", runId, attempt: thread.attempt, outcome });
}

export function answerProbe(manager: WorkflowManager, [process, thread]: At, why: string | null): void {
  manager.onMessage(process, { t: "probed", runId: thread.start.runId, attempt: thread.attempt, why });
}

export function failRole(
  manager: WorkflowManager,
  [process, thread]: At,
  waitMs: number | null,
  exhausted: "fail" | "pause",
): void {
  if (isQuiet(thread)) return;
  process.threads.delete(thread.start.runId);
  const attempts = waitMs === null ? 1 : 3, about = { ...roleOf(thread), attempts, waitMs, exhausted };
  manager.onMessage(process, { t: "attempt_failed", ...about, message: "thrown", place: null });
}

export function beginRole(manager: WorkflowManager, [process, thread]: At, waitMs: number | null): void {
  if (!isQuiet(thread)) manager.onMessage(process, { t: "role_begun", ...roleOf(thread), waitMs, timeoutMs: 500 });
}

export function beginWait(manager: WorkflowManager, [process, thread]: At, wait: AskedWait): void {
  if (isQuiet(thread)) return;
  process.threads.delete(thread.start.runId);
  manager.onMessage(process, { ...waitOf(thread, 0), wait });
}

/**
 * A list of runs, for a choice. No run waits for one in the queue of "queues", where runs that wait keep their slots:
 * two that did so could wait for ever.
 */
function anyChildren(n: number): AskedWait {
  const request = { prompt: "p", payload: { n: 0 }, maxRounds: null };
  const workflows = ["frees", "drops", n % 7 === 0 ? "unknown" : "frees", "frees"].slice(0, n % 5);
  return { kind: "children", runs: workflows.map((workflow) => ({ workflow, ...request })) };
}

/** A wait of each kind, for a choice. */
export function anyWait(n: number): AskedWait {
  if (n % 4 === 3) return anyChildren(Math.floor(n / 4));
  const ms = [0, 200, 40_000][n % 3] ?? 0, timeoutMs = n % 2 === 0 ? ms : null;
  if (n % 5 < 2) return { kind: "for", ms };
  if (n % 5 < 4) return { kind: "event", name: "go", timeoutMs };
  const gate = { kind: "gate", title: "Go?", body: "b", options: ["approve", "reject"], approvers: null } as const;
  return { ...gate, options: [...gate.options], expiresMs: timeoutMs, onExpiry: timeoutMs === null ? null : "reject" };
}
