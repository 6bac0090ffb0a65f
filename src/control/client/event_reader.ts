/** Parses the control API's server-sent events into rows and gaps. Used by client.ts. */
import { NerveError } from "../../base/errors.ts";
import { protocolLineMaxBytes } from "../../base/limits.ts";
import { type Gap, gapSchema } from "../../protocol/api.ts";
import { type LogRow, logRowSchema } from "../../protocol/log.ts";

export type StreamItem = { readonly kind: "row"; readonly row: LogRow } | { readonly kind: "gap"; readonly gap: Gap };

/** Longer than any row: no process sends a longer line. */
const eventMaxChars = 2 * protocolLineMaxBytes;

/**
 * Ends when the body ends. Rethrows what `wait` throws when it gives up waiting for a part, and throws DAEMON_ANSWER
 * for an event that it cannot parse.
 */
export async function* readEvents(
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
  wait: <T>(part: Promise<T>) => Promise<T> = (part) => part,
): AsyncGenerator<StreamItem> {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  try {
    for (let part = await wait(reader.read()); !part.done; part = await wait(reader.read())) {
      text += part.value;
      const events = text.split("\n\n");
      text = events.pop() ?? "";
      if (text.length > eventMaxChars) throw createAnswerError(`an event of more than ${eventMaxChars} characters`);
      for (const event of events) {
        const item = toItem(event);
        if (item !== null) yield item;
      }
    }
  } finally {
    // Closes the connection when the consumer stops early. Cancelling fails if the connection has failed already.
    reader.cancel().catch(() => {});
  }
}

/** Null for comments and for an id without data. */
function toItem(event: string): StreamItem | null {
  const fields = new Map(
    event.split("\n").map((line) => {
      const colon = line.indexOf(": ");
      return [line.slice(0, colon), line.slice(colon + 2)] as const;
    }),
  );
  const data = fields.get("data");
  if (data === undefined) return null;
  try {
    const value: unknown = JSON.parse(data);
    return fields.get("event") === "gap"
      ? { kind: "gap", gap: gapSchema.parse(value) }
      : { kind: "row", row: logRowSchema.parse(value) };
  } catch (thrown) {
    throw createAnswerError("an event that this version of nerve does not understand", thrown);
  }
}

function createAnswerError(what: string, cause?: unknown): NerveError {
  return new NerveError("DAEMON_ANSWER", `the daemon sent ${what}`, {
    hint: "the daemon may be of another version: restart it",
    cause,
  });
}
