/** One run in a workflow's process, as workflow_runtime.ts works on it. */
import type { RunMessage, RunStart } from "../protocol/run.ts";
import { deepFreeze } from "./context_helpers.ts";
import type { RuntimeMessage } from "./runtime.ts";

export interface Thread {
  readonly start: RunStart;
  readonly attempt: number;
  readonly messages: RunMessage[];
  /** How many messages the kernel sends before the work begins. */
  readonly rounds: number;
  /** Resolves when the last of them has arrived, or the run is over. */
  readonly whole: PromiseWithResolvers<void>;
  /** How many of them may be of roles that the moderator does not name: a person has accepted that. */
  readonly accepted: number;
  /** How often the role of the current round has failed. */
  failures: number;
  readonly controller: AbortController;
  /** Ends the wait for the acknowledgement of a message; called with null when the run is over and none will come. */
  onAck: ((message: RunMessage | null) => void) | null;
  /** Ends the wait of a role that runs once until its beginning is on disk; called with false when the run is over. */
  onBegin: ((mayBegin: boolean) => void) | null;
  /** For a run that may move here: resolves with whether it has. */
  readonly moved: PromiseWithResolvers<boolean>;
}

export function createThread(
  { start, attempt, rounds, accepted, failures }: Pick<
    Extract<RuntimeMessage, { t: "run" }>,
    "start" | "attempt" | "rounds" | "accepted" | "failures"
  >,
): Thread {
  const whole = Promise.withResolvers<void>(),
    moved = Promise.withResolvers<boolean>(),
    controller = new AbortController();
  if (rounds === 0) whole.resolve();
  const now = { messages: [], failures, controller, onAck: null, onBegin: null, moved };
  return { start: deepFreeze(start), attempt, rounds, accepted, whole, ...now };
}

/** A message of the kernel about a run that is here. */
export type ThreadMessage = Extract<RuntimeMessage, { t: "thread" | "ack" | "abort_run" | "begin" | "proceed" }>;

export function tellThread(thread: Thread, message: ThreadMessage): void {
  switch (message.t) {
    case "thread":
      if (thread.messages.push(deepFreeze(message.message)) === thread.rounds) thread.whole.resolve();
      return;
    case "ack":
      return thread.onAck?.(message.message);
    case "abort_run":
      thread.controller.abort(new DOMException(message.reason, "AbortError"));
      // A running role still reports its result, so that the kernel learns that it has settled.
      thread.onAck?.(null);
      thread.onBegin?.(false);
      thread.whole.resolve();
      return thread.moved.resolve(false);
    case "begin":
      if (thread.messages.length === message.round - 1) thread.onBegin?.(true);
      return;
    case "proceed":
      return thread.moved.resolve(true);
  }
}
