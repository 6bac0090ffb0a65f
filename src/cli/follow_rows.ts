/** Follows rows of the daemon's log, for `nerve events -f` and `nerve workflow follow`. */
import { NerveError } from "../base/errors.ts";
import type { ControlClient } from "../control/client/client.ts";
import type { StreamItem } from "../control/client/event_reader.ts";
import type { Gap } from "../protocol/api.ts";
import type { LogFilter } from "../protocol/log.ts";
import type { CliIo } from "./io.ts";

/**
 * Passes on the items after row `afterId` until `onItem` returns "over", the command is interrupted, or no one reads
 * its output. Returns whether it was over. Throws DAEMON_MISSING when the daemon stops.
 */
export async function followRows(
  io: CliIo,
  client: ControlClient,
  { filter, afterId }: { readonly filter: LogFilter; readonly afterId: number },
  onItem: (item: StreamItem) => "over" | void,
): Promise<boolean> {
  // A signal that has already aborted calls no new listener.
  if (io.stdout.gone.aborted) return false;
  const end = new AbortController();
  let interrupted = false;
  const abort = () => {
    interrupted = true;
    end.abort();
  };
  const cancelInterrupt = io.onInterrupt(abort);
  io.stdout.gone.addEventListener("abort", abort, { once: true });
  try {
    for await (const item of client.events(filter, afterId, end.signal)) {
      if (onItem(item) === "over") return true;
    }
  } finally {
    cancelInterrupt();
    io.stdout.gone.removeEventListener("abort", abort);
    end.abort();
  }
  if (interrupted) return false;
  throw new NerveError("DAEMON_MISSING", "the daemon has stopped", { hint: "nerve start" });
}

export function formatGap({ afterId, beforeId }: Gap): string {
  if (beforeId <= afterId) return `this log has no row ${afterId}: it is another log`;
  return `rows ${afterId + 1} to ${beforeId - 1} are no longer in the log`;
}
