/** Runs the steps of a read (steps.ts) in slices, between the other work of a thread. Used by read_worker.ts. */
import { NerveError } from "../../base/errors.ts";
import type { Clock } from "../../base/time.ts";
import type { Steps } from "./steps.ts";

/** The longest time that a slice blocks the event loop of its thread. */
const sliceMs = 5;

/**
 * Runs the steps in slices; other work of the thread runs in between. Throws NerveError DAEMON_MISSING when `gone`
 * aborts, because the client has left or the daemon stops.
 */
export async function readInSlices<T>(steps: Steps<T>, clock: Clock, gone: AbortSignal): Promise<T> {
  try {
    for (let end = clock.monotonic() + sliceMs;;) {
      const step = steps.next();
      if (step.done === true) return step.value;
      if (clock.monotonic() < end) continue;
      await new Promise<void>((resolve) => setImmediate(resolve));
      if (gone.aborted) throw readEnded();
      end = clock.monotonic() + sliceMs;
    }
  } finally {
    // Closes any open file.
    steps.return(undefined as never);
  }
}

/** The error of a read whose caller no longer waits for it. */
export function readEnded(): NerveError {
  return new NerveError("DAEMON_MISSING", "the daemon stops", { hint: "nerve start" });
}
