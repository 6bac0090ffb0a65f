/** Splits the output of a process into bounded lines: user code can print, but can neither flood nor block nerve. */
import { logLineMaxBytes } from "./limits.ts";

/**
 * Calls `onLine` for each line until the stream ends. A line over the limit is truncated. After each chunk it awaits
 * `pace`, which puts backpressure on a process that writes without end. `onChunk` is called at the start of each chunk.
 */
export async function forwardLines(
  stream: ReadableStream<Uint8Array>,
  onLine: (line: string) => void,
  pace: (bytes: number) => Promise<void> | null = () => null,
  onChunk: () => void = () => {},
): Promise<void> {
  const decoder = new TextDecoder();
  let partial = "";
  for await (const chunk of stream) {
    onChunk();
    const parts = decoder.decode(chunk, { stream: true }).split("\n");
    for (const part of parts.slice(0, -1)) {
      onLine(truncate(partial + part));
      partial = "";
    }
    partial = truncate(partial + (parts.at(-1) ?? ""));
    const wait = pace(chunk.length);
    if (wait !== null) await wait;
  }
  if (partial !== "") onLine(partial);
}

function truncate(text: string): string {
  return text.length > logLineMaxBytes ? text.slice(0, logLineMaxBytes) : text;
}
