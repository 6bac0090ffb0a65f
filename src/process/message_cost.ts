/** What messages cost in the budget of a process, in units of `messageUnitBytes`. Pure; used by message_budget.ts. */
import { messageContentMaxBytes, messageMetaMaxBytes, messageUnitBytes, payloadMaxBytes } from "../base/limits.ts";
import type { ToProcess } from "../protocol/message.ts";

/** The longest answer to a message: a compute's value; for `run` and `ack`, the next message of a role. */
const answerMaxBytes: Partial<Record<ToProcess["t"], number>> = {
  compute: payloadMaxBytes,
  run: messageContentMaxBytes + messageMetaMaxBytes,
  ack: messageContentMaxBytes + messageMetaMaxBytes,
  prompted: messageContentMaxBytes + messageMetaMaxBytes,
  proceed: messageContentMaxBytes + messageMetaMaxBytes,
};

/** One line from the process. */
export function costOfLine(bytes: number): number {
  return 1 + Math.floor(bytes / messageUnitBytes);
}

/** What a message to the process adds to its budget. */
export function costOfAnswer(message: ToProcess): number {
  return costOfLine(answerMaxBytes[message.t] ?? 0);
}
