/** The output of a process as lines, bounded: what user code prints is shown, and can neither flood nor stall us. */
import { logLineMaxBytes } from "../base/limits.ts";

/**
 * Calls `onLine` for each line until the stream ends. A line over the limit is cut; its rest is dropped. After each part
 * of the stream it waits for `pace`, so that whoever writes without end waits for us, not we for him.
 */
export async function passLines(
  stream: ReadableStream<Uint8Array>,
  onLine: (line: string) => void,
  pace: (bytes: number) => Promise<void> | null = () => null,
): Promise<void> {
  const decoder = new TextDecoder();
  let held = "";
  for await (const chunk of stream) {
    const parts = decoder.decode(chunk, { stream: true }).split("\n");
    for (const part of parts.slice(0, -1)) {
      onLine(cut(held + part));
      held = "";
    }
    held = cut(held + (parts.at(-1) ?? ""));
    const wait = pace(chunk.length);
    if (wait !== null) await wait;
  }
  if (held !== "") onLine(held);
}

function cut(text: string): string {
  return text.length > logLineMaxBytes ? text.slice(0, logLineMaxBytes) : text;
}
