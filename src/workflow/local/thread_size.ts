/** The size of a run's messages. Used by dispatcher.ts, code_moves.ts, closings.ts and process_messages.ts. */
import { byteLength } from "../../protocol/json.ts";
import type { RunMessage } from "../../protocol/run.ts";
import type { RunEntry } from "./active_runs.ts";
import type { ThreadSize } from "./ports.ts";

/** Yields the messages while `holds`; then `entry.threadBytes` is their size. Throws when some are missing. */
export function* readWhile(
  entry: RunEntry,
  messages: Iterable<RunMessage>,
  holds: () => boolean,
): Generator<RunMessage> {
  let count = 0, bytes = 0;
  for (const message of messages) {
    if (!holds()) return;
    count++;
    bytes += measureMessage(message);
    yield message;
  }
  if (count !== entry.run.rounds) throw new Error(`the log has ${count} of its ${entry.run.rounds} messages`);
  entry.threadBytes = bytes;
}

/** Call this after dispatcher.ts has read the accepted rounds. */
export function measureThread({ run: { rounds }, accepted }: RunEntry): ThreadSize {
  return { rounds, accepted };
}

/** The bytes of content and `meta`. */
export function measureMessage({ content, meta }: Pick<RunMessage, "content" | "meta">): number {
  return byteLength(content) + byteLength(JSON.stringify(meta));
}
