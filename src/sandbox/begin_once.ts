/** Asks the kernel whether a role that runs once may begin. Used by workflow_runtime.ts. */
import type { KernelChannel } from "./runtime.ts";
import type { Thread } from "./thread.ts";

/** Resolves with true when the role's beginning is on disk, and with false when the run is over. */
export async function mayBegin(kernel: KernelChannel, thread: Thread, role: string): Promise<boolean> {
  const { start: { runId }, messages, attempt, controller: { signal } } = thread;
  if (signal.aborted) return false;
  const answer = new Promise<boolean>((resolve) => thread.onBegin = resolve);
  kernel.send({ t: "may_begin", runId, attempt, round: messages.length + 1, role });
  const mayBegin = await answer;
  thread.onBegin = null;
  return mayBegin;
}
