/** Server-sent events as the control API sends them, read back into rows and gaps. Used by client.ts. */
import { NerveError } from "../../base/errors.ts";
import { requestBodyMaxBytes } from "../../base/limits.ts";
import { gapSchema } from "../../protocol/api.ts";
import { logRowSchema } from "../../protocol/log.ts";
import type { StreamItem } from "../event_stream.ts";

/** Longer than any row: a payload has 256 KiB, the prompt of a run 64 KiB, and JSON writes a byte as at most six. */
const eventMaxChars = 4 * requestBodyMaxBytes;

/**
 * Ends when the body does, or when `wait` gives the wait for a part of it up. Throws what that throws, and NerveError
 * DAEMON_ANSWER for what is no event of ours.
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
      if (text.length > eventMaxChars) throw notOurs(`an event of more than ${eventMaxChars} characters`);
      for (const event of events) {
        const item = toItem(event);
        if (item !== null) yield item;
      }
    }
  } finally {
    // Whoever has seen enough closes the connection; one that has failed cannot be closed again.
    reader.cancel().catch(() => {});
  }
}

/** Null for comments, and for an id without data. */
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
    throw notOurs("an event that this version of nerve does not understand", thrown);
  }
}

function notOurs(what: string, cause?: unknown): NerveError {
  return new NerveError("DAEMON_ANSWER", `The daemon sent ${what}`, {
    hint: "The daemon may be of another version: restart it",
    cause,
  });
}
